import type { TraitGrants } from '../../identity/roles.js';
import { emptyConfig } from '../../rooms/room-fields.js';
import type { RoomDirectoryEvent } from '../../rooms/room-directory.js';
import {
  CreateRoom,
  DeleteRoom,
  GrantRoomRole,
  PatchRoomConfig,
  ReorderRooms,
  RevokeRoomRole,
  ScheduleRoom,
} from '../../rooms/rooms.commands.js';
import type { RoomChanged, RoomsReordered } from '../../rooms/rooms.handlers.js';
import { GetRoomConfig, ListRoomConfigs } from '../../rooms/rooms.queries.js';
import type { RoomEvent } from '../../rooms/rooms.js';
import { command, type Done, type Place, query, wire } from './wire.js';

const inRoom = (permission: 'room:update' | 'room:announce' | 'room:delete') => {
  return ({ room }: { readonly room: string }) => ({ permission, room });
};
const nothing = () => ({});

type OfRoom = { readonly data: { readonly roomId: string } };
const roomPlace = (room: string, permission: 'room:view' | 'room:update', topic = `room:${room}`): Place => {
  return { topic, need: { permission, room } };
};
const forRoom = ({ data: { roomId } }: OfRoom) => [roomPlace(roomId, 'room:view')];
const forRoomAndWorld = ({ data: { roomId } }: OfRoom) => [
  roomPlace(roomId, 'room:view'),
  roomPlace(roomId, 'room:view', 'world'),
];
/** Who holds which role in a room is for those who give roles there, and for the one concerned. */
const roomRole = ({
  data: { roomId, user },
}: {
  readonly data: { readonly roomId: string; readonly user: string };
}) => [roomPlace(roomId, 'room:update'), { topic: `user:${user}`, need: undefined }];
const namesRole = ({ role }: { readonly role: string }) => ({ field: 'role', names: [role] }) as const;
const namesRoles = ({ trait_grants = {} }: { readonly trait_grants?: TraitGrants }) =>
  ({ field: 'trait_grants', names: Object.keys(trait_grants) }) as const;
/** The directory names all rooms of the world; what others may know of it is in the rooms' own events. */
const directory = (): Place[] => [{ topic: 'world', need: { permission: 'room:update' } }];
const configFields = new Set([...Object.keys(emptyConfig), 'name', 'sorting_priority']);

/** Source: wire contract, section 4. */
export const roomsWire = wire<RoomEvent | RoomDirectoryEvent>(
  {
    'room.create': command<CreateRoom, RoomChanged>({
      shape: CreateRoom,
      needs: () => ({ permission: 'world:rooms.create.*' }),
      roles: namesRoles,
      reply: ({ config }) => ({ room: config.id, ...config }),
    }),
    'room.config.get': query({ shape: GetRoomConfig, needs: inRoom('room:update') }),
    'room.config.list': query({ shape: ListRoomConfigs, needs: () => ({ permission: 'room:update' }) }),
    'room.config.patch': command<PatchRoomConfig, RoomChanged>({
      shape: PatchRoomConfig,
      codeOf: (fields) => (fields.every((field) => configFields.has(field)) ? 'config.invalid' : 'protocol.invalid'),
      needs: inRoom('room:update'),
      roles: namesRoles,
      reply: ({ config }) => config,
    }),
    'room.config.reorder': command<ReorderRooms, RoomsReordered>({
      shape: ReorderRooms,
      prepare: (payload) => (Array.isArray(payload) ? { rooms: payload } : payload),
      needs: ({ rooms }) => ({ permission: 'room:update', exist: rooms }),
      reply: ({ configs }) => configs,
    }),
    'room.schedule': command({ shape: ScheduleRoom, needs: inRoom('room:announce'), reply: nothing }),
    'room.delete': command({ shape: DeleteRoom, needs: inRoom('room:delete'), reply: nothing }),
    'room.grant': command<GrantRoomRole, Done>({
      shape: GrantRoomRole,
      needs: inRoom('room:update'),
      roles: namesRole,
      reply: nothing,
    }),
    'room.revoke': command<RevokeRoomRole, Done>({
      shape: RevokeRoomRole,
      needs: inRoom('room:update'),
      roles: ({ room, user, role }) => ({ ...namesRole({ role }), held: { room, user } }),
      reply: nothing,
    }),
  },
  {
    RoomCreated: ({ data: { roomId, sorting_priority, config }, metadata: { world } }) => ({
      topic: `world:${world}`,
      name: 'room.create',
      body: { id: roomId, sorting_priority, ...config },
      need: { permission: 'room:view', room: roomId },
    }),
    RoomConfigPatched: ({ metadata: { world } }) => ({ worldUpdated: world }),
    RoomsReordered: ({ metadata: { world } }) => ({ worldUpdated: world }),
    RoomScheduleChanged: ({ data: { roomId, schedule_data } }) => ({
      topic: `room:${roomId}`,
      name: 'room.schedule',
      body: { room: roomId, schedule_data },
      need: { permission: 'room:view', room: roomId },
    }),
    RoomDeleted: ({ data: { roomId }, metadata: { world } }) => ({
      topic: `world:${world}`,
      name: 'room.delete',
      body: { id: roomId },
      need: { permission: 'room:view', room: roomId },
    }),
  },
  {
    topics: { room: { id: '<id>', needs: (room) => ({ permission: 'room:view', room }) } },
    events: {
      RoomRegistered: directory,
      RoomRelisted: directory,
      RoomsReordered: directory,
      RoomDelisted: directory,
      RoomCreated: forRoomAndWorld,
      RoomConfigPatched: forRoomAndWorld,
      RoomScheduleChanged: forRoom,
      RoomRoleGranted: roomRole,
      RoomRoleRevoked: roomRole,
      RoomDeleted: forRoomAndWorld,
    },
  },
);
