import type { JsonObject } from '../src/eventsourcing/events.js';
import { defineReadModel } from './engine/read-model.js';
import { listingHandlers, type RoomListing, type RoomsEvent } from './room-listing.js';

/** A world's rooms at a glance: the light sibling of `room_config`. */
export type RoomListRow = RoomListing & {
  readonly description: string;
  readonly picture: string | null;
  readonly import_id: string | null;
  /** Types of the room's modules. */
  readonly modules: readonly string[];
};

const typesOf = (modules: readonly JsonObject[]): string[] => modules.map(({ type }) => String(type));

export const roomList = defineReadModel<RoomListRow, RoomsEvent>({
  name: 'room_list',
  version: 1,
  indexes: [{ world: 1, sorting_priority: 1 }],
  on: {
    ...listingHandlers<RoomListRow>(),
    RoomRegistered: {
      keys: ({ data }) => [data.roomId],
      apply: (_row, { data: { config, sorting_priority }, metadata: { world } }) => ({
        world,
        status: 'pending',
        name: config.name,
        sorting_priority,
        schedule_data: config.schedule_data,
        description: config.description,
        picture: config.picture,
        import_id: config.import_id,
        modules: typesOf(config.module_config),
      }),
    },
    RoomConfigPatched: {
      keys: ({ data }) => [data.roomId],
      apply: (row, { data: { patch } }) =>
        row && {
          ...row,
          schedule_data: patch.schedule_data === undefined ? row.schedule_data : patch.schedule_data,
          description: patch.description ?? row.description,
          picture: patch.picture === undefined ? row.picture : patch.picture,
          import_id: patch.import_id === undefined ? row.import_id : patch.import_id,
          modules: patch.module_config === undefined ? row.modules : typesOf(patch.module_config),
        },
    },
  },
});
