import { setImmediate as nextTurn } from 'node:timers/promises';
import type { NewEvent } from '../../eventsourcing/events.js';
import { WrongExpectedRevision } from '../event-store.js';
import type { Appended, ExpectedRevision } from '../event-store.js';
import type { LogDatabase } from './database.js';
import { asStoreError } from './errors.js';
import { Lru } from '../../eventsourcing/lru.js';
import { checkStreamName, encodeRecords, isScavenged, parseRecord, prepareEvent } from './record.js';
import type { PlacedEvent, PreparedEvent } from './record.js';

/** A commit takes what waits, up to so many bytes of records (a single larger append goes alone). */
const COMMIT_BYTES = 4 * 1024 * 1024;
const CACHED_HEADS = 50_000;
const REMEMBERED_ANY_APPENDS = 10_000;

interface Request {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  readonly events: readonly PreparedEvent[];
  readonly bytes: number;
  readonly firstId: string;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: unknown) => void;
}

/** The appends of one commit, and what they make of the streams they touch. */
class Commit {
  readonly events: PlacedEvent[] = [];
  readonly accepted: { request: Request; appended: Appended }[] = [];
  readonly heads = new Map<string, bigint>();
  /** Revision that each append with expected revision `any` got, by the id of its first event. */
  readonly anyAppends = new Map<string, bigint>();
  bytes = 0;
}

/**
 * Group commit: appends wait while a commit is under way, then go together in the next one, so that one flush serves
 * many. Revisions are checked when a commit is put together, against what is on disk plus what the same commit holds;
 * only a commit that succeeded changes what is remembered, so a failed one needs no undoing.
 */
export class Writer {
  private waiting: Request[] = [];
  private running: Promise<void> | undefined;
  private readonly heads = new Lru<string, bigint>(CACHED_HEADS);
  private readonly anyAppends = new Lru<string, bigint>(REMEMBERED_ANY_APPENDS);

  constructor(
    private readonly db: LogDatabase,
    private readonly log: {
      head(): bigint;
      /** Called when the events are on disk, before the appends are answered. */
      committed(events: readonly PlacedEvent[]): void;
      /** Called when a commit failed. */
      failed(): void;
    },
  ) {}

  append(stream: string, expected: ExpectedRevision, newEvents: readonly NewEvent[]): Promise<Appended> {
    return new Promise((resolve, reject) => {
      checkStreamName(stream);
      const events = newEvents.map((event) => prepareEvent(stream, event));
      const [first] = events;
      if (first === undefined) throw new RangeError('there is no event to append');
      const bytes = events.reduce((sum, event) => sum + event.size, 0);
      this.waiting.push({ stream, expected, events, bytes, firstId: `${stream}\n${first.id}`, resolve, reject });
      this.running ??= this.run();
    });
  }

  /** Resolves when nothing waits and no commit is under way. */
  async idle(): Promise<void> {
    while (this.running !== undefined) await this.running;
  }

  private async run(): Promise<void> {
    while (this.waiting.length > 0) {
      // Whoever was just answered, or has a request to read in this turn, still gets into this commit.
      await nextTurn();
      const commit = this.assemble();
      if (commit.events.length > 0) await this.store(commit);
    }
    this.running = undefined;
  }

  private async store({ events, accepted, heads, anyAppends }: Commit): Promise<void> {
    try {
      await this.db.commit(encodeRecords(events));
    } catch (error) {
      this.heads.clear();
      this.log.failed();
      for (const { request } of accepted) request.reject(error);
      return;
    }
    for (const [stream, head] of heads) this.heads.set(stream, head);
    for (const [firstId, revision] of anyAppends) this.anyAppends.set(firstId, revision);
    this.log.committed(events);
    for (const { request, appended } of accepted) request.resolve(appended);
  }

  /** Puts a commit together from what waits. */
  private assemble(): Commit {
    const commit = new Commit();
    const later: Request[] = [];
    let taken = 0;
    for (const request of this.waiting) {
      if (commit.events.length > 0 && commit.bytes + request.bytes > COMMIT_BYTES) break;
      taken++;
      try {
        if (!this.admit(commit, request)) later.push(request);
      } catch (error) {
        request.reject(asStoreError(error));
      }
    }
    this.waiting = [...later, ...this.waiting.slice(taken)];
    return commit;
  }

  /**
   * Puts a request into the commit, or answers it, or returns false: one that conflicts with an append of this
   * very commit is judged in the next, when it is known whether that append took place.
   */
  private admit(commit: Commit, request: Request): boolean {
    const { stream, expected, events } = request;
    const uncommitted = commit.heads.get(stream);
    if (expected === 'any') {
      if (commit.anyAppends.has(request.firstId)) return false;
      const earlier = this.anyAppends.get(request.firstId);
      const answer = earlier === undefined ? undefined : this.earlierAnswer(stream, earlier, events);
      if (answer !== undefined) {
        request.resolve(answer);
        return true;
      }
    }
    const actual = uncommitted ?? this.committedHead(stream);
    const required = expected === 'no_stream' ? -1n : expected === 'any' ? actual : expected;
    if (required !== actual) {
      if (uncommitted !== undefined) return false;
      const answer = this.earlierAnswer(stream, required + 1n, events);
      if (answer === undefined) request.reject(new WrongExpectedRevision(stream, expected, actual));
      else request.resolve(answer);
      return true;
    }
    let revision = actual;
    let position = this.log.head() + BigInt(commit.events.length);
    for (const event of events) commit.events.push({ stream, revision: ++revision, position: ++position, event });
    commit.bytes += request.bytes;
    commit.heads.set(stream, revision);
    if (expected === 'any') commit.anyAppends.set(request.firstId, actual + 1n);
    commit.accepted.push({ request, appended: { revision, position } });
    return true;
  }

  private committedHead(stream: string): bigint {
    const cached = this.heads.get(stream);
    if (cached !== undefined) return cached;
    const stored = this.db.streamHead(stream);
    this.heads.set(stream, stored);
    return stored;
  }

  /** What these very events were answered when they were appended at revision `first`; undefined if they were not. */
  private earlierAnswer(stream: string, first: bigint, events: readonly PreparedEvent[]): Appended | undefined {
    let answer: Appended | undefined;
    let revision = first;
    for (const { id } of events) {
      const position = revision < 0n ? undefined : this.db.positionOf(stream, revision);
      if (position === undefined) return undefined;
      const record = this.db.record(position);
      // Of an event whose time is over nobody knows the id any more.
      if (isScavenged(record) || parseRecord(record).id !== id) return undefined;
      answer = { revision, position };
      revision++;
    }
    return answer;
  }
}
