import { personKey, type Session } from '../identity/session.js';
import type { Connection } from './connection.js';
import type { Dialect } from './dialects/dialect.js';
import { textFrames } from './frames.js';
import type { SocketLog } from './handler.js';

/** Decides at delivery whether one person may see an event. Must not throw; a throw counts as no. */
export type Permitted = (session: Session) => boolean;

interface Topic {
  readonly members: Set<Connection>;
  /** Members who joined while events waited, and the number of events published before. Begun anew at each delivery. */
  late: Map<Connection, number>;
}

interface Published {
  readonly name: string;
  readonly body: unknown;
}

/** Consecutive events for one audience: they go out as one buffer. */
interface Batch {
  readonly topicName: string;
  readonly permitted: Permitted | undefined;
  /** Number of the first event. */
  readonly first: number;
  readonly events: Published[];
  /** By `personKey` the places of the events that this person's connections don't get. */
  except?: Map<string, Set<number>>;
}

/**
 * Topics and their members. Everything published in one tick goes out at its end, in the order published, with one write
 * per socket; each event is encoded once per dialect.
 */
export class Broadcast {
  readonly #topics = new Map<string, Topic>();
  #batches: Batch[] = [];
  #published = 0;
  /** A batch is on its way to a large audience. */
  #spreading = false;

  /** One event goes to at most `socketsPerTurn` sockets in one turn of the event loop. */
  constructor(
    private readonly log: SocketLog,
    private readonly socketsPerTurn = 1_000,
  ) {}

  /** The connection hears what is published on the topic from now on. Without effect if it has it already or is closed. */
  join(connection: Connection, topicName: string): void {
    if (connection.closed || connection.topics?.includes(topicName)) return;
    let topic = this.#topics.get(topicName);
    if (!topic) this.#topics.set(topicName, (topic = { members: new Set(), late: new Map() }));
    topic.members.add(connection);
    if (this.#batches.length > 0) topic.late.set(connection, this.#published);
    if (connection.topics) connection.topics.push(topicName);
    else connection.topics = [topicName];
  }

  /** From now on it hears nothing of the topic, not even what was published in this tick. */
  leave(connection: Connection, topicName: string): void {
    const at = connection.topics?.indexOf(topicName) ?? -1;
    if (at < 0) return;
    connection.topics?.splice(at, 1);
    const topic = this.#topics.get(topicName);
    topic?.members.delete(connection);
    topic?.late.delete(connection);
    if (topic?.members.size === 0) this.#topics.delete(topicName);
  }

  leaveAll(connection: Connection): void {
    const { topics } = connection;
    for (let last = topics?.at(-1); last !== undefined; last = topics?.at(-1)) this.leave(connection, last);
  }

  /** Connections that have joined the topic. */
  members(topicName: string): ReadonlySet<Connection> {
    return this.#topics.get(topicName)?.members ?? new Set();
  }

  /**
   * Sends an event to the topic's members at the end of the tick; `body` must not change until then. `permitted` is asked
   * for each connection and batch; events in a row with the same function are one batch. `except` is a person
   * (`personKey`) who does not get it.
   */
  publish(topicName: string, name: string, body: unknown, permitted?: Permitted, except?: string): void {
    if (!this.#topics.has(topicName)) return;
    if (this.#batches.length === 0 && !this.#spreading) setImmediate(() => this.#deliver());
    let batch = this.#batches.at(-1);
    if (batch?.topicName !== topicName || batch.permitted !== permitted) {
      this.#batches.push((batch = { topicName, permitted, first: this.#published, events: [] }));
    }
    if (except !== undefined) {
      batch.except ??= new Map();
      const places = batch.except.get(except);
      if (places) places.add(batch.events.length);
      else batch.except.set(except, new Set([batch.events.length]));
    }
    batch.events.push({ name, body });
    this.#published += 1;
  }

  #deliver(): void {
    const batches = this.#batches;
    this.#batches = [];
    const [only] = batches;
    if (only && batches.length === 1 && this.members(only.topicName).size > this.socketsPerTurn) {
      this.#spread(only);
      return;
    }
    // With one batch each socket is written to once anyway.
    const corked: Connection[] | undefined = batches.length > 1 ? [] : undefined;
    for (const batch of batches) {
      const topic = this.#topics.get(batch.topicName);
      if (topic) this.#deliverBatch(batch, topic.members, topic.late, new Map(), corked);
    }
    for (const connection of corked ?? []) connection.uncork();
    for (const { topicName } of batches) this.#topics.get(topicName)?.late.clear();
  }

  /** Thousands of sockets are written to over several turns, so that others get theirs. What is published meanwhile waits. */
  #spread(batch: Batch): void {
    const topic = this.#topics.get(batch.topicName);
    if (!topic) return;
    const { late } = topic;
    topic.late = new Map();
    const members = [...topic.members];
    const encoded = new Map<Dialect, Encoded>();
    this.#spreading = true;
    const go = (): void => {
      const here = members.splice(0, this.socketsPerTurn).filter((connection) => topic.members.has(connection));
      this.#deliverBatch(batch, here, late, encoded);
      if (members.length > 0) {
        setImmediate(go);
        return;
      }
      this.#spreading = false;
      if (this.#batches.length > 0) setImmediate(() => this.#deliver());
    };
    go();
  }

  #deliverBatch(
    { permitted, first, events, except }: Batch,
    connections: Iterable<Connection>,
    late: ReadonlyMap<Connection, number>,
    encoded: Map<Dialect, Encoded>,
    corked?: Connection[],
  ): void {
    // Mostly all speak the same dialect.
    let dialect: Dialect | undefined;
    let forDialect: Encoded | undefined;
    for (const connection of connections) {
      if (permitted && !this.#may(connection, permitted)) continue;
      if (!forDialect || connection.dialect !== dialect) {
        ({ dialect } = connection);
        forDialect = encoded.get(dialect) ?? this.#encode(dialect, events);
        encoded.set(dialect, forDialect);
      }
      const missed = late.size > 0 ? (late.get(connection) ?? 0) - first : 0;
      const skipped = connection.session && except?.get(personKey(connection.session));
      const frames =
        missed > 0 || skipped
          ? framesOf(forDialect.texts.filter((_text, place) => place >= missed && !skipped?.has(place)))
          : forDialect.frames;
      if (frames.length > 0) connection.write(frames, corked);
    }
  }

  #may(connection: Connection, permitted: Permitted): boolean {
    if (connection.closed || !connection.session) return false;
    try {
      return permitted(connection.session);
    } catch (error) {
      this.log.error({ connection: connection.id, err: error }, 'a permission check failed');
      return false;
    }
  }

  #encode(dialect: Dialect, events: readonly Published[]): Encoded {
    const texts = events.map(({ name, body }) => {
      try {
        return dialect.event(name, body);
      } catch (error) {
        this.log.error({ event: name, err: error }, 'an event cannot be encoded');
        return undefined;
      }
    });
    return { texts, frames: framesOf(texts) };
  }
}

interface Encoded {
  /** One message per event; undefined for one that cannot be sent. */
  readonly texts: readonly (string | undefined)[];
  readonly frames: Buffer;
}

const framesOf = (texts: Encoded['texts']): Buffer => textFrames(texts.filter((text) => text !== undefined));
