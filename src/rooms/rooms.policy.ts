import type { Execution } from '../eventsourcing/execution.js';
import type { AppendedEvent, CommandLoop, Outcome } from '../eventsourcing/handle.js';
import { aggregateId } from '../eventsourcing/ids.js';
import { follow, followUpContext, type Policy } from '../eventsourcing/policy.js';
import { Refused } from '../eventsourcing/refused.js';
import { roomDirectory, type RoomDirectoryCommand, type RoomDirectoryEvent } from './room-directory.js';
import { rooms, type Room, type RoomCommand, type RoomEvent } from './rooms.js';

type Recorded = AppendedEvent<RoomDirectoryEvent>;
type RoomOutcome = Outcome<Room, RoomEvent> & { readonly room: string };

/** What a directory event, at a position of the log, means for the room's own stream. */
async function following(loop: CommandLoop, event: Recorded, position: bigint): Promise<RoomCommand | undefined> {
  const listing = String(event.revision);
  switch (event.type) {
    case 'RoomRegistered': {
      const { roomId: room, sorting_priority, config } = event.data;
      return { type: 'OpenRoom', room, listing, sorting_priority, config };
    }
    case 'RoomRelisted': {
      const { roomId: room, patch } = event.data;
      const then = await loop.stateOf(rooms, room, position);
      const followUp = { listing, before: then.status === 'open' ? then.patched : {} };
      return { type: 'PatchRoomConfig', room, followUp, ...patch };
    }
    case 'RoomDelisted':
      return { type: 'DeleteRoom', room: event.data.roomId };
    case 'RoomsReordered':
      return undefined;
  }
}

/** Every directory event once more, for those whose follow-up a crash cut off. */
export const roomDirectoryPolicy: Policy = {
  name: 'room_directory',
  types: Object.keys(roomDirectory.events),
  react: async (event, loop) => {
    const command = await following(loop, event as typeof event & Recorded, event.position);
    if (!command) return;
    try {
      await loop.handle(rooms, command, followUpContext(event));
    } catch (error) {
      // The room was deleted meanwhile: nothing is left to follow. Any other no is for the runner to judge.
      if (!(error instanceof Refused && error.code === 'room.unknown')) throw error;
    }
  },
};

/** Decides on the directory, then brings the room's stream along; a resend is answered from the room's stream. */
export async function changeListing(
  loop: CommandLoop,
  command: Exclude<RoomDirectoryCommand, { type: 'ReorderRooms' }>,
  { context, onlyResend }: Execution,
): Promise<RoomOutcome> {
  const room = command.type === 'RegisterRoom' ? aggregateId(context) : command.room;
  const first = await loop.resent(rooms, room, context);
  if (first) return { ...first, room };
  const { events, position } = await loop.handle(roomDirectory, command, context, { onlyResend });
  // Each of these commands decides one event.
  const event = events.at(-1);
  const next = event && (await following(loop, event, position));
  if (!next) throw new Error(`${command.type} changed no room`);
  // The event says which room it was: a resend may name another one.
  return { ...(await follow(loop, rooms, next, followUpContext(event))), room: next.room };
}
