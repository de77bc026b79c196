import type { NewEvent, RecordedEvent } from '../../eventsourcing/events.js';
import { StoreUnavailable } from '../event-store.js';
import type {
  Appended,
  EventStore,
  ExpectedRevision,
  LogMessage,
  ReadAllOptions,
  ReadStreamOptions,
  Retention,
  SubscribeOptions,
} from '../event-store.js';
import { asStoreError } from './errors.js';
import type { LogDatabase } from './database.js';
import { readAll, readStream } from './reader.js';
import type { LogSource } from './reader.js';
import type { PlacedEvent } from './record.js';
import { retain, scavenge } from './retention.js';
import { liveEvent, SharedScan } from './shared-scan.js';
import { StoredStreamMetas } from './stream-meta.js';
import type { StreamMetas } from './stream-meta.js';
import { Subscription } from './subscription.js';
import { Writer } from './writer.js';

/** How often a read-only store looks for events of the writing process, in milliseconds. */
const POLL_INTERVAL = 20;

/** The event store of one machine; open it with `openEmbeddedEventStore`. */
export class EmbeddedEventStore implements EventStore {
  /** Metadata and deletions of streams, for the protocol server. */
  readonly streams: StreamMetas;
  private readonly subscriptions = new Set<Subscription>();
  private readonly writer: Writer | undefined;
  private readonly source: LogSource;
  private readonly scan: SharedScan;
  private lastHead: bigint;
  private poller: NodeJS.Timeout | undefined;
  private closing: Promise<void> | undefined;
  private scavenging: Promise<number> | undefined;

  constructor(
    private readonly database: LogDatabase,
    readonly epoch: string,
    private readonly options: { readonly readOnly: boolean; readonly onClosed: (head: bigint) => Promise<void> },
  ) {
    this.lastHead = database.head();
    this.source = { db: () => this.openDatabase(), head: () => this.currentHead() };
    this.scan = new SharedScan(this.source);
    this.streams = new StoredStreamMetas(() => this.openDatabase(), options.readOnly);
    if (!options.readOnly) {
      this.writer = new Writer(database, {
        head: () => this.lastHead,
        committed: (events) => this.committed(events),
        failed: () => this.poll(),
      });
    }
  }

  append(stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): Promise<Appended> {
    if (this.closing !== undefined) return Promise.reject(closed());
    if (this.writer === undefined) return Promise.reject(readOnly());
    return this.writer.append(stream, expected, events);
  }

  async retain(stream: string, retention: Retention): Promise<void> {
    await retain(this.streams, stream, retention, this.lastHead);
  }

  /**
   * Gives back the space of events that are older than their stream keeps them at `now` (epoch milliseconds), a few at a time
   * beside everything else; resolves with how many there were. @throws StoreUnavailable
   */
  scavenge(now = Date.now()): Promise<number> {
    if (this.writer === undefined) return Promise.reject(readOnly());
    this.scavenging ??= scavenge(() => this.openDatabase(), this.streams, now).finally(() => {
      this.scavenging = undefined;
    });
    return this.scavenging;
  }

  readStream(stream: string, options?: ReadStreamOptions): AsyncIterable<RecordedEvent> {
    return readStream(this.source, stream, options);
  }

  readAll(options?: ReadAllOptions): AsyncIterable<RecordedEvent> {
    return readAll(this.source, options);
  }

  /**
   * In the writing process a commit is handed over in memory: once it is flushed, the `next()` of every idle subscriber
   * is resolved first and the appends are answered after that, in the same turn of the event loop. So a subscriber that
   * has caught up, waits in `for await` directly on this iterable, and handles a message without awaiting, is done with
   * the events of an append before the code after `await append(…)` goes on. All events of a commit come in one message.
   */
  subscribeToAll(options: SubscribeOptions = {}): AsyncIterable<LogMessage> {
    return { [Symbol.asyncIterator]: () => this.subscribe(options) };
  }

  async head(): Promise<bigint> {
    this.openDatabase();
    return this.source.head();
  }

  /** Finishes the appends accepted so far, ends subscriptions with StoreUnavailable, then closes the files. */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private async shutDown(): Promise<void> {
    await this.writer?.idle();
    for (const subscription of this.subscriptions) subscription.fail(closed());
    await this.database.close();
    await this.options.onClosed(this.lastHead);
  }

  private subscribe(options: SubscribeOptions): Subscription {
    const subscription = new Subscription(this.source, this.scan, options, {
      live: () => this.forgetHistory(),
      end: (ended) => {
        this.subscriptions.delete(ended);
        this.forgetHistory();
        if (this.subscriptions.size === 0) this.stopPolling();
      },
    });
    this.subscriptions.add(subscription);
    if (this.writer === undefined) this.poller ??= setInterval(() => this.poll(), POLL_INTERVAL);
    return subscription;
  }

  private committed(placed: readonly PlacedEvent[]): void {
    this.lastHead = placed.at(-1)?.position ?? this.lastHead;
    if (this.subscriptions.size === 0) return;
    const events = placed.map(({ stream, revision, position, event: { type, json } }) =>
      liveEvent({ stream, revision, position, type, json }),
    );
    for (const subscription of this.subscriptions) subscription.deliver(events, this.lastHead);
  }

  /** Once nobody reads it any more. */
  private forgetHistory(): void {
    for (const subscription of this.subscriptions) if (!subscription.isLive) return;
    this.scan.clear();
  }

  private advance(head: bigint): void {
    if (head <= this.lastHead) return;
    this.lastHead = head;
    for (const subscription of this.subscriptions) subscription.wake();
  }

  private currentHead(): bigint {
    if (this.writer === undefined) this.lookForNewEvents();
    return this.lastHead;
  }

  private openDatabase(): LogDatabase {
    if (this.closing !== undefined) throw closed();
    return this.database;
  }

  private lookForNewEvents(): void {
    this.openDatabase().refresh();
    this.advance(this.database.head());
  }

  private stopPolling(): void {
    clearInterval(this.poller);
    this.poller = undefined;
  }

  private poll(): void {
    try {
      this.lookForNewEvents();
    } catch (error) {
      for (const subscription of this.subscriptions) subscription.fail(asStoreError(error));
    }
  }
}

function readOnly(): StoreUnavailable {
  return new StoreUnavailable('this event store was opened read-only');
}

function closed(): StoreUnavailable {
  return new StoreUnavailable('the event store is closed');
}
