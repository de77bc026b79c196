import type { NewEvent, RecordedEvent } from '../eventsourcing/events.js';

/** The revision a stream must have for an append to succeed; `any` only for write-only streams. */
export type ExpectedRevision = bigint | 'no_stream' | 'any';

/** How long events of a stream are kept. */
export interface Retention {
  readonly maxAgeSeconds: number;
}

export interface Appended {
  /** Revision of the last appended event. */
  readonly revision: bigint;
  /** Position of the last appended event. */
  readonly position: bigint;
}

export interface ReadStreamOptions {
  /** First revision to read; default: the first forwards, the last backwards. */
  readonly from?: bigint;
  readonly direction?: 'forwards' | 'backwards';
  readonly limit?: number;
}

/** Keeps events whose stream name starts with one of `streamPrefixes` and whose type is one of `types`; an absent list keeps all. */
export interface EventFilter {
  readonly streamPrefixes?: readonly string[];
  readonly types?: readonly string[];
}

export interface ReadAllOptions {
  /** Exclusive: forwards reads what comes after it, backwards what comes before it. Default: from the beginning (forwards) or the end (backwards). */
  readonly after?: bigint;
  readonly direction?: 'forwards' | 'backwards';
  readonly limit?: number;
  readonly filter?: EventFilter;
}

export interface SubscribeOptions {
  /** Exclusive position to go on from; default: from the beginning of the log. */
  readonly after?: bigint;
  readonly filter?: EventFilter;
  readonly signal?: AbortSignal;
}

/**
 * What a subscription yields, in log order. Events come in batches so that consumers can work per batch.
 * `checkpoint` says that everything up to `position` was seen although the filter dropped it;
 * `caughtUp` that the subscription went from history to live.
 */
export type LogMessage =
  | { readonly type: 'events'; readonly events: readonly RecordedEvent[] }
  | { readonly type: 'checkpoint'; readonly position: bigint }
  | { readonly type: 'caughtUp'; readonly position: bigint };

/** The only truth. One contract suite (`test/contract/event-store.ts`) holds every adapter to the same behaviour. */
export interface EventStore {
  /** Changes when the log is another one (restored, migrated): positions of one epoch mean nothing in another. */
  readonly epoch: string;
  /**
   * Appends all events or none, durably: when this resolves they are on disk.
   * Sending the same events (same ids) again with the same expected revision is answered as the first time.
   * @throws WrongExpectedRevision, EventTooLarge, StoreUnavailable
   */
  append(stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): Promise<Appended>;
  /**
   * Lets the stream's events go once they are older (`metadata.at`): from then on readers may or may not find them, and
   * their space is given back in the course of time. Revisions and positions stay what they are. For write-only streams
   * without a hash chain alone; the stream need not exist yet. @throws StoreUnavailable
   */
  retain(stream: string, retention: Retention): Promise<void>;
  /** Yields nothing for an unknown stream. @throws CorruptEvent, StoreUnavailable */
  readStream(stream: string, options?: ReadStreamOptions): AsyncIterable<RecordedEvent>;
  /** @throws CorruptEvent, StoreUnavailable */
  readAll(options?: ReadAllOptions): AsyncIterable<RecordedEvent>;
  /** Catch-up, then live, with no gap and no duplicate. Ends when `signal` aborts. @throws CorruptEvent, StoreUnavailable */
  subscribeToAll(options?: SubscribeOptions): AsyncIterable<LogMessage>;
  /** Position of the last event, -1n for an empty log. */
  head(): Promise<bigint>;
  /** For how long some subscription has lacked events that are in the log, in milliseconds. Absent where it cannot happen. */
  readonly behindMs?: number;
  close(): Promise<void>;
}

export class WrongExpectedRevision extends Error {
  override readonly name = 'WrongExpectedRevision';
  constructor(
    readonly stream: string,
    readonly expected: ExpectedRevision,
    /** -1n when the stream does not exist. */
    readonly actual: bigint,
  ) {
    super(`stream ${stream} is at revision ${actual}, expected ${expected}`);
  }
}

/** The store cannot be reached or cannot write now; what was sent may or may not have taken effect: retry with the same ids. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}

/** A stored event is not what was written. It is never served. */
export class CorruptEvent extends Error {
  override readonly name = 'CorruptEvent';
  constructor(
    readonly position: bigint,
    reason: string,
  ) {
    super(`event at position ${position} is damaged: ${reason}`);
  }
}

/** An event is over the store's limit (1 MiB of JSON data is always accepted). */
export class EventTooLarge extends Error {
  override readonly name = 'EventTooLarge';
}
