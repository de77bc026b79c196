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

/** What was patched: how often by clients on this stream, and by which revision of the directory last. */
export type Patched = {
  readonly [field in keyof RoomPatch]?: { readonly direct: number; readonly listing: bigint };
};

/** Follows the directory's RoomRelisted of the revision `listing`. */
type FollowUp = {
  readonly listing: string;
  /** The room's `patched` when the directory decided. */
  readonly before: Patched;
};

/** A patch, the client's own or a follow-up of the directory. */
export type Patch = Pick<PatchRoomConfig, 'type' | 'room'> & RoomPatch & { readonly followUp?: FollowUp };

export type RoomCommand =
  OpenRoom | Patch | ScheduleRoom | GrantRoomRole | RevokeRoomRole | Pick<DeleteRoom, 'type' | 'room'>;

export type Room =
  | { readonly status: 'none' }
  | {
      readonly status: 'open';
      readonly id: string;
      readonly config: RoomConfig;
      readonly patched: Patched;
    }
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
        const { roomId, config } = event.data;
        return { status: 'open', id: roomId, config, patched: {} };
      }
      case 'RoomConfigPatched': {
        if (state.status !== 'open') return state;
        const { listing, patch } = event.data;
        const { sorting_priority: _place, ...config } = patch;
        return {
          ...state,
          config: { ...state.config, ...config },
          patched: noted(state.patched, patch, listing),
        };
      }
      case 'RoomScheduleChanged': {
        if (state.status !== 'open') return state;
        const { schedule_data } = event.data;
        return {
          ...state,
          config: { ...state.config, schedule_data },
          patched: noted(state.patched, { schedule_data }),
        };
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
        const { type: _type, room: _room, followUp, ...patch } = command;
        checkSchedule(patch.schedule_data);
        return [{ type: 'RoomConfigPatched', data: followUp ? followed(state, patch, followUp) : { roomId, patch } }];
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

/**
 * Follow-ups of the directory can come late and out of order. They count as carried out when the directory decided: a field
 * that a newer decision or, since then, a client has patched stays as it is.
 */
function followed(room: Extract<Room, { status: 'open' }>, patch: RoomPatch, { listing, before }: FollowUp) {
  const current = fieldsOf(patch).filter((field) => {
    const { direct, listing: last } = room.patched[field] ?? never;
    return direct === (before[field] ?? never).direct && BigInt(listing) > last;
  });
  return { roomId: room.id, listing, patch: Object.fromEntries(current.map((field) => [field, patch[field]])) };
}

const never = { direct: 0, listing: -1n };

function noted(patched: Patched, patch: RoomPatch, listing?: string): Patched {
  const now = fieldsOf(patch).map((field) => {
    const before = patched[field] ?? never;
    return [
      field,
      listing === undefined ? { ...before, direct: before.direct + 1 } : { ...before, listing: BigInt(listing) },
    ];
  });
  return { ...patched, ...Object.fromEntries(now) };
}

/** The type of a patch names them all. */
const fieldsOf = (patch: RoomPatch): (keyof RoomPatch)[] => Object.keys(patch) as (keyof RoomPatch)[];
