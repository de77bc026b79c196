import { setImmediate as tick } from 'node:timers/promises';
import { Backoff } from '../../projections/engine/backoff.js';
import type { EventStore } from '../event-store/event-store.js';
import type { RecordedEvent } from '../eventsourcing/events.js';
import type { EventRegistry } from '../eventsourcing/registry.js';
import { personKey } from '../identity/session.js';
import { isOutage } from '../health/outage.js';
import { PresenceLog } from './presence-log.js';
import { isPresence, personOf, type LeaveReason, type PresenceEvent } from './presence.js';
import {
  entering,
  leaving,
  makeSmaller,
  personFrom,
  type Identity,
  type RecordedPerson,
  type Room,
  type Tab,
  type Who,
} from './register-room.js';

export interface RegisterOptions {
  readonly store: Pick<EventStore, 'append' | 'readStream'>;
  readonly registry: Pick<EventRegistry, 'read'>;
  /** Names the streams that only this process writes. */
  readonly node: string;
  /** Resolves when this process has read the log up to a position. */
  readonly live: { reached(position: bigint): Promise<void> | undefined };
  readonly log: { error(context: object, message: string): void };
  /** Milliseconds between tries while the store is away. */
  readonly retry?: { readonly first: number; readonly longest: number };
}

/** Events in one append, and about their bytes of JSON; the others wait for the next. EventStoreDB takes 1 MiB. */
const batch = { events: 500, bytes: 512 * 1024 };
/** What an event's metadata takes, about. */
const metadataBytes = 600;
const defaultRetry = { first: 50, longest: 2_000 };

/**
 * Who is in which room by a connection to this process, and the one writer of that to the log. Entering and leaving say
 * what should be, at once; one loop per room then appends the differences until the log agrees. A store that is away only
 * delays it.
 */
export class Register {
  private readonly rooms = new Map<string, Room>();
  private readonly roomsOf = new Map<Tab, Set<string>>();
  private readonly stopping = new AbortController();

  constructor(private readonly options: RegisterOptions) {}

  /**
   * Resolves when the person's presence is on disk and known to this process, at once for one who is in already. False
   * when by then this tab has left, or the room was deleted.
   */
  async enter(tab: Tab, room: string, world: string, who: Who): Promise<boolean> {
    const known = this.roomOf(room, world);
    const { people, due } = known;
    const key = personKey(who);
    let person = people.get(key);
    if (!person) people.set(key, (person = personFrom(who)));
    const { tabs, waiting } = person;
    tabs.add(tab);
    const rooms = this.roomsOf.get(tab);
    if (rooms) rooms.add(room);
    else this.roomsOf.set(tab, new Set([room]));
    // One whose leaving may be on its way to the log is not in.
    if (!person.recorded || due.has(key)) {
      due.add(key);
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        this.work(room);
      });
    }
    await this.options.live.reached(known.position);
    return tabs.has(tab);
  }

  /** Takes effect at once, and is recorded when it can be. Without effect on one who is not in. */
  leave(tab: Tab, room: string, who: Identity, reason: LeaveReason = 'left'): void {
    this.roomsOf.get(tab)?.delete(room);
    const known = this.rooms.get(room);
    const key = personKey(who);
    const person = known?.people.get(key);
    if (!known || !person?.tabs.delete(tab) || person.tabs.size > 0) return;
    person.reason = reason;
    known.due.add(key);
    this.work(room);
  }

  /** A closed connection is in no room. */
  leaveAll(tab: Tab, who: Identity): void {
    for (const room of this.roomsOf.get(tab) ?? []) this.leave(tab, room, who, 'closed');
    this.roomsOf.delete(tab);
  }

  /**
   * What an earlier run of this node left in the log: nobody of it is here. Resolves when that is recorded.
   * Call it once, before anyone enters.
   */
  async resume(people: Iterable<RecordedPerson>): Promise<void> {
    for (const { room, world, ...who } of people) {
      const known = this.roomOf(room, world);
      const key = personKey(who);
      known.people.set(key, { ...personFrom(who), recorded: true, reason: 'lost' });
      known.due.add(key);
    }
    for (const room of this.rooms.keys()) this.work(room);
    await this.settled();
  }

  /**
   * Follows the log: a deleted room is left by all, and who was declared lost by another node but is here comes back. Events
   * that cannot be read say nothing. Never throws.
   */
  follow(events: readonly RecordedEvent[]): void {
    for (const stored of events) {
      if (stored.type !== 'RoomDeleted' && stored.type !== 'ViewerLeft') continue;
      const event = this.readable(stored);
      const room = event && this.rooms.get(String(event.data.roomId));
      if (!room || room.world !== event.metadata.world) continue;
      const { type, data, revision } = event;
      if (type === 'RoomDeleted') this.empty(room);
      else if (data.node === this.options.node && data.reason === 'lost' && revision > (room.log.revision ?? -1n)) {
        room.stale = true;
        this.work(room.id);
      }
    }
  }

  /** Resolves when the log has everything that should be there now. */
  async settled(): Promise<void> {
    for (;;) {
      const working = [...this.rooms.values()].flatMap(({ work }) => work ?? []);
      if (working.length === 0) return;
      // oxlint-disable-next-line no-await-in-loop -- what comes meanwhile is waited for, too
      await Promise.all(working);
    }
  }

  /** Nothing is tried again any more. */
  stop(): void {
    this.stopping.abort();
  }

  private roomOf(id: string, world: string): Room {
    let room = this.rooms.get(id);
    if (!room) {
      const log = new PresenceLog(this.options.store, id, this.options.node, world);
      this.rooms.set(
        id,
        (room = {
          id,
          world,
          log,
          people: new Map(),
          due: new Set(),
          most: batch.events,
          stale: false,
          pending: [],
          position: -1n,
        }),
      );
    }
    return room;
  }

  private empty({ id, people }: Room): void {
    for (const { who, tabs } of people.values()) for (const tab of tabs) this.leave(tab, id, who, 'deleted');
  }

  /** Starts the room's loop unless it is at it. */
  private work(id: string): void {
    const room = this.rooms.get(id);
    if (!room || room.work) return;
    room.work = this.record(room).finally(() => {
      delete room.work;
      if (room.due.size > 0 && !this.stopping.signal.aborted) this.work(id);
      else if (room.people.size === 0) this.rooms.delete(id);
    });
  }

  private async record(room: Room): Promise<void> {
    const { signal } = this.stopping;
    const backoff = new Backoff(this.options.retry ?? defaultRetry);
    // What comes in one tick is recorded together.
    await tick();
    while ((room.due.size > 0 || room.pending.length > 0 || room.stale) && !signal.aborted) {
      try {
        // oxlint-disable-next-line no-await-in-loop -- one append at a time: each expects the revision of the one before
        await this.recordOnce(room);
        backoff.reset();
      } catch (error) {
        if (isConflict(error)) room.stale = true;
        else if (!isOutage(error)) this.options.log.error({ err: error, room: room.id }, 'presence is not recorded');
        // oxlint-disable-next-line no-await-in-loop
        await backoff.pause(signal);
      }
    }
  }

  private async recordOnce(room: Room): Promise<void> {
    if (room.log.revision === undefined) await room.log.load();
    if (room.stale) await this.readOn(room);
    if (room.pending.length === 0) room.pending = room.log.prepare(this.differences(room));
    if (room.pending.length === 0) return;
    try {
      room.position = await room.log.append(room.pending);
    } catch (error) {
      if (isConflict(error) || isOutage(error) || !makeSmaller(room, error)) throw error;
      return;
    }
    this.reflect(room, room.pending);
    room.pending = [];
    room.most = batch.events;
  }

  private async readOn(room: Room): Promise<void> {
    room.stale = false;
    try {
      const events = await room.log.readOn();
      const last = events.at(-1);
      if (!last) return;
      // What was sent expected another revision: it is among these events, or will never be.
      room.pending = [];
      room.position = last.position;
      this.reflect(
        room,
        events.flatMap((stored) => {
          const event = this.readable(stored);
          if (!event || !isPresence(event)) return [];
          const isHere = event.data.roomId === room.id && event.metadata.world === room.world;
          return isHere && event.data.node === this.options.node ? [event] : [];
        }),
      );
    } catch (error) {
      room.stale = true;
      throw error;
    }
  }

  /** Others write to the log, too; what cannot be read is passed over. */
  private readable(event: RecordedEvent): RecordedEvent | undefined {
    try {
      return this.options.registry.read(event);
    } catch {
      return undefined;
    }
  }

  /** What the log has to be told. Where it says what should be, nobody is due any more, and who waits is told. */
  private differences({ id: roomId, people, due, most }: Room): PresenceEvent[] {
    const { node } = this.options;
    const events: PresenceEvent[] = [];
    let bytes = 0;
    for (const key of due) {
      if (events.length === most) break;
      const person = people.get(key);
      const isIn = person !== undefined && person.tabs.size > 0;
      if (!person || person.recorded === isIn) {
        due.delete(key);
        if (!isIn) people.delete(key);
        for (const resolve of person?.waiting.splice(0) ?? []) resolve();
        continue;
      }
      const { who, recorded, reason, bare } = person;
      const event = recorded
        ? leaving(roomId, who, node, reason)
        : entering(roomId, bare ? { ...who, profile: {} } : who, node);
      bytes += metadataBytes + Buffer.byteLength(JSON.stringify(event));
      if (bytes > batch.bytes && events.length > 0) break;
      events.push(event);
    }
    return events;
  }

  /** The log has these events. */
  private reflect({ people, due }: Room, events: readonly PresenceEvent[]): void {
    for (const { type, data } of events) {
      const key = personOf(data);
      const person = people.get(key);
      if (!person) continue;
      person.recorded = type === 'ViewerEntered';
      due.add(key);
    }
  }
}

const isConflict = (error: unknown): boolean => error instanceof Error && error.name === 'WrongExpectedRevision';
