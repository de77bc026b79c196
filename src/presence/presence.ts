import { assertNever, type Decider } from '../eventsourcing/decider.js';
import type { JsonObject, RecordedEvent } from '../eventsourcing/events.js';
import { isObject } from '../eventsourcing/validation.js';
import { personKey } from '../identity/session.js';

/** Why someone is no longer in a room: asked to leave, hung up, the room was deleted, or the process that knew is gone. */
export type LeaveReason = 'left' | 'closed' | 'deleted' | 'lost';

/** One per person, room and node: the first connection in on that node, the last one out. */
export type PresenceEvent =
  | {
      type: 'ViewerEntered';
      data: { roomId: string; userId: string; node: string; profile: JsonObject; anonymous?: true };
    }
  | {
      type: 'ViewerLeft';
      data: { roomId: string; userId: string; node: string; reason: LeaveReason; anonymous?: true };
    };

/** Who is in one room on one node, by `personOf`. */
export type NodePresence = {
  readonly people: ReadonlyMap<
    string,
    { readonly userId: string; readonly profile: JsonObject; readonly anonymous: boolean }
  >;
};

/** Whether an event says what these events say. Others write to the log, too. */
export function isPresence(event: RecordedEvent): event is RecordedEvent & PresenceEvent {
  const { type, data } = event;
  if (type !== 'ViewerEntered' && type !== 'ViewerLeft') return false;
  const texts = [data.roomId, data.userId, data.node];
  return texts.every((text) => typeof text === 'string') && (type === 'ViewerLeft' || isObject(data.profile));
}

/** The key (`personKey`) of the person an event is about. */
export function personOf({ roomId: room, userId, anonymous }: PresenceEvent['data']): string {
  return personKey({ userId, ...(anonymous && { anonymous: { room } }) });
}

/**
 * The streams `presence-<room>-<node>`, each written by its node alone (register.ts); another node only writes to it that
 * its people are lost. Nothing is decided here: presence is a fact about sockets. Source: wire contract, section 4.
 */
export const presence: Pick<
  Decider<NodePresence, never, PresenceEvent>,
  'category' | 'events' | 'initial' | 'evolve'
> = {
  category: 'presence',
  events: { ViewerEntered: { schema: 1 }, ViewerLeft: { schema: 1 } },
  initial: { people: new Map() },
  evolve: (state, event) => {
    const people = new Map(state.people);
    switch (event.type) {
      case 'ViewerEntered': {
        const { userId, profile, anonymous = false } = event.data;
        return { people: people.set(personOf(event.data), { userId, profile, anonymous }) };
      }
      case 'ViewerLeft':
        people.delete(personOf(event.data));
        return { people };
      default:
        return assertNever(event);
    }
  },
};

export const presenceStream = (room: string, node: string): string => `${presence.category}-${room}-${node}`;

/** How full a room is told to be. Source: wire contract, section 4 (`world.user_count_change`). */
export type Fullness = 'none' | 'few' | 'many';

export const fullness = (people: number): Fullness => (people === 0 ? 'none' : people <= 10 ? 'few' : 'many');
