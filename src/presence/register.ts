import { setImmediate as tick } from 'node:timers/promises';
import { Backoff } from '../../projections/engine/backoff.js';
import type { EventStore } from '../event-store/event-store.js';
import type { RecordedEvent } from '../eventsourcing/events.js';
import type { EventRegistry } from '../eventsourcing/registry.js';
import type { Session } from '../identity/session.js';
import { isOutage } from '../health/outage.js';
import { PresenceLog, type PreparedEvent } from './presence-log.js';
import type { LeaveReason, PresenceEvent } from './presence.js';

/** Who entered; only its identity counts. */
export type Tab = object;

export type Who = Pick<Session, 'userId' | 'profile' | 'anonymous'>;

/** Someone the log has in a room on this node. */
export interface RecordedPerson extends Who {
  readonly room: string;
  readonly world: string;
}

interface Person {
  readonly who: Who;
  /** What should be: in the room for as long as this is not empty. */
  readonly tabs: Set<Tab>;
  /** What the log says. */
  recorded: boolean;
  /** Why the last tab went. */
  reason: LeaveReason;
  /** Told when the log says what should be. */
  readonly waiting: (() => void)[];
}

interface Room {
  readonly id: string;
  readonly log: PresenceLog;
  readonly people: Map<string, Person>;
  /** Those for whom what should be and what is recorded may differ. */
  readonly due: Set<string>;
  /** Another node wrote to the stream. */
  stale: boolean;
  /** Sent, and not known to be in the log or never to be. */
  pending: readonly PreparedEvent[];
  /** Position of the last event known of the stream. */
  position: bigint;
  work?: Promise<void>;
}

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

/** Events in one append; the others wait for the next. */
const batch = 500;
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
    let person = people.get(who.userId);
    if (!person)
      people.set(who.userId, (person = { who, tabs: new Set(), recorded: false, reason: 'left', waiting: [] }));
    const { tabs, waiting } = person;
    tabs.add(tab);
    const rooms = this.roomsOf.get(tab);
    if (rooms) rooms.add(room);
    else this.roomsOf.set(tab, new Set([room]));
    // One whose leaving may be on its way to the log is not in.
    if (!person.recorded || due.has(who.userId)) {
      due.add(who.userId);
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        this.work(room);
      });
    }
    await this.options.live.reached(known.position);
    return tabs.has(tab);
  }

  /** Takes effect at once, and is recorded when it can be. Without effect on one who is not in. */
  leave(tab: Tab, room: string, userId: string, reason: LeaveReason = 'left'): void {
    this.roomsOf.get(tab)?.delete(room);
    const known = this.rooms.get(room);
    const person = known?.people.get(userId);
    if (!known || !person?.tabs.delete(tab) || person.tabs.size > 0) return;
    person.reason = reason;
    known.due.add(userId);
    this.work(room);
  }

  /** A closed connection is in no room. */
  leaveAll(tab: Tab, userId: string): void {
    for (const room of this.roomsOf.get(tab) ?? []) this.leave(tab, room, userId, 'closed');
    this.roomsOf.delete(tab);
  }

  /**
   * What an earlier run of this node left in the log: nobody of it is here. Resolves when that is recorded.
   * Call it once, before anyone enters.
   */
  async resume(people: Iterable<RecordedPerson>): Promise<void> {
    for (const { room, world, ...who } of people) {
      const known = this.roomOf(room, world);
      known.people.set(who.userId, { who, tabs: new Set(), recorded: true, reason: 'lost', waiting: [] });
      known.due.add(who.userId);
    }
    for (const room of this.rooms.keys()) this.work(room);
    await this.settled();
  }

  /** Follows the log: a deleted room is left by all, and who was declared lost by another node but is here comes back. */
  follow(events: readonly RecordedEvent[]): void {
    for (const { type, data, revision } of events) {
      if (type !== 'RoomDeleted' && type !== 'ViewerLeft') continue;
      const room = this.rooms.get(String(data.roomId));
      if (!room) continue;
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
        (room = { id, log, people: new Map(), due: new Set(), stale: false, pending: [], position: -1n }),
      );
    }
    return room;
  }

  private empty({ id, people }: Room): void {
    for (const [userId, { tabs }] of people) for (const tab of tabs) this.leave(tab, id, userId, 'deleted');
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
        if (error instanceof Error && error.name === 'WrongExpectedRevision') room.stale = true;
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
    room.position = await room.log.append(room.pending);
    this.reflect(room, room.pending);
    room.pending = [];
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
        events.map((event) => this.options.registry.read(event) as RecordedEvent & PresenceEvent),
      );
    } catch (error) {
      room.stale = true;
      throw error;
    }
  }

  /** What the log has to be told. Where it says what should be, nobody is due any more, and who waits is told. */
  private differences({ id: roomId, people, due }: Room): PresenceEvent[] {
    const { node } = this.options;
    const events: PresenceEvent[] = [];
    for (const userId of due) {
      if (events.length === batch) break;
      const person = people.get(userId);
      const isIn = person !== undefined && person.tabs.size > 0;
      if (!person || person.recorded === isIn) {
        due.delete(userId);
        if (!isIn) people.delete(userId);
        for (const resolve of person?.waiting.splice(0) ?? []) resolve();
        continue;
      }
      const { who, recorded, reason } = person;
      const anonymous = who.anonymous && ({ anonymous: true } as const);
      events.push(
        recorded
          ? { type: 'ViewerLeft', data: { roomId, userId, node, reason, ...anonymous } }
          : { type: 'ViewerEntered', data: { roomId, userId, node, profile: who.profile, ...anonymous } },
      );
    }
    return events;
  }

  /** The log has these events. */
  private reflect({ people, due }: Room, events: readonly PresenceEvent[]): void {
    for (const { type, data } of events) {
      const person = people.get(data.userId);
      if (!person) continue;
      person.recorded = type === 'ViewerEntered';
      due.add(data.userId);
    }
  }
}
