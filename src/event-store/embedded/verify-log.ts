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
  revision: bigint;
  hash: string;
}

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
    const before = this.streams.get(stream) ?? { revision: -1n, hash: '' };
    if (revision !== before.revision + 1n) {
      this.report(position, stream, `revision ${revision} follows ${before.revision}`);
    }
    const indexed = this.database.positionOf(stream, revision);
    if (indexed !== position) {
      const found = indexed === undefined ? 'does not have it' : `has position ${indexed} for it`;
      this.report(position, stream, `the stream index ${found} (revision ${revision})`);
    }
    const broken = event ? this.options.chainOf?.(event, before.hash) : scavengedFrom(before);
    if (broken !== undefined) this.report(position, stream, broken);
    this.streams.set(stream, { revision, hash: event?.metadata.hash ?? '' });
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

/** Events of a hash chain are never scavenged. One that follows what was does not fit its predecessor anyway. */
const scavengedFrom = ({ hash }: StreamState): string | undefined =>
  hash === '' ? undefined : 'an event of a hash chain was scavenged';

const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
