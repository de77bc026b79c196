import type { RoomDirectoryEvent } from '../src/rooms/room-directory.js';
import type { ScheduleData } from '../src/rooms/room-fields.js';
import type { RoomEvent } from '../src/rooms/rooms.js';
import type { ReadModelDefinition } from './engine/read-model.js';

export type RoomsEvent = RoomDirectoryEvent | RoomEvent;

/** What every row about a room has. Name and place follow the directory, everything else the room's own stream. */
export type RoomListing = {
  readonly world: string;
  /** `pending` until the room's own stream has followed the directory. Rooms are never removed. */
  readonly status: 'pending' | 'open' | 'deleted';
  readonly name: string;
  readonly sorting_priority: number;
  readonly schedule_data: ScheduleData | null;
};

/** The handlers that change nothing but the listing, for any row that has one. */
export function listingHandlers<Row extends RoomListing>() {
  const change = (row: Readonly<Row> | undefined, changed: Partial<RoomListing>): Row | undefined =>
    row && { ...row, ...changed };
  return {
    RoomRelisted: {
      keys: ({ data }) => [data.roomId],
      apply: (row, { data: { patch } }) =>
        change(row, {
          ...(patch.name !== undefined && { name: patch.name }),
          ...(patch.sorting_priority !== undefined && { sorting_priority: patch.sorting_priority }),
        }),
    },
    RoomsReordered: {
      keys: ({ data }) => data.order,
      apply: (row, { data }, id) => change(row, { sorting_priority: data.order.indexOf(id) + 1 }),
    },
    RoomCreated: {
      keys: ({ data }) => [data.roomId],
      apply: (row) => change(row, { status: 'open' }),
    },
    RoomScheduleChanged: {
      keys: ({ data }) => [data.roomId],
      apply: (row, { data }) => change(row, { schedule_data: data.schedule_data }),
    },
    RoomDeleted: {
      keys: ({ data }) => [data.roomId],
      apply: (row) => change(row, { status: 'deleted' }),
    },
  } satisfies ReadModelDefinition<Row, RoomsEvent>['on'];
}
