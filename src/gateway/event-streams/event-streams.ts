import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EventStore } from '../../event-store/event-store.js';
import { formatPosition, parsePosition } from '../../event-store/position.js';
import type { RecordedEvent } from '../../eventsourcing/events.js';
import { Refused } from '../../eventsourcing/refused.js';
import type { EventRegistry } from '../../eventsourcing/registry.js';
import type { Access } from '../../identity/access.js';
import type { Session } from '../../identity/session.js';
import type { Connection } from '../connection.js';
import type { SocketLog } from '../handler.js';
import type { LiveLog } from '../live-log.js';
import { meets } from '../needs.js';
import type { Need, PeopleOf } from '../wire/wire.js';
import { maxTopics } from './commands.js';
import { defaultSizes, firstAfter, History, type HistorySizes, type Stretch } from './history.js';
import { type EventReading, StreamedEvent } from './streamed-event.js';
import { Subscription } from './subscription.js';
import { requireTopics } from './topics.js';

/** Bytes waiting for a reader at which its history stops until they are gone; the rest of its budget is for live events. */
const historyBacklog = 256 * 1024;
/** Events looked at in a row before others get a turn. */
const eventsPerTurn = 2_000;
const retryMs = 500;

/** The log as the process has it: `position` is reached by the facts of access, and events are told in its order. */
export type Told = Pick<LiveLog, 'position' | 'reached' | 'onEvents'>;

/**
 * Events of the log as they are, for whoever subscribes to topics: first from a position on, then live. Live events come
 * from the process's one subscription to the log; catching up is done by one loop, a stretch for one subscription at a time.
 */
export class EventStreams {
  /** Subscriptions that are live, by world and topic. */
  readonly #members = new Map<string, Set<Subscription>>();
  readonly #reading: EventReading;
  readonly #history: History;
  /** Those whose turn it is; others that catch up wait for their sockets. */
  readonly #queue: Subscription[] = [];
  readonly #catchingUp = new Set<Subscription>();
  #working = false;

  constructor(
    private readonly store: EventStore,
    registry: EventRegistry,
    private readonly access: Access,
    private readonly live: Told,
    private readonly log: SocketLog,
    private readonly people: PeopleOf,
    sizes: HistorySizes = defaultSizes,
  ) {
    this.#reading = { epoch: store.epoch, registry, log };
    this.#history = new History(store, this.#reading, sizes, live.position);
    live.onEvents((events) => this.#publish(events));
  }

  /**
   * Everything in the topics after `after` (from now on without it, all there is with `start`), then `caught_up`, then
   * live. Nothing is sent before the caller has replied. A topic followed already starts anew.
   * @throws Refused protocol.invalid, room.unknown, meeting.unknown, protocol.denied, auth.denied, reset_required
   */
  async subscribe(connection: Connection, session: Session, topics: readonly string[], after?: string): Promise<void> {
    await requireTopics(topics, session, this.access, this.people);
    const position = await this.#positionOf(after);
    const followed = new Set([...topics, ...(connection.subscriptions ?? []).flatMap((one) => [...one.topics])]);
    if (followed.size > maxTopics) {
      const message = `topics must not make more than ${maxTopics} on one connection`;
      throw new Refused('protocol.invalid', message, [{ field: 'topics', message }]);
    }
    this.unsubscribe(connection, topics);
    const subscription = new Subscription(connection, topics, position, this.live.position);
    (connection.subscriptions ??= []).push(subscription);
    this.#catchingUp.add(subscription);
    setImmediate(() => this.#enqueue(subscription));
  }

  /** From now on nothing comes of these topics, or of any. Without effect on those not followed. */
  unsubscribe(connection: Connection, topics?: readonly string[]): void {
    const open = connection.subscriptions ?? [];
    for (const subscription of open) {
      for (const topic of topics ?? [...subscription.topics]) {
        if (!subscription.topics.delete(topic)) continue;
        const key = keyOf(connection.world, topic);
        const members = this.#members.get(key);
        if (members?.delete(subscription) && members.size === 0) this.#members.delete(key);
      }
      if (subscription.topics.size === 0) this.#done(subscription);
    }
    const left = open.filter(({ topics: { size } }) => size > 0);
    connection.subscriptions = left.length > 0 ? left : undefined;
  }

  /** Where to go on from. @throws Refused reset_required */
  async #positionOf(after: string | undefined): Promise<bigint> {
    if (after === undefined) return this.live.position;
    if (after === 'start') return -1n;
    const position = parsePosition(this.store.epoch, after);
    if (typeof position !== 'bigint') throw new Refused('reset_required');
    if (position > this.live.position) {
      // Another process may have told it that has read further; beyond its end this log cannot serve.
      if (position > (await this.store.head())) throw new Refused('reset_required');
      await this.live.reached(position);
    }
    return position;
  }

  /** Called with what comes next in the log, once the facts of access reflect it. Must not throw: the log goes on. */
  #publish(events: readonly RecordedEvent[]): void {
    const corked: Connection[] | undefined = events.length > 1 ? [] : undefined;
    for (const source of events) {
      const event = new StreamedEvent(source, this.#reading);
      this.#history.add(event);
      if (this.#members.size === 0) continue;
      try {
        this.#tell(event, corked);
      } catch (error) {
        this.log.error({ err: error, position: String(event.position) }, 'an event could not be streamed');
      }
    }
    for (const connection of corked ?? []) connection.uncork();
  }

  /** To everyone who follows one of its topics, once, however many of them a connection follows. */
  #tell(event: StreamedEvent, corked: Connection[] | undefined): void {
    const { world, places } = event;
    if (world === undefined) return;
    const told = places.length > 1 ? new Set<Connection>() : undefined;
    for (const { topic, need } of places) {
      for (const { connection } of this.#members.get(keyOf(world, topic)) ?? []) {
        if (told?.has(connection) || !this.#may(connection, need)) continue;
        told?.add(connection);
        connection.write(event.message(connection.dialect), corked);
      }
    }
  }

  #may({ session, closed }: Connection, need: Need | undefined): boolean {
    if (closed || !session) return false;
    return !need || meets(this.access, session, need);
  }

  #enqueue(subscription: Subscription): void {
    if (subscription.ended) return this.#done(subscription);
    this.#queue.push(subscription);
    if (!this.#working) void this.#catchUp();
  }

  /** One stretch for one subscription after the other, until none waits for its turn. */
  async #catchUp(): Promise<void> {
    this.#working = true;
    let looked = 0;
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      try {
        const { position } = this.live;
        // oxlint-disable-next-line no-await-in-loop -- one at a time bounds the work and lets others use what was read
        const stretch =
          this.#history.recent(next.position, position) ?? (await this.#history.after(next.position, position));
        looked += 1 + this.#take(next, stretch);
        this.#goOn(next);
      } catch (error) {
        this.#failed(next, error);
      }
      if (looked < eventsPerTurn) continue;
      looked = 0;
      // oxlint-disable-next-line no-await-in-loop
      await nextTurn();
    }
    this.#working = false;
  }

  /** Sends what it may see of a stretch, as far as its socket takes it; the number of events looked at. */
  #take(subscription: Subscription, { events, until }: Stretch): number {
    const { connection } = subscription;
    const corked: Connection[] = [];
    let index = firstAfter(events, subscription.position);
    const first = index;
    for (; index < events.length && !subscription.ended && connection.backlog < historyBacklog; index++) {
      const event = events[index];
      if (!event) break;
      if (this.#isFor(subscription, event) && !this.#wasTold(subscription, event)) {
        connection.write(event.message(connection.dialect), corked);
      }
      subscription.position = event.position;
    }
    if (index === events.length) subscription.position = until;
    connection.uncork();
    return index - first;
  }

  #isFor({ connection, topics }: Subscription, event: StreamedEvent): boolean {
    return (
      event.world === connection.world &&
      event.places.some(({ topic, need }) => topics.has(topic) && this.#may(connection, need))
    );
  }

  /** What happened after the call comes once, also where another subscription of the connection has it in its topics. */
  #wasTold(subscription: Subscription, event: StreamedEvent): boolean {
    const others = subscription.connection.subscriptions ?? [];
    if (others.length < 2 || event.position <= subscription.since) return false;
    return others.some((one) => one !== subscription && one.passed(event.position) && this.#isFor(one, event));
  }

  /**
   * Lets it wait for its socket, for its next turn, or go live. Nothing comes between the comparison and the joining: what
   * the log brings next finds it a member, everything before was looked at.
   */
  #goOn(subscription: Subscription): void {
    const { connection, position, topics } = subscription;
    if (subscription.ended) return this.#done(subscription);
    if (!connection.ready) {
      void connection.drained().then(() => this.#enqueue(subscription));
    } else if (position < this.live.position) {
      this.#queue.push(subscription);
    } else {
      for (const topic of topics) this.#join(subscription, topic);
      subscription.live = true;
      this.#done(subscription);
      connection.sendEvent('caught_up', { topics: [...topics], position: formatPosition(this.store.epoch, position) });
    }
  }

  #join(subscription: Subscription, topic: string): void {
    const key = keyOf(subscription.connection.world, topic);
    const members = this.#members.get(key);
    if (members) members.add(subscription);
    else this.#members.set(key, new Set([subscription]));
  }

  /** It does not catch up any more. */
  #done(subscription: Subscription): void {
    if (this.#catchingUp.delete(subscription) && this.#catchingUp.size === 0) this.#history.forget();
  }

  #failed(subscription: Subscription, error: unknown): void {
    if (subscription.ended) return this.#done(subscription);
    this.log.error(
      { connection: subscription.connection.id, err: error },
      'the log could not be read for a subscriber',
    );
    if (error instanceof Error && error.name === 'CorruptEvent') {
      const topics = [...subscription.topics];
      subscription.connection.sendEvent('reset_required', { topics });
      this.unsubscribe(subscription.connection, topics);
    } else {
      setTimeout(() => this.#enqueue(subscription), retryMs).unref();
    }
  }
}

const keyOf = (world: string, topic: string): string => `${world}\n${topic}`;
