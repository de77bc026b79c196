import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RecordedEvent } from '../../eventsourcing/events.js';
import { CorruptEvent } from '../event-store.js';
import type { EventFilter, ReadAllOptions, ReadStreamOptions } from '../event-store.js';
import { asStoreError } from './errors.js';
import type { LogDatabase } from './database.js';
import { isScavenged, parseRecord, readRecord } from './record.js';
import type { CheckedRecord } from './record.js';

/** Events per chunk. A chunk is read at once; between chunks no read transaction is open. */
const CHUNK_EVENTS = 512;
/** Characters of JSON after which a chunk ends early, so that large events don't add up in memory. */
const CHUNK_CHARACTERS = 1024 * 1024;
/** Records looked at per chunk when a filter drops most of them. */
const CHUNK_SCAN = 4096;

/** What reading needs of a store: its database, and the position up to which it shows events. */
export interface LogSource {
  /** @throws StoreUnavailable when closed. */
  db(): LogDatabase;
  head(): bigint;
}

/** Whether an event passes; undefined lets all pass. */
export type Matcher = ((event: { readonly stream: string; readonly type: string }) => boolean) | undefined;

export function matcherOf(filter: EventFilter | undefined): Matcher {
  const prefixes = filter?.streamPrefixes;
  const types = filter?.types === undefined ? undefined : new Set(filter.types);
  if (prefixes === undefined && types === undefined) return undefined;
  return ({ stream, type }) =>
    (types === undefined || types.has(type)) &&
    (prefixes === undefined || prefixes.some((prefix) => stream.startsWith(prefix)));
}

/** Part of a read: `done` when nothing follows. */
interface Chunk {
  readonly events: readonly RecordedEvent[];
  readonly done: boolean;
}

/**
 * Scans the log from `start` towards `end` (inclusive), one chunk's worth. `seen` is the last position looked at
 * (undefined when the range is empty). A missing position is damage: the store leaves no gaps. What was scavenged is
 * passed over.
 */
export function scanLog(
  db: LogDatabase,
  start: bigint,
  end: bigint,
  options: { readonly matches: Matcher; readonly limit?: number; readonly backwards?: boolean },
): { records: CheckedRecord[]; seen: bigint | undefined } {
  const { matches, limit = CHUNK_EVENTS, backwards = false } = options;
  const step = backwards ? -1n : 1n;
  const records: CheckedRecord[] = [];
  let seen: bigint | undefined;
  if (backwards ? start < end : start > end) return { records, seen };
  let next = start;
  let scanned = 0;
  let characters = 0;
  for (const { position, bytes } of db.records(start, end)) {
    if (position !== next) break;
    const record = readRecord(position, bytes);
    if (!isScavenged(record) && (matches === undefined || matches(record))) {
      records.push(record);
      characters += record.json.length;
    }
    seen = position;
    next += step;
    if (++scanned >= CHUNK_SCAN || records.length >= limit || characters >= CHUNK_CHARACTERS) return { records, seen };
  }
  if (seen !== end) throw new CorruptEvent(next, 'it is missing');
  return { records, seen };
}

export function readAll(source: LogSource, options: ReadAllOptions = {}): AsyncIterable<RecordedEvent> {
  const matches = matcherOf(options.filter);
  const backwards = options.direction === 'backwards';
  return chunked(() => {
    let next = options.after === undefined ? undefined : options.after + (backwards ? -1n : 1n);
    let left = options.limit ?? Infinity;
    return () => {
      const db = source.db();
      const head = source.head();
      const end = backwards ? 0n : head;
      let start = next ?? (backwards ? head : 0n);
      if (backwards && start > head) start = head;
      if (!backwards && start < 0n) start = 0n;
      if (left <= 0) return { events: [], done: true };
      const limit = Math.min(left, CHUNK_EVENTS);
      const { records, seen } = scanLog(db, start, end, { matches, limit, backwards });
      const events = records.map(parseRecord);
      if (seen === undefined) return { events, done: true };
      left -= events.length;
      next = backwards ? seen - 1n : seen + 1n;
      return { events, done: seen === end || left <= 0 };
    };
  });
}

export function readStream(
  source: LogSource,
  stream: string,
  options: ReadStreamOptions = {},
): AsyncIterable<RecordedEvent> {
  const backwards = options.direction === 'backwards';
  return chunked(() => {
    let next = options.from;
    let left = options.limit ?? Infinity;
    return () => {
      const db = source.db();
      if (left <= 0) return { events: [], done: true };
      const last = db.streamHead(stream);
      let start = next ?? (backwards ? last : 0n);
      if (backwards && start > last) start = last;
      if (!backwards && start < 0n) start = 0n;
      if (start < 0n || start > last) return { events: [], done: true };
      const size = BigInt(Math.min(left, CHUNK_EVENTS));
      const end = backwards ? max(start - size + 1n, 0n) : min(start + size - 1n, last);
      const chunk = streamChunk(db, stream, start, end, backwards);
      ({ next } = chunk);
      left -= chunk.events.length;
      return { events: chunk.events, done: left <= 0 || (backwards ? next < 0n : next > last) };
    };
  });
}

/**
 * Events of a stream from revision `start` towards `end` (inclusive), fewer than asked if they are large, and the revision to
 * go on from. None when the first one was scavenged: then `next` is beyond all that were, in either direction.
 */
function streamChunk(
  db: LogDatabase,
  stream: string,
  start: bigint,
  end: bigint,
  backwards: boolean,
): { readonly events: RecordedEvent[]; readonly next: bigint } {
  const events: RecordedEvent[] = [];
  const step = backwards ? -1n : 1n;
  let expected = start;
  let characters = 0;
  for (const { revision, position } of db.revisions(stream, start, end)) {
    if (revision !== expected) throw missing(position, stream, expected);
    const record = db.record(position);
    if (record.stream !== stream || record.revision !== revision) {
      throw new CorruptEvent(
        position,
        `the index has ${stream} ${revision} there, it is ${record.stream} ${record.revision}`,
      );
    }
    if (isScavenged(record)) return { events, next: backwards ? -1n : max(db.firstKept(stream), revision + 1n) };
    events.push(parseRecord(record));
    expected += step;
    characters += record.json.length;
    if (characters >= CHUNK_CHARACTERS) return { events, next: expected };
  }
  if (expected !== end + step) throw missing(events.at(-1)?.position ?? -1n, stream, expected);
  return { events, next: expected };
}

/** The stream index lacks a revision below the stream's head; the nearest entry says where in the log to look. */
function missing(near: bigint, stream: string, revision: bigint): CorruptEvent {
  return new CorruptEvent(near, `next to it, revision ${revision} of ${stream} is missing from the stream index`);
}

const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** Hands out a chunk's events one by one; one promise per event, and a turn for others between chunks. */
class ChunkIterator implements AsyncIterator<RecordedEvent, undefined> {
  private events: readonly RecordedEvent[] = [];
  private at = 0;
  private done = false;
  private started = false;

  constructor(private readonly read: () => Chunk) {}

  next(): Promise<IteratorResult<RecordedEvent, undefined>> {
    const value = this.events[this.at];
    if (value === undefined) return this.done ? Promise.resolve(END) : this.refill();
    this.at++;
    return Promise.resolve({ done: false, value });
  }

  return(): Promise<IteratorResult<RecordedEvent, undefined>> {
    this.events = [];
    this.done = true;
    return Promise.resolve(END);
  }

  private async refill(): Promise<IteratorResult<RecordedEvent, undefined>> {
    do {
      if (this.started) await nextTurn();
      this.started = true;
      try {
        ({ events: this.events, done: this.done } = this.read());
      } catch (error) {
        this.done = true;
        throw asStoreError(error);
      }
      this.at = 0;
    } while (this.events.length === 0 && !this.done);
    return this.next();
  }
}

/** `start` makes the reader of one iteration. */
function chunked(start: () => () => Chunk): AsyncIterable<RecordedEvent> {
  return { [Symbol.asyncIterator]: () => new ChunkIterator(start()) };
}
