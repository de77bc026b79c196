import { assertNever, type Decider } from '../eventsourcing/decider.js';
import { aggregateId } from '../eventsourcing/ids.js';
import { Refused } from '../eventsourcing/refused.js';
import type { RoomConfig } from './room-fields.js';
import type { CreateRoom, DeleteRoom, PatchRoomConfig, ReorderRooms } from './rooms.commands.js';
import { checkSchedule, type RoomPatch } from './rooms.js';

export type RoomDirectoryEvent =
  | { type: 'RoomRegistered'; data: { roomId: string; sorting_priority: number; config: RoomConfig } }
  | { type: 'RoomRelisted'; data: { roomId: string; patch: RoomPatch } }
  | { type: 'RoomsReordered'; data: { order: readonly string[] } }
  | { type: 'RoomDelisted'; data: { roomId: string } };

/** What a client left out of a new room. */
export type Defaults = Omit<RoomConfig, 'name'>;
export type RegisterRoom = Omit<CreateRoom, 'type' | 'modules' | 'permission_preset'> & {
  readonly type: 'RegisterRoom';
  readonly defaults: Defaults;
};
export type RoomDirectoryCommand = RegisterRoom | PatchRoomConfig | ReorderRooms | DeleteRoom;

/** `key` is what two names of one world may not share. */
type Listed = { readonly name: string; readonly key: string; readonly sorting_priority: number };
export type RoomDirectory = {
  /** The world's undeleted rooms by id. */
  readonly rooms: ReadonlyMap<string, Listed>;
  /** The last place of each deleted one: a command on a room can end after its deletion has begun here. */
  readonly lastPlaces: ReadonlyMap<string, number>;
};

/**
 * Names and order of a world's rooms: one stream per world, because both are rules over all its rooms.
 * Source: wire contract, section 4. Each room's own stream follows (rooms.policy.ts).
 */
export const roomDirectory: Decider<RoomDirectory, RoomDirectoryCommand, RoomDirectoryEvent> = {
  category: 'room_directory',
  events: {
    RoomRegistered: { schema: 1 },
    RoomRelisted: { schema: 1 },
    RoomsReordered: { schema: 1 },
    RoomDelisted: { schema: 1 },
  },
  initial: { rooms: new Map(), lastPlaces: new Map() },
  streamOf: (_command, { world }) => world,
  evolve: (state, event) => {
    const { rooms } = state;
    switch (event.type) {
      case 'RoomRegistered': {
        const { roomId, sorting_priority, config } = event.data;
        return { ...state, rooms: new Map(rooms).set(roomId, listed(config.name, sorting_priority)) };
      }
      case 'RoomRelisted': {
        const { roomId, patch } = event.data;
        const before = rooms.get(roomId);
        if (!before) return state;
        const { name = before.name, sorting_priority = before.sorting_priority } = patch;
        return { ...state, rooms: new Map(rooms).set(roomId, listed(name, sorting_priority)) };
      }
      case 'RoomsReordered': {
        const places = new Map(event.data.order.map((id, index) => [id, index + 1]));
        const placed = ([id, room]: [string, Listed]): [string, Listed] => [
          id,
          { ...room, sorting_priority: places.get(id) ?? room.sorting_priority },
        ];
        return { ...state, rooms: new Map([...rooms].map(placed)) };
      }
      case 'RoomDelisted': {
        const { roomId } = event.data;
        const before = rooms.get(roomId);
        if (!before) return state;
        const rest = new Map(rooms);
        rest.delete(roomId);
        return { rooms: rest, lastPlaces: new Map(state.lastPlaces).set(roomId, before.sorting_priority) };
      }
      default:
        return assertNever(event);
    }
  },
  decide: (command, state, context) => {
    switch (command.type) {
      case 'RegisterRoom': {
        const { type: _type, defaults, sorting_priority = lastPlace(state) + 1, ...config } = command;
        checkSchedule(config.schedule_data);
        checkName(state, config.name);
        const roomId = aggregateId(context);
        return [{ type: 'RoomRegistered', data: { roomId, sorting_priority, config: { ...defaults, ...config } } }];
      }
      case 'PatchRoomConfig': {
        const { type: _type, room, ...patch } = command;
        if (!state.rooms.has(room)) throw new Refused('room.unknown');
        checkSchedule(patch.schedule_data);
        if (patch.name !== undefined) checkName(state, patch.name, room);
        return [{ type: 'RoomRelisted', data: { roomId: room, patch } }];
      }
      case 'ReorderRooms': {
        if (command.rooms.some((id) => !state.rooms.has(id))) throw new Refused('room.unknown');
        const first = new Set(command.rooms);
        const rest = inOrder(state).filter((id) => !first.has(id));
        return [{ type: 'RoomsReordered', data: { order: [...command.rooms, ...rest] } }];
      }
      case 'DeleteRoom':
        if (!state.rooms.has(command.room)) throw new Refused('room.unknown');
        return [{ type: 'RoomDelisted', data: { roomId: command.room } }];
      default:
        return assertNever(command);
    }
  },
};

/** Where a room stands, or stood last. */
export function placeOf({ rooms, lastPlaces }: RoomDirectory, room: string): number | undefined {
  return rooms.get(room)?.sorting_priority ?? lastPlaces.get(room);
}

/** Ids in the order clients see: by place, then by name. */
export function inOrder({ rooms }: RoomDirectory): string[] {
  return [...rooms]
    .toSorted(([, a], [, b]) => a.sorting_priority - b.sorting_priority || compare(a.name, b.name))
    .map(([id]) => id);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function lastPlace({ rooms }: RoomDirectory): number {
  return Math.max(0, ...[...rooms.values()].map(({ sorting_priority }) => sorting_priority));
}

/** Names are the same when they differ only in case, width or composition of characters. Upper case first makes SS of ß. */
export const keyOf = (name: string): string => name.normalize('NFKC').trim().toUpperCase().toLowerCase();

function listed(name: string, sorting_priority: number): Listed {
  return { name, key: keyOf(name), sorting_priority };
}

function checkName({ rooms }: RoomDirectory, name: string, except?: string): void {
  const wanted = keyOf(name);
  for (const [id, { key }] of rooms) {
    if (id !== except && key === wanted) throw new Refused('room.invalid.name_taken');
  }
}
