import { randomUUID } from 'node:crypto';
import type { EventStore } from '../event-store/event-store.js';
import type { NewEvent, RecordedEvent } from '../eventsourcing/events.js';
import type { Execution } from '../eventsourcing/execution.js';
import { Lru } from '../eventsourcing/lru.js';
import type { EventRegistry } from '../eventsourcing/registry.js';
import { personKey } from '../identity/session.js';
import { GatheredAppends } from './gathered-appends.js';
import { countsOnceInMs, keptForSeconds, reactionStream, type Emoji, type ReactionEvent } from './reactions.js';
import { RecentReactions, type Counted } from './recent-reactions.js';

interface Log {
  error(context: object, message: string): void;
}

export interface CounterParts {
  readonly store: Pick<EventStore, 'append' | 'retain' | 'readAll'>;
  readonly registry: EventRegistry;
  /** Names this process. */
  readonly node: string;
  readonly log: Log;
  /** Told of each reaction that counts after the start, on whatever node, in the order of the log. */
  readonly counted: (room: string, emoji: Emoji) => void;
  /** Epoch milliseconds. */
  readonly clock?: () => number;
}

/** A process that starts reads back so far, and so many events at most. */
const readBackMs = 10 * 60 * 1_000;
const readBackEvents = 100_000;

/** Command ids that are remembered. */
const idsKept = 100_000;

/** Who reacts, and why. */
export type By = Pick<Execution, 'context' | 'anonymous'>;

/** The position of what changed nothing: nobody has to wait for it. */
const nothingNew = { position: -1n };

/**
 * Decides which reactions count, and writes those. There is no state to fold and no revision to expect: what it knows of the
 * last 2 s, and which command ids were used lately, is in memory, from the log of all nodes and from what is under way here.
 */
export class ReactionCounter {
  private readonly recent: RecentReactions;
  /** Command ids of reactions in the log, by world and person. */
  private readonly ids = new Lru<string, true>(idsKept);
  private readonly appends: GatheredAppends;
  private readonly clock: () => number;
  /** Where the log ended when this process started. */
  private startedAt = -1n;

  constructor(private readonly parts: CounterParts) {
    this.clock = parts.clock ?? Date.now;
    this.recent = new RecentReactions(this.clock);
    this.appends = new GatheredAppends(parts.store, keptForSeconds);
  }

  /** Learns what counted and which ids were used just before, and where the log ends: what is there now is told by others. @throws CorruptEvent, StoreUnavailable */
  async start(): Promise<void> {
    const since = this.clock() - readBackMs;
    const latestFirst: RecordedEvent[] = [];
    for await (const event of this.parts.store.readAll({ direction: 'backwards', limit: readBackEvents })) {
      if (event.position > this.startedAt) this.startedAt = event.position;
      // Events of other nodes may be out of order by what their clocks differ, and foreign ones have no time.
      if (Date.parse(event.metadata.at) < since) break;
      if (event.type === 'ReactionAdded') latestFirst.push(event);
    }
    for (const event of latestFirst.toReversed()) this.read(event, (reaction) => this.note(reaction));
  }

  /** The answer to a command that has done what it should: its reaction is in the log. */
  earlier(room: string, by: By): { readonly position: bigint } | undefined {
    return this.ids.get(idOf(by.context, personOf(room, by.context.actorId, by.anonymous))) && nothingNew;
  }

  /** Resolves when the reaction is on disk, or does not count. @throws StoreUnavailable */
  async add(room: string, emoji: Emoji, by: By): Promise<{ readonly position: bigint }> {
    const key = keyOf(room, emoji, personOf(room, by.context.actorId, by.anonymous));
    const now = this.clock();
    const before = this.recent.get(key, now);
    if (before) {
      // As long as it is not sure that the other one counts, this one cannot be said to have been heard.
      await before.underWay;
      return nothingNew;
    }
    const stream = reactionStream(room, this.parts.node);
    const underWay = this.appends.append(stream, this.eventOf(room, emoji, by));
    const counted: Counted = { at: now, underWay };
    this.recent.note(key, counted);
    try {
      return { position: (await underWay).position };
    } catch (error) {
      this.recent.takeBack(key, counted);
      throw error;
    }
  }

  /** Takes events of the log in their order. Never throws. */
  observe(events: readonly RecordedEvent[]): void {
    for (const event of events) {
      this.read(event, (reaction) => {
        this.note(reaction);
        if (event.position > this.startedAt) this.parts.counted(reaction.data.roomId, reaction.data.emoji);
      });
    }
  }

  private note({ data: { roomId, emoji, userId, anonymous }, metadata }: Reaction): void {
    const person = personOf(roomId, userId, anonymous);
    this.ids.set(idOf(metadata, person), true);
    // The clock of another node may be ahead.
    const now = this.clock();
    const when = Math.min(Date.parse(metadata.at), now);
    if (now - when < countsOnceInMs) this.recent.note(keyOf(roomId, emoji, person), { at: when });
  }

  private read(event: RecordedEvent, use: (reaction: Reaction) => void): void {
    if (event.type !== 'ReactionAdded') return;
    try {
      // The registry vouches for the shape that belongs to the type.
      use(this.parts.registry.read(event) as Reaction);
    } catch (error) {
      this.parts.log.error({ err: error, position: String(event.position) }, 'a reaction could not be read');
    }
  }

  private eventOf(roomId: string, emoji: Emoji, { context, anonymous }: By): NewEvent {
    const { commandId, action, correlationId, causationId, actorId, world, now: at } = context;
    const schema = this.parts.registry.schemaOf('ReactionAdded');
    const data = { roomId, userId: actorId, emoji, ...(anonymous === true && { anonymous }) };
    const event: ReactionEvent = { type: 'ReactionAdded', data };
    const metadata = { commandId, action, correlationId, causationId, actorId, world, schema, at };
    return { ...event, id: randomUUID(), metadata };
  }
}

type Reaction = RecordedEvent & ReactionEvent;

/** Who comes with an invite has it for the one room it reacts in. */
const personOf = (room: string, userId: string, anonymous = false): string =>
  personKey({ userId, ...(anonymous && { anonymous: { room } }) });

/** Rooms are of one world, and an emoji holds no space. */
const keyOf = (room: string, emoji: Emoji, person: string): string => `${emoji} ${room} ${person}`;

const idOf = ({ world, commandId }: { readonly world: string; readonly commandId: string }, person: string): string =>
  JSON.stringify([world, person, commandId]);
