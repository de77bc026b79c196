import type { Json, NewEvent, RecordedEvent } from '../../eventsourcing/events.js';
import type { EmbeddedEventStore } from '../embedded/embedded-event-store.js';
import type { StreamMeta } from '../embedded/stream-meta.js';
import { WrongExpectedRevision } from '../event-store.js';
import type { Appended } from '../event-store.js';
import { AccessDenied, asAppendError, InvalidArgument, StreamDeleted, WrongExpectedVersion } from './errors.js';
import type { Expected } from './errors.js';
import { createdAt } from './events.js';

/** Type of the events in a stream's metadata stream, `$$<stream>`. */
const METADATA_TYPE = '$metadata';
const META = '$$';

/** What an append made of a stream: nothing known yet when nothing was appended to a new one. */
export interface AppendOutcome {
  readonly revision?: bigint;
  readonly position?: bigint;
}

/** What clients may see of a stream. */
export interface VisibleStream {
  /** First revision not scavenged or cut off by deletion, `$tb` or `$maxCount`. */
  readonly first: bigint;
  readonly last: bigint;
  /** Whether an event is young enough for `$maxAge`. */
  readonly isFresh: (event: RecordedEvent) => boolean;
  /** Whether every event passes `isFresh`. */
  readonly ageless: boolean;
}

/**
 * Streams as EventStoreDB has them, over the embedded log: deletion, metadata and retention, which the log itself does not
 * know. Metadata of stream `s` is the stream `$$s`, of which only the latest event is kept (EventStoreDB does the same).
 * Retention hides events from their stream; `$all` shows them until the log is scavenged, as EventStoreDB's does.
 * Other streams and events whose name starts with `$` are refused: consumers of the log must not meet them.
 */
export class ServedStreams {
  /** Changes of metadata, one after the other. */
  private changes: Promise<unknown> = Promise.resolve();
  private readonly onDeleted = new Map<string, Set<(error: StreamDeleted) => void>>();

  constructor(readonly store: EmbeddedEventStore) {}

  /** @throws WrongExpectedVersion, StreamDeleted, AccessDenied, InvalidArgument, AppendTooLarge, StoreUnavailable */
  async append(stream: string, expected: Expected, events: readonly NewEvent[]): Promise<AppendOutcome> {
    // Nothing is awaited before the store has the events: what a client sends in order is appended in order.
    if (isMetastream(stream)) return this.changeMetadata(stream, expected, events);
    if (stream.startsWith('$')) throw new AccessDenied(`stream ${stream} is a system stream`);
    const system = events.find(({ type }) => type.startsWith('$'));
    if (system) throw new InvalidArgument(`event ${system.id} has the system type ${system.type}: not served`);
    const meta = this.metaOf(stream);
    const last = this.store.streams.lastRevision(stream);
    if (expected === 'stream_exists') {
      if (isDeleted(meta, last)) throw new StreamDeleted(stream);
      if (last < 0n && meta.metadata === undefined) throw new WrongExpectedVersion(stream, expected, last);
    }
    if (events.length === 0) return this.appendNothing(stream, expected, last);
    const required = expected === 'stream_exists' ? 'any' : expected;
    try {
      return await this.store.append(stream, required, events);
    } catch (error) {
      // A deleted stream is none to who expects none; its revisions go on.
      if (expected === 'no_stream' && meta.deletedTo !== undefined && error instanceof WrongExpectedRevision) {
        return this.appendAfter(stream, meta.deletedTo, events);
      }
      throw asAppendError(error, expected);
    }
  }

  private async appendAfter(stream: string, last: bigint, events: readonly NewEvent[]): Promise<Appended> {
    try {
      return await this.store.append(stream, last, events);
    } catch (error) {
      throw asAppendError(error, 'no_stream');
    }
  }

  private appendNothing(stream: string, expected: Expected, last: bigint): AppendOutcome {
    checkRevision(stream, expected, last);
    return last < 0n ? {} : { revision: last };
  }

  /**
   * Deletes a stream, softly or (`tombstone`) for good; answers where the log ended then. An append that is under way at
   * the same time counts as before a tombstone, and as after a soft deletion.
   */
  delete(stream: string, expected: Expected, tombstone: boolean): Promise<bigint> {
    return this.change(async () => {
      if (stream.startsWith('$')) throw new AccessDenied(`stream ${stream} is a system stream`);
      const meta = this.metaOf(stream);
      const last = this.store.streams.lastRevision(stream);
      const exists = (last >= 0n && !isDeleted(meta, last)) || meta.metadata !== undefined;
      if (expected === 'stream_exists' && !exists) throw new WrongExpectedVersion(stream, expected, last);
      if (expected !== 'stream_exists' && !(expected === 'no_stream' && isDeleted(meta, last))) {
        checkRevision(stream, expected, last);
      }
      await this.store.streams.set(stream, { ...meta, deletedTo: last, ...(tombstone && { tombstone }) });
      if (tombstone) for (const listener of this.onDeleted.get(stream) ?? []) listener(new StreamDeleted(stream));
      return this.store.head();
    });
  }

  /** Calls back when the stream is deleted for good; returns how to stop that. */
  whenDeleted(stream: string, listener: (error: StreamDeleted) => void): () => void {
    const listeners = this.onDeleted.get(stream) ?? new Set();
    this.onDeleted.set(stream, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.onDeleted.delete(stream);
    };
  }

  /** What there is to read of a stream; undefined when it does not exist or is deleted. @throws StreamDeleted (for good) */
  visible(stream: string): VisibleStream | undefined {
    const meta = this.metaOf(stream);
    const last = this.store.streams.lastRevision(stream);
    if (last < 0n || isDeleted(meta, last)) return undefined;
    const { $maxCount, $maxAge, $tb } = meta.metadata?.data ?? {};
    let first = this.store.streams.firstRevision(stream);
    if (meta.deletedTo !== undefined && meta.deletedTo >= first) first = meta.deletedTo + 1n;
    if (isLimit($tb) && BigInt($tb) > first) first = BigInt($tb);
    if (isLimit($maxCount) && last - BigInt($maxCount) + 1n > first) first = last - BigInt($maxCount) + 1n;
    const oldest = isLimit($maxAge) ? Date.now() - $maxAge * 1_000 : undefined;
    const isFresh = (event: RecordedEvent): boolean => oldest === undefined || createdAt(event) >= oldest;
    return { first, last, isFresh, ageless: oldest === undefined };
  }

  /** The event a metadata stream holds; undefined when there is none. @throws StreamDeleted */
  metadataEvent(metastream: string): RecordedEvent | undefined {
    return this.metaOf(metastream.slice(META.length)).metadata;
  }

  private changeMetadata(metastream: string, expected: Expected, events: readonly NewEvent[]): Promise<AppendOutcome> {
    const stream = metastream.slice(META.length);
    return this.change(async () => {
      if (stream === '' || stream.startsWith('$')) throw new AccessDenied(`stream ${metastream} is a system stream`);
      const strange = events.find(({ type }) => type !== METADATA_TYPE);
      if (strange) throw new InvalidArgument(`stream ${metastream} takes events of type ${METADATA_TYPE} only`);
      // Nothing is awaited between what is read and what is written: the log itself notes retention there, too.
      const position = await this.store.head();
      const meta = this.metaOf(stream);
      const last = meta.metadata?.revision ?? -1n;
      const event = events.at(-1);
      if (event === undefined) return this.appendNothing(metastream, expected, last);
      if (meta.metadata?.id === event.id && isRetry(expected, last, events.length)) return meta.metadata;
      checkRevision(metastream, expected, last);
      const revision = last + BigInt(events.length);
      const metadata = { ...event, stream: metastream, revision, position };
      // Clients that don't know the call for it delete a stream by the largest $tb there is.
      const deleted = Number(event.data['$tb'] ?? 0) > Number.MAX_SAFE_INTEGER;
      const deletedTo = deleted && { deletedTo: this.store.streams.lastRevision(stream) };
      await this.store.streams.set(stream, { ...meta, metadata, ...deletedTo });
      return { revision, position };
    });
  }

  private change<T>(change: () => Promise<T>): Promise<T> {
    const changed = this.changes.then(change).catch((error: unknown) => Promise.reject(asAppendError(error, 'any')));
    this.changes = changed.catch(() => {});
    return changed;
  }

  /** @throws StreamDeleted when it was deleted for good */
  private metaOf(stream: string): StreamMeta {
    const meta = this.store.streams.get(stream);
    if (meta.tombstone) throw new StreamDeleted(stream);
    return meta;
  }
}

export const isMetastream = (stream: string): boolean => stream.startsWith(META);

function isDeleted({ deletedTo }: StreamMeta, last: bigint): boolean {
  return deletedTo !== undefined && last <= deletedTo;
}

function checkRevision(stream: string, expected: Expected, actual: bigint): void {
  if (expected === 'any') return;
  const fits = expected === 'stream_exists' ? actual >= 0n : actual === (expected === 'no_stream' ? -1n : expected);
  if (!fits) throw new WrongExpectedVersion(stream, expected, actual);
}

/** Whether the append that made `last` of a stream had this expectation. */
function isRetry(expected: Expected, last: bigint, count: number): boolean {
  if (expected === 'any' || expected === 'stream_exists') return true;
  return (expected === 'no_stream' ? -1n : expected) + BigInt(count) === last;
}

/** EventStoreDB pays no heed to limits that are none. */
const isLimit = (value: Json | undefined): value is number => Number.isSafeInteger(value) && Number(value) > 0;
