import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RecordedEvent } from '../../eventsourcing/events.js';
import { CorruptEvent, StoreUnavailable } from '../event-store.js';
import { structuralProblem } from './check.js';
import { LogDatabase } from './database.js';
import { text } from './errors.js';
import { dataFileStat, readState } from './log-state.js';
import type { LogState } from './log-state.js';
import { isScavenged, parseRecord, readRecord, readStreamKey } from './record.js';
import type { CheckedRecord } from './record.js';
import { StoredStreamMetas } from './stream-meta.js';

/** Records or index entries per step; between steps others get their turn and no read transaction is open. */
const STEP = 1_000;

export interface LogProblem {
  /** Undefined when the damage is not at one position (the file's structure). */
  readonly position: bigint | undefined;
  readonly stream: string | undefined;
  readonly problem: string;
}

export interface LogReport {
  /** Intact events found. */
  readonly events: number;
  readonly streams: number;
  /** Position of the last event when the check began, -1n for an empty log. */
  readonly head: bigint;
  readonly problems: readonly LogProblem[];
}

export interface VerifyLogOptions {
  /** Called now and then with the number of positions read so far and in all. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Says what is wrong with an event's place in its stream's hash chain, given the hash of the event before ('' on the first). */
  readonly chainOf?: (event: RecordedEvent, previousHash: string) => string | undefined;
}

/** Where a stream stands; all the memory that grows with the log. */
interface StreamState {
  readonly revision: bigint;
  readonly hash: string;
  /** Revision of its last scavenged event, -1n for none. */
  readonly scavengedTo: bigint;
}

const unknown: StreamState = { revision: -1n, hash: '', scavengedTo: -1n };

/**
 * Checks the whole log, read-only, also beside a running writer: every checksum, positions and revisions without gaps,
 * log and stream index in agreement both ways, and the hash chains if `chainOf` is given.
 * @throws StoreUnavailable when there is no log.
 */
export async function verifyLog(dir: string, options: VerifyLogOptions = {}): Promise<LogReport> {
  const known = await readState(dir);
  const file = await dataFileStat(dir);
  if (file === undefined || file.bytes === 0) throw new StoreUnavailable(`there is no event log in ${dir}`);
  const structure = await structuralProblem(dir);
  if (structure !== undefined) {
    const problem = `the data file is damaged: ${structure}`;
    return { events: 0, streams: 0, head: -1n, problems: [{ position: undefined, stream: undefined, problem }] };
  }
  const database = LogDatabase.open(dir, { readOnly: true });
  try {
    return await new Verification(database, options).run(known);
  } finally {
    await database.close();
  }
}

class Verification {
  private readonly head: bigint;
  private readonly problems: LogProblem[] = [];
  private readonly streams = new Map<string, StreamState>();
  private events = 0;

  constructor(
    private readonly database: LogDatabase,
    private readonly options: VerifyLogOptions,
  ) {
    this.head = database.head();
  }

  async run(known: LogState | undefined): Promise<LogReport> {
    if (known !== undefined && known.head > this.head) {
      this.report(known.head, undefined, `the log ends at position ${this.head}, log.json knows of this one`);
    }
    const total = Number(this.head + 1n);
    for (let next = 0n; next <= this.head; next += BigInt(STEP)) {
      this.checkPositions(next, min(next + BigInt(STEP) - 1n, this.head));
      this.options.onProgress?.(Math.min(Number(next) + STEP, total), total);
      await nextTurn();
    }
    await this.checkIndex();
    return { events: this.events, streams: this.streams.size, head: this.head, problems: this.problems };
  }

  private report(position: bigint | undefined, stream: string | undefined, problem: string): void {
    this.problems.push({ position, stream, problem });
  }

  private checkPositions(first: bigint, last: bigint): void {
    let expected = first;
    for (const { position, bytes } of this.database.records(first, last)) {
      this.checkGap(expected, position - 1n);
      expected = position + 1n;
      this.checkRecord(position, bytes);
    }
    this.checkGap(expected, last);
  }

  private checkGap(from: bigint, to: bigint): void {
    if (from <= to) this.report(from, undefined, `the events from here to position ${to} are missing`);
  }

  private checkRecord(position: bigint, bytes: Buffer): void {
    let record: CheckedRecord;
    let event: RecordedEvent | undefined;
    try {
      record = readRecord(position, bytes);
      if (!isScavenged(record)) event = parseRecord(record);
    } catch (error) {
      this.report(position, undefined, text(error));
      return;
    }
    if (event !== undefined) this.events++;
    const { stream, revision } = record;
    const before = this.streams.get(stream) ?? unknown;
    if (revision !== before.revision + 1n) {
      this.report(position, stream, `revision ${revision} follows ${before.revision}`);
    }
    const indexed = this.database.positionOf(stream, revision);
    if (indexed !== position) {
      const found = indexed === undefined ? 'does not have it' : `has position ${indexed} for it`;
      this.report(position, stream, `the stream index ${found} (revision ${revision})`);
    }
    const broken = event ? this.brokenAt(event, before) : this.missingAt(stream, revision, before);
    if (broken !== undefined) this.report(position, stream, broken);
    const scavengedTo = event ? before.scavengedTo : revision;
    this.streams.set(stream, { revision, hash: event?.metadata.hash ?? '', scavengedTo });
  }

  private brokenAt(event: RecordedEvent, { hash, scavengedTo }: StreamState): string | undefined {
    if (scavengedTo >= 0n && event.metadata.hash !== undefined) {
      return `the events of its hash chain up to revision ${scavengedTo} are missing`;
    }
    return this.options.chainOf?.(event, hash);
  }

  /** Scavenging takes the first events of streams without a hash chain that are kept for a time; nothing else may be gone. */
  private missingAt(stream: string, revision: bigint, { hash, scavengedTo }: StreamState): string | undefined {
    const missing = `the event is missing (revision ${revision}): it was scavenged`;
    if (hash !== '') return `${missing} from a hash chain`;
    if (scavengedTo !== revision - 1n && !this.scavengedMeanwhile(stream, revision - 1n)) {
      return `${missing}, but not the one before it`;
    }
    // Asked once per stream.
    if (scavengedTo < 0n && !this.isKeptForATime(stream)) return `${missing} from a stream that keeps its events`;
    return undefined;
  }

  /** A server may go on scavenging where this has been before. */
  private scavengedMeanwhile(stream: string, revision: bigint): boolean {
    try {
      const position = this.database.positionOf(stream, revision);
      return position !== undefined && isScavenged(this.database.record(position));
    } catch (error) {
      if (error instanceof CorruptEvent) return false;
      throw error;
    }
  }

  private isKeptForATime(stream: string): boolean {
    try {
      const metas = new StoredStreamMetas(() => this.database, true);
      return typeof metas.get(stream).metadata?.data['$maxAge'] === 'number';
    } catch (error) {
      if (error instanceof StoreUnavailable) return false;
      throw error;
    }
  }

  /** Each index entry must lead to its event. Entries of events appended since the check began are left out. */
  private async checkIndex(): Promise<void> {
    let after: Buffer | undefined;
    for (;;) {
      const entries = this.database.indexEntries(after, STEP);
      for (const { key, value } of entries) this.checkEntry(key, value.readBigUInt64BE());
      after = entries.at(-1)?.key;
      if (after === undefined) return;
      await nextTurn();
    }
  }

  private checkEntry(key: Buffer, position: bigint): void {
    const { stream, revision } = readStreamKey(key);
    if (position > this.head && position <= this.database.head()) return;
    try {
      const record = this.database.record(position);
      if (record.stream === stream && record.revision === revision) return;
      this.report(
        position,
        stream,
        `the stream index has revision ${revision} there, it is ${record.stream} ${record.revision}`,
      );
    } catch (error) {
      // Damaged or missing events are reported by the walk through the log; only one past its end is news.
      if (!(error instanceof CorruptEvent)) throw error;
      if (position > this.head)
        this.report(position, stream, `the stream index has revision ${revision} beyond the log`);
    }
  }
}

const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
