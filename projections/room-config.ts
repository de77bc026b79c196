import type { RoomConfig } from '../src/rooms/room-fields.js';
import { defineReadModel } from './engine/read-model.js';
import { withGrant, withoutGrant, withRights, type Grant } from './grants.js';
import { listingHandlers, type RoomListing, type RoomsEvent } from './room-listing.js';

/** A room as configured, with who holds a role in it. */
export type RoomConfigRow = RoomConfig & RoomListing & { readonly grants: readonly Grant[] };

export const roomConfig = defineReadModel<RoomConfigRow, RoomsEvent>({
  name: 'room_config',
  version: 1,
  indexes: [{ world: 1, sorting_priority: 1 }],
  on: {
    ...listingHandlers<RoomConfigRow>(),
    RoomRegistered: {
      keys: ({ data }) => [data.roomId],
      apply: (_row, { data: { config, sorting_priority }, metadata: { world } }) =>
        withRights({ ...config, world, status: 'pending' as const, sorting_priority, grants: [] }),
    },
    RoomConfigPatched: {
      keys: ({ data }) => [data.roomId],
      apply: (row, { data }) => {
        const { name: _name, sorting_priority: _place, ...config } = data.patch;
        return row && withRights({ ...row, ...config });
      },
    },
    RoomRoleGranted: {
      keys: ({ data }) => [data.roomId],
      apply: (row, { data }) => row && { ...row, grants: withGrant(row.grants, data) },
    },
    RoomRoleRevoked: {
      keys: ({ data }) => [data.roomId],
      apply: (row, { data }) => row && { ...row, grants: withoutGrant(row.grants, data) },
    },
  },
});
