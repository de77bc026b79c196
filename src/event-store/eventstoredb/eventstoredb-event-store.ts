import { randomUUID } from 'node:crypto';
import type { NewEvent, RecordedEvent } from '../../eventsourcing/events.js';
import { StoreUnavailable, WrongExpectedRevision } from '../event-store.js';
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
import { BatchAppends } from './batch-append.js';
import type { Append } from './batch-append.js';
import { Connection } from './connection.js';
import { HeadWatch } from './head-watch.js';
import { prepareEvents } from './prepare.js';
import { readAll, readStream } from './reading.js';
import { defaultTimings } from './settings.js';
import type { Log, Timings } from './settings.js';
import { metadataEvent, metadataOf, retain } from './stream-metadata.js';
import { Supervisor } from './supervisor.js';

/** The stream whose metadata names the log. */
const LOG_STREAM = 'convoke-log';

export interface EventStoreDbOptions {
  /** Connection string, e.g. `esdb://user:password@host:2113?tls=true`: appends, and reads of streams. */
  readonly url: string;
  /** The same server under an account that may read `$all`. Default: `url`. */
  readonly projectorUrl?: string;
  /** Told when a subscription was cut off. */
  readonly logger?: Log;
  readonly timings?: Partial<Timings>;
}

/**
 * Opens the log kept by an EventStoreDB server, waiting for one that is not there yet.
 * @throws StoreUnavailable when none answers in time, or access is denied
 */
export async function openEventStoreDb({
  url,
  projectorUrl = url,
  logger,
  timings: changed,
}: EventStoreDbOptions): Promise<EventStoreDb> {
  const timings = { ...defaultTimings, ...changed };
  const connection = new Connection(url, timings);
  const projector = projectorUrl === url ? connection : new Connection(projectorUrl, timings);
  try {
    const appends = new BatchAppends();
    const epoch = await epochOf(connection, appends, timings.openMs);
    const heads = new HeadWatch(projector, timings);
    await heads.ask();
    heads.start();
    return new EventStoreDb(epoch, { connection, projector, appends, heads, timings, log: logger });
  } catch (error) {
    connection.close();
    projector.close();
    throw error;
  }
}

/** The log's identity, made up by whoever opens it first. */
async function epochOf(connection: Connection, appends: BatchAppends, budgetMs: number): Promise<string> {
  const read = async (): Promise<string | undefined> => {
    const metadata = await metadataOf(connection, LOG_STREAM, budgetMs);
    if (metadata === undefined) return undefined;
    const { epoch } = metadata.data;
    if (typeof epoch === 'string') return epoch;
    throw new StoreUnavailable(`the metadata of the stream ${LOG_STREAM} has no epoch`);
  };
  const known = await read();
  if (known !== undefined) return known;
  const epoch = randomUUID();
  const append = { stream: `$$${LOG_STREAM}`, expected: 'no_stream' as const, events: [metadataEvent({ epoch })] };
  try {
    await connection.call((link, timeoutMs) => appends.send(link, append, timeoutMs));
  } catch (error) {
    // Another process was first, or this one by an attempt whose answer was lost.
    if (!(error instanceof WrongExpectedRevision)) throw error;
  }
  return (await read()) ?? epoch;
}

interface Parts {
  readonly connection: Connection;
  readonly projector: Connection;
  readonly appends: BatchAppends;
  readonly heads: HeadWatch;
  readonly timings: Timings;
  readonly log: Log | undefined;
}

/** The event store on an EventStoreDB server; open it with `openEventStoreDb`. Event ids must be UUIDs. */
export class EventStoreDb implements EventStore {
  private readonly supervisors = new Set<Supervisor>();
  private readonly appending = new Set<Promise<Appended>>();

  constructor(
    readonly epoch: string,
    private readonly parts: Parts,
  ) {}

  /** Whether the server answered when it was last asked; it is asked every second. */
  get available(): boolean {
    return this.parts.heads.available;
  }

  /** For how long some subscription has lacked events that are in the log, in milliseconds; 0 when none does. */
  get behindMs(): number {
    return Math.max(0, ...[...this.supervisors].map(({ behindMs }) => behindMs));
  }

  /**
   * Tried again while the outcome is unknown, with the same ids and the same expected revision, so that it takes effect once.
   * With `any` the server recognises a resend only as long as it remembers the ids: use it for write-only streams alone.
   * @throws TypeError naming the field that is not JSON, WrongExpectedRevision, EventTooLarge, StoreUnavailable within 5 s
   */
  append(stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): Promise<Appended> {
    const appending = this.appendOnce(stream, expected, events).finally(() => this.appending.delete(appending));
    this.appending.add(appending);
    return appending;
  }

  /** The server hides what is older from readers of the stream at once, and gives the space back when it is scavenged. */
  retain(stream: string, retention: Retention): Promise<void> {
    return retain(this.parts.connection, this.parts.appends, stream, retention);
  }

  readStream(stream: string, options?: ReadStreamOptions): AsyncIterable<RecordedEvent> {
    return { [Symbol.asyncIterator]: () => readStream(this.parts.connection, stream, options) };
  }

  readAll(options?: ReadAllOptions): AsyncIterable<RecordedEvent> {
    return { [Symbol.asyncIterator]: () => readAll(this.parts.projector, options) };
  }

  /** Survives lost connections: it goes on where it was, for as long as it takes. */
  subscribeToAll(options: SubscribeOptions = {}): AsyncIterable<LogMessage> {
    return { [Symbol.asyncIterator]: () => this.subscribe(options) };
  }

  head(): Promise<bigint> {
    return this.parts.heads.ask();
  }

  /** Finishes the appends accepted so far, ends subscriptions with StoreUnavailable. */
  async close(): Promise<void> {
    const { connection, projector, heads } = this.parts;
    await Promise.allSettled(this.appending);
    heads.stop();
    connection.close();
    projector.close();
  }

  private async *subscribe(options: SubscribeOptions): AsyncGenerator<LogMessage, void> {
    const { projector, heads, timings, log } = this.parts;
    const supervisor = new Supervisor({ connection: projector, heads, timings, log }, options);
    this.supervisors.add(supervisor);
    try {
      yield* supervisor.messages();
    } finally {
      this.supervisors.delete(supervisor);
    }
  }

  private async appendOnce(stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): Promise<Appended> {
    const { connection, appends, heads, timings } = this.parts;
    const deadline = performance.now() + timings.budgetMs;
    const append = { stream, expected, events: prepareEvents(stream, events) };
    let appended: Appended;
    try {
      const { revision, position } = await connection.call((link, timeoutMs) => appends.send(link, append, timeoutMs));
      appended = { revision, position: position ?? (await this.positionOf(stream, revision, deadline)) };
    } catch (error) {
      if (!(error instanceof WrongExpectedRevision)) throw error;
      const earlier = await this.earlierAnswer(append, error.actual, deadline);
      if (earlier === undefined) throw error;
      appended = earlier;
    }
    heads.note(appended.position);
    return appended;
  }

  /** What these very events were answered when they were appended; undefined if they were not. */
  private async earlierAnswer(
    { stream, expected, events }: Append,
    actual: bigint,
    deadline: number,
  ): Promise<Appended | undefined> {
    if (expected === 'any') return undefined;
    const from = expected === 'no_stream' ? 0n : expected + 1n;
    if (actual < from + BigInt(events.length - 1)) return undefined;
    let answer: Appended | undefined;
    let at = 0;
    for await (const { id, revision, position } of this.readUntil(deadline, stream, from, events.length)) {
      if (id !== events[at]?.id || revision !== from + BigInt(at)) return undefined;
      answer = { revision, position };
      at++;
    }
    return at === events.length ? answer : undefined;
  }

  private async positionOf(stream: string, revision: bigint, deadline: number): Promise<bigint> {
    for await (const { position } of this.readUntil(deadline, stream, revision, 1)) return position;
    throw new StoreUnavailable(`${stream} has lost what was appended at revision ${revision}`);
  }

  private readUntil(deadline: number, stream: string, from: bigint, limit: number): AsyncIterable<RecordedEvent> {
    return readStream(this.parts.connection, stream, { from, limit }, deadline - performance.now());
  }
}
