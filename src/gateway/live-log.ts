import { setTimeout as delay } from 'node:timers/promises';
import type { EventStore } from '../event-store/event-store.js';
import type { RecordedEvent } from '../eventsourcing/events.js';
import { Lru } from '../eventsourcing/lru.js';
import type { EventRegistry } from '../eventsourcing/registry.js';
import type { Access } from '../identity/access.js';
import type { LiveFacts } from '../identity/live-facts.js';
import type { Session } from '../identity/session.js';
import { worldConfig } from '../rooms/world-config.js';
import type { Broadcast, Permitted } from './broadcast.js';
import type { SocketLog } from './handler.js';
import { meets } from './needs.js';
import { wireTable } from './wire/index.js';
import type { Delivery, Need } from './wire/wire.js';

const retryMs = 500;
/** Once a world was told this often within a second, the rest of the second's changes are told together at its end. */
const worldTellings = 8;
const worldWindowMs = 1_000;

export type EventsListener = (events: readonly RecordedEvent[]) => void;

/** The process's one subscription to the log: it keeps the facts of access current, then tells the sockets. */
export class LiveLog {
  private readonly stopping = new AbortController();
  private readonly permitted = new Lru<string, Permitted>(10_000);
  /** Worlds with a `world.updated` on its way, each with the rooms that changed, and how often each was told in the current second. */
  private readonly updatedWorlds = new Map<string, Set<string>>();
  private readonly told = new Map<string, { readonly since: number; count: number }>();
  private readonly waiting: { readonly position: bigint; readonly resolve: () => void }[] = [];
  private running: Promise<void> = Promise.resolve();
  private current: bigint;
  private readonly listeners: EventsListener[] = [];
  private isLive = false;
  /** Rooms that the events just taken configured otherwise. */
  private changedRooms: readonly string[] = [];

  constructor(
    private readonly store: EventStore,
    private readonly registry: EventRegistry,
    private readonly facts: LiveFacts,
    private readonly access: Access,
    private readonly broadcast: Broadcast,
    private readonly log: SocketLog,
    /** Where to begin: nothing that listens may lack anything before. */
    start: bigint = facts.position,
  ) {
    this.current = start;
  }

  /** Up to here the facts reflect the log and everyone was told. */
  get position(): bigint {
    return this.current;
  }

  /** `listener` gets all events in the order of the log, once the facts reflect them and before `position` does. It should not throw. */
  onEvents(listener: EventsListener): void {
    this.listeners.push(listener);
  }

  /** True while the subscription is at the end of the log. */
  get live(): boolean {
    return this.isLive;
  }

  /** Resolves when the facts hold everything that is in the log now. */
  async start(): Promise<void> {
    this.running = this.run();
    await this.reached(await this.store.head());
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** Resolves when the facts reflect `position`, mostly at once. */
  reached(position: bigint): Promise<void> | undefined {
    if (position <= this.position) return undefined;
    return new Promise((resolve) => this.waiting.push({ position, resolve }));
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        for await (const message of this.store.subscribeToAll({ after: this.position, signal })) {
          if (message.type === 'events') this.take(message.events);
          else this.moveTo(message.position);
          if (message.type === 'caughtUp') this.isLive = true;
        }
      } catch (error) {
        this.log.error({ err: error }, 'the live log was cut off, it goes on where it was');
      }
      this.isLive = false;
      await delay(retryMs, undefined, { signal }).catch(() => undefined);
    }
  }

  private take(events: readonly RecordedEvent[]): void {
    this.changedRooms = this.facts.apply(events);
    for (const event of events) {
      this.guarded({ position: String(event.position) }, 'an event could not be delivered', () => {
        const deliver = wireTable.events[event.type];
        if (!deliver) return;
        for (const delivery of [deliver(this.registry.read(event))].flat()) this.publish(delivery);
      });
    }
    for (const listener of this.listeners) {
      this.guarded({ position: String(events.at(-1)?.position) }, 'a listener of the live log failed', () =>
        listener(events),
      );
    }
    this.moveTo(events.at(-1)?.position ?? this.position);
  }

  /** What fails for one event must not stop the rest. */
  private guarded(context: object, message: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.log.error({ err: error, ...context }, message);
    }
  }

  private moveTo(position: bigint): void {
    if (position <= this.position) return;
    this.current = position;
    for (let i = this.waiting.length - 1; i >= 0; i--) {
      const waiter = this.waiting[i];
      if (!waiter || waiter.position > position) continue;
      this.waiting.splice(i, 1);
      waiter.resolve();
    }
  }

  /** Tells the sockets. */
  publish(delivery: Delivery): void {
    if ('worldUpdated' in delivery) return this.publishWorld(delivery.worldUpdated);
    const { name, body, need } = delivery;
    const permitted = this.permittedBy(need);
    if ('people' in delivery) {
      this.broadcast.publishTo(delivery.world, delivery.people, name, body, permitted, delivery);
    } else {
      this.broadcast.publish(delivery.topic, name, body, permitted, delivery.except);
    }
  }

  /**
   * Everyone gets its own config, once for all changes of a tick. It is large: a burst of changes told one by one would
   * cut off readers that are not slow.
   */
  private publishWorld(world: string): void {
    const waiting = this.updatedWorlds.get(world);
    const rooms = waiting ?? new Set();
    for (const room of this.changedRooms) rooms.add(room);
    if (waiting) return;
    this.updatedWorlds.set(world, rooms);
    const now = performance.now();
    let told = this.told.get(world);
    if (!told || now - told.since >= worldWindowMs) this.told.set(world, (told = { since: now, count: 0 }));
    told.count++;
    const tell = (): void => this.guarded({ world }, 'a world could not be told', () => this.tellWorld(world));
    if (told.count <= worldTellings) setImmediate(tell);
    else setTimeout(tell, told.since + worldWindowMs - now).unref();
  }

  /** The config is made once for all who may do the same. */
  private tellWorld(world: string): void {
    const rooms = this.updatedWorlds.get(world);
    this.updatedWorlds.delete(world);
    const topic = `world:${world}`;
    const audiences = new Map<string, Session>();
    for (const { session } of this.broadcast.members(topic)) {
      if (!session) continue;
      // Who may use one room only hears of its changes, as long as it is there.
      const only = session.anonymous?.room;
      if (only !== undefined && !(rooms?.has(only) && this.facts.rooms.get(only)?.status === 'open')) continue;
      audiences.set(this.access.audienceOf(session), session);
    }
    for (const [audience, session] of audiences) {
      const permitted: Permitted = (other) =>
        this.access.audienceOf(other) === audience &&
        (other.anonymous !== undefined || this.access.can(other, 'world:view'));
      this.broadcast.publish(topic, 'world.updated', worldConfig(this.facts, this.access, session), permitted);
    }
  }

  private permittedBy(need: Need): Permitted {
    const { permission, room, besides, users, account } = need;
    // Hardly two meetings are for the same people: nothing is gained by keeping these.
    if (users || besides || account) return (session) => meets(this.access, session, need);
    const key = `${permission} ${room ?? ''}`;
    let permitted = this.permitted.get(key);
    if (!permitted) {
      permitted = (session) => this.access.can(session, permission, room);
      this.permitted.set(key, permitted);
    }
    return permitted;
  }
}
