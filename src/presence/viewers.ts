import { fits } from '../../projections/engine/pointers.js';
import type { ProjectionReader } from '../../projections/engine/reader.js';
import { BEFORE_ALL } from '../../projections/engine/stored-row.js';
import { roomViewers } from '../../projections/room-viewers.js';
import type { JsonObject, RecordedEvent } from '../eventsourcing/events.js';
import type { EventRegistry } from '../eventsourcing/registry.js';
import { personKey } from '../identity/session.js';
import { fullness, isPresence, personOf, type Fullness, type PresenceEvent } from './presence.js';
import type { RecordedPerson } from './register-room.js';

interface Viewer {
  readonly user: string;
  readonly profile: JsonObject;
  readonly anonymous: boolean;
  readonly nodes: Set<string>;
}

interface Room {
  readonly world: string;
  /** By `personKey`. */
  readonly people: Map<string, Viewer>;
}

/** What is known of rooms. */
export interface RoomFacts {
  /** The room's world; undefined for one that never was. */
  worldOf(room: string): string | undefined;
  isOpen(room: string): boolean;
}

/** What an event meant for those who watch a room; nothing of it is about anonymous people but how many there are. */
export type PresenceChange =
  | { readonly type: 'added'; readonly room: string; readonly user: string; readonly profile: JsonObject }
  | { readonly type: 'removed'; readonly room: string; readonly user: string }
  | { readonly type: 'fullness'; readonly world: string; readonly room: string; readonly users: Fullness };

/** Who is in which room on any node: loaded from the read model once, then kept by the log. */
export class Viewers {
  private readonly rooms = new Map<string, Room>();

  constructor(
    private readonly registry: Pick<EventRegistry, 'read'>,
    private readonly facts: RoomFacts,
    private current: bigint = BEFORE_ALL,
  ) {}

  /**
   * Loads who is in by the rows of the read model; begins with the whole log where the rows are not of this log, or a
   * stream is held back. Rows may be ahead of their checkpoint: what they know comes again, and ends the same, because the
   * last word on each node is that node's.
   */
  static async open(
    reader: ProjectionReader,
    registry: EventRegistry,
    epoch: string,
    facts: RoomFacts,
  ): Promise<Viewers> {
    const source = await reader.active(roomViewers);
    if (!source.build || !fits(source.build, roomViewers, epoch) || source.parked.length > 0) {
      return new Viewers(registry, facts);
    }
    const viewers = new Viewers(registry, facts, source.position);
    for await (const stored of source.collection.find({ present: true })) {
      const { world, room, user, profile, anonymous, nodes } = stored;
      if (facts.worldOf(room) !== world) continue;
      const key = personKey({ userId: user, ...(anonymous && { anonymous: { room } }) });
      viewers.roomOf(room, world).people.set(key, { user, profile, anonymous, nodes: new Set(nodes) });
    }
    return viewers;
  }

  /** Where to go on in the log. */
  get position(): bigint {
    return this.current;
  }

  /**
   * Folds what comes next in the log. An event that cannot be read is left out: the read model holds its stream back and
   * tells. So is one of another world than the room's, or without the fields such events have. Never throws.
   */
  apply(events: readonly RecordedEvent[]): PresenceChange[] {
    const changes: PresenceChange[] = [];
    for (const stored of events) {
      if (stored.position <= this.current) continue;
      this.current = stored.position;
      if (stored.type !== 'ViewerEntered' && stored.type !== 'ViewerLeft') continue;
      const event = this.readable(stored);
      if (event) this.fold(event, changes);
    }
    return changes;
  }

  /** Everyone in the room but anonymous people, in the order they came. */
  of(room: string): { readonly id: string; readonly profile: JsonObject }[] {
    const people = this.rooms.get(room)?.people.values() ?? [];
    return [...people].flatMap(({ user: id, anonymous, profile }) => (anonymous ? [] : [{ id, profile }]));
  }

  /** Distinct people in the room, anonymous ones included. */
  size(room: string): number {
    return this.rooms.get(room)?.people.size ?? 0;
  }

  /** Everyone the log has on a node, in one room or in any. */
  *on(node: string, only?: string): Iterable<RecordedPerson> {
    for (const [room, { world, people }] of this.rooms) {
      if (only !== undefined && room !== only) continue;
      for (const { user: userId, nodes, profile, anonymous } of people.values()) {
        if (nodes.has(node)) yield { room, world, userId, profile, ...(anonymous && { anonymous: { room } }) };
      }
    }
  }

  /** The nodes that have someone. */
  nodes(): Set<string> {
    const all = new Set<string>();
    for (const { people } of this.rooms.values()) {
      for (const { nodes } of people.values()) for (const node of nodes) all.add(node);
    }
    return all;
  }

  private readable(event: RecordedEvent): (RecordedEvent & PresenceEvent) | undefined {
    try {
      const read = this.registry.read(event);
      return isPresence(read) && this.facts.worldOf(read.data.roomId) === read.metadata.world ? read : undefined;
    } catch {
      return undefined;
    }
  }

  private fold({ type, data, metadata }: RecordedEvent & PresenceEvent, changes: PresenceChange[]): void {
    const { roomId: id, userId: user, node } = data;
    const { world } = metadata;
    const room = this.roomOf(id, world);
    const { people } = room;
    const key = personOf(data);
    const before = people.get(key);
    const nodes = new Set(before?.nodes);
    const size = people.size;
    if (type === 'ViewerEntered') {
      const { profile, anonymous = false } = before ?? data;
      people.set(key, { user, profile, anonymous, nodes: nodes.add(node) });
    } else if (before) {
      nodes.delete(node);
      if (nodes.size > 0) people.set(key, { ...before, nodes });
      else people.delete(key);
    }
    if (people.size === 0) this.rooms.delete(id);
    if (people.size === size || !this.facts.isOpen(id)) return;
    const { profile, anonymous } = people.get(key) ?? before ?? { profile: {}, anonymous: true };
    if (!anonymous) {
      changes.push(
        people.size > size ? { type: 'added', room: id, user, profile } : { type: 'removed', room: id, user },
      );
    }
    const users = fullness(people.size);
    if (users !== fullness(size)) changes.push({ type: 'fullness', world, room: id, users });
  }

  private roomOf(id: string, world: string): Room {
    let room = this.rooms.get(id);
    if (!room) this.rooms.set(id, (room = { world, people: new Map() }));
    return room;
  }
}
