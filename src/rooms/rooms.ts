import { assertNever, type Decider } from '../eventsourcing/decider.js';
import { Refused } from '../eventsourcing/refused.js';
import type { RoomConfig, ScheduleData } from './room-fields.js';
import type { DeleteRoom, GrantRoomRole, PatchRoomConfig, RevokeRoomRole, ScheduleRoom } from './rooms.commands.js';

export type RoomPatch = Partial<RoomConfig> & { readonly sorting_priority?: number };

export type RoomEvent =
  | { type: 'RoomCreated'; data: { roomId: string; listing: string; sorting_priority: number; config: RoomConfig } }
  | { type: 'RoomConfigPatched'; data: { roomId: string; listing?: string; patch: RoomPatch } }
  | { type: 'RoomScheduleChanged'; data: { roomId: string; schedule_data: ScheduleData | null } }
  | { type: 'RoomRoleGranted'; data: { roomId: string; user: string; role: string } }
  | { type: 'RoomRoleRevoked'; data: { roomId: string; user: string; role: string } }
  | { type: 'RoomDeleted'; data: { roomId: string } };

/** Follows the directory's RoomRegistered. `listing` is the directory's revision as a decimal string. */
export type OpenRoom = {
  readonly type: 'OpenRoom';
  readonly room: string;
  readonly listing: string;
  readonly sorting_priority: number;
  readonly config: RoomConfig;
};

/** A patch; with `listing` it follows the directory's RoomRelisted of that revision. */
export type Patch = Pick<PatchRoomConfig, 'type' | 'room'> & RoomPatch & { readonly listing?: string };

export type RoomCommand =
  OpenRoom | Patch | ScheduleRoom | GrantRoomRole | RevokeRoomRole | Pick<DeleteRoom, 'type' | 'room'>;

export type Room =
  | { readonly status: 'none' }
  | { readonly status: 'open'; readonly id: string; readonly listing: bigint; readonly config: RoomConfig }
  | { readonly status: 'deleted' };

/**
 * One room: its configuration, its current session and who holds a role in it. Source: wire contract, section 4.
 * Its name and place are decided on the world's directory first (room-directory.ts); this stream follows.
 */
export const rooms: Decider<Room, RoomCommand, RoomEvent> = {
  category: 'room',
  events: {
    RoomCreated: { schema: 1 },
    RoomConfigPatched: { schema: 1 },
    RoomScheduleChanged: { schema: 1 },
    RoomRoleGranted: { schema: 1 },
    RoomRoleRevoked: { schema: 1 },
    RoomDeleted: { schema: 1 },
  },
  initial: { status: 'none' },
  streamOf: (command) => command.room,
  evolve: (state, event) => {
    switch (event.type) {
      case 'RoomCreated': {
        const { roomId, listing, config } = event.data;
        return { status: 'open', id: roomId, listing: BigInt(listing), config };
      }
      case 'RoomConfigPatched': {
        if (state.status !== 'open') return state;
        const { listing, patch } = event.data;
        const { sorting_priority: _place, ...config } = patch;
        return {
          ...state,
          listing: listing === undefined ? state.listing : later(state.listing, BigInt(listing)),
          config: { ...state.config, ...config },
        };
      }
      case 'RoomScheduleChanged': {
        if (state.status !== 'open') return state;
        return { ...state, config: { ...state.config, schedule_data: event.data.schedule_data } };
      }
      case 'RoomRoleGranted':
      case 'RoomRoleRevoked':
        return state;
      case 'RoomDeleted':
        return { status: 'deleted' };
      default:
        return assertNever(event);
    }
  },
  decide: (command, state, { actorId }) => {
    if (command.type === 'OpenRoom') {
      const { room: roomId, listing, sorting_priority, config } = command;
      if (state.status !== 'none') throw new Refused('room.already_created');
      return [
        { type: 'RoomCreated', data: { roomId, listing, sorting_priority, config } },
        { type: 'RoomRoleGranted', data: { roomId, user: actorId, role: 'room_owner' } },
      ];
    }
    if (state.status !== 'open') throw new Refused('room.unknown');
    const roomId = state.id;
    switch (command.type) {
      case 'PatchRoomConfig': {
        const { type: _type, room: _room, listing, ...patch } = command;
        checkSchedule(patch.schedule_data);
        return [{ type: 'RoomConfigPatched', data: patched(roomId, patch, listing, state.listing) }];
      }
      case 'ScheduleRoom':
        checkSchedule(command.schedule_data);
        return [{ type: 'RoomScheduleChanged', data: { roomId, schedule_data: command.schedule_data } }];
      case 'GrantRoomRole':
        return [{ type: 'RoomRoleGranted', data: { roomId, user: command.user, role: command.role } }];
      case 'RevokeRoomRole':
        return [{ type: 'RoomRoleRevoked', data: { roomId, user: command.user, role: command.role } }];
      case 'DeleteRoom':
        return [{ type: 'RoomDeleted', data: { roomId } }];
      default:
        return assertNever(command);
    }
  },
};

const scheduleKeys = new Set(['session', 'title', 'computeSession']);

export function checkSchedule(data: ScheduleData | null | undefined): void {
  if (data && Object.keys(data).some((key) => !scheduleKeys.has(key))) throw new Refused('room.unknown_schedule_data');
}

/** Follow-ups of the directory can arrive out of order: name and place of an older one were superseded. */
function patched(roomId: string, patch: RoomPatch, listing: string | undefined, seen: bigint) {
  if (listing === undefined) return { roomId, patch };
  if (BigInt(listing) > seen) return { roomId, listing, patch };
  const { name: _name, sorting_priority: _place, ...rest } = patch;
  return { roomId, listing, patch: rest };
}

const later = (a: bigint, b: bigint): bigint => (a > b ? a : b);
