import { personKey, type Session } from '../identity/session.js';
import type { Connection } from './connection.js';
import type { Dialect } from './dialects/dialect.js';
import type { SocketLog } from './handler.js';
import { Messages } from './messages.js';

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

/** All connections of a person in a world, those included that were not welcomed yet. */
export type ConnectionsOf = (world: string, userId: string) => readonly Connection[];

/** Consecutive events for one audience: they go out as one buffer. */
interface Batch {
  /** The members of a topic, or these connections. */
  readonly audience: string | ReadonlySet<Connection>;
  readonly permitted: Permitted | undefined;
  /** Number of the first event. */
  readonly first: number;
  readonly events: Published[];
  /** By `personKey` the places of the events that this person's connections don't get. */
  except?: Map<string, Set<number>>;
}

/**
 * Topics and their members, and people. Everything published in one tick goes out at its end, in the order published, with one write
 * per socket; each event is encoded once per dialect.
 */
export class Broadcast {
  readonly #topics = new Map<string, Topic>();
  #batches: Batch[] = [];
  #published = 0;
  /** A batch is on its way to a large audience. */
  #spreading = false;
  #connectionsOf: ConnectionsOf = () => [];

  /** One event goes to at most `socketsPerTurn` sockets in one turn of the event loop. */
  constructor(
    private readonly log: SocketLog,
    private readonly socketsPerTurn = 1_000,
  ) {}

  /** Tells it where people are: whoever opens the connections knows. */
  findPeopleBy(connectionsOf: ConnectionsOf): void {
    this.#connectionsOf = connectionsOf;
  }

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
    const batch = this.#batchFor(topicName, permitted);
    if (except !== undefined) {
      batch.except ??= new Map();
      const places = batch.except.get(except);
      if (places) places.add(batch.events.length);
      else batch.except.set(except, new Set([batch.events.length]));
    }
    batch.events.push({ name, body });
    this.#published += 1;
  }

  /**
   * The same to people, on all connections they have now, once to each. Who came with an invite is another person.
   * `deprecated`: only to connections that asked for the events of deprecated endpoints.
   */
  publishTo(
    world: string,
    userIds: readonly string[],
    name: string,
    body: unknown,
    permitted?: Permitted,
    { deprecated = false }: { readonly deprecated?: boolean } = {},
  ): void {
    const audience = new Set<Connection>();
    for (const userId of userIds) {
      for (const connection of this.#connectionsOf(world, userId)) {
        if (hears(connection, deprecated)) audience.add(connection);
      }
    }
    if (audience.size === 0) return;
    this.#batchFor(audience, permitted).events.push({ name, body });
    this.#published += 1;
  }

  /** Whether `publishTo` would reach anybody now, so that nothing is made that nobody hears. */
  hasPeople(world: string, userIds: readonly string[], { deprecated = false } = {}): boolean {
    return userIds.some((userId) =>
      this.#connectionsOf(world, userId).some((connection) => hears(connection, deprecated)),
    );
  }

  /** The batch of this moment for an audience. */
  #batchFor(audience: Batch['audience'], permitted: Permitted | undefined): Batch {
    if (this.#batches.length === 0 && !this.#spreading) setImmediate(() => this.#deliver());
    const last = this.#batches.at(-1);
    if (last?.audience === audience && last.permitted === permitted) return last;
    const batch: Batch = { audience, permitted, first: this.#published, events: [] };
    this.#batches.push(batch);
    return batch;
  }

  #deliver(): void {
    const batches = this.#batches;
    this.#batches = [];
    const [only] = batches;
    if (only && batches.length === 1 && this.#spread(only)) return;
    // With one batch each socket is written to once anyway.
    const corked: Connection[] | undefined = batches.length > 1 ? [] : undefined;
    for (const batch of batches) {
      const { audience } = batch;
      const topic = typeof audience === 'string' ? this.#topics.get(audience) : { members: audience, late: nobody };
      if (topic) this.#deliverBatch(batch, topic.members, topic.late, new Map(), corked);
    }
    for (const connection of corked ?? []) connection.uncork();
    for (const { audience } of batches) if (typeof audience === 'string') this.#topics.get(audience)?.late.clear();
  }

  /**
   * Thousands of sockets are written to over several turns, so that others get theirs. What is published meanwhile waits.
   * False for an audience that one turn serves.
   */
  #spread(batch: Batch): boolean {
    const topic = typeof batch.audience === 'string' ? this.#topics.get(batch.audience) : undefined;
    if (!topic || topic.members.size <= this.socketsPerTurn) return false;
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
    return true;
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
      const messages =
        missed > 0 || skipped
          ? messagesOf(forDialect.texts.filter((_text, place) => place >= missed && !skipped?.has(place)))
          : forDialect.messages;
      if (messages.texts.length > 0) connection.write(messages, corked);
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
    return { texts, messages: messagesOf(texts) };
  }
}

interface Encoded {
  /** One message per event; undefined for one that cannot be sent. */
  readonly texts: readonly (string | undefined)[];
  readonly messages: Messages;
}

const messagesOf = (texts: Encoded['texts']): Messages => new Messages(texts.filter((text) => text !== undefined));

const nobody: ReadonlyMap<Connection, number> = new Map();

const hears = ({ welcomed, dialect }: Connection, deprecated: boolean): boolean =>
  welcomed && (dialect.deprecated || !deprecated);
