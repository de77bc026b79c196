import type { RecordedEvent } from '../eventsourcing/events.js';
import type { CommandLoop } from '../eventsourcing/handle.js';
import { follow, ownFollowUpContext, type Policy } from '../eventsourcing/policy.js';
import { rooms } from '../rooms/rooms.js';
import { meetings, roomOf, type MeetingEvent } from './meetings.js';
import { unlessDone } from './meetings.policy.js';

export interface MeetingRoomsParts {
  /** Meetings in a room as of a position in the log, or later. Throws what passes where it cannot say now. */
  meetingsIn(room: string, world: string, position: bigint): Promise<readonly string[]>;
}

/** Events by which a meeting comes into a room, or a room goes. */
type Cause = Extract<MeetingEvent, { type: 'MeetingCreated' | 'MeetingUpdated' }>;

/**
 * A meeting whose room was deleted is not valid any more. The deletion is looked up in the meetings there are by then, and
 * each meeting that comes later looks at its room: whatever the order, one of the two sees the other.
 */
export function meetingRoomsPolicy({ meetingsIn }: MeetingRoomsParts): Policy {
  return {
    name: 'meeting_rooms',
    types: ['RoomDeleted', 'MeetingCreated', 'MeetingUpdated'],
    react: async (event, loop) => {
      if (event.type === 'RoomDeleted') {
        const room = String(event.data.roomId);
        const there = await meetingsIn(room, event.metadata.world, event.position);
        for (const meetingId of there) await invalidate(loop, meetingId, room, event);
        return;
      }
      const cause: Cause = event as typeof event & Cause;
      if (cause.type === 'MeetingUpdated' && cause.data.patch.sourceIds === undefined) return;
      const { meetingId } = cause.data;
      const meeting = await loop.stateOf(meetings, meetingId);
      const room = meeting.status === 'planned' ? roomOf(meeting.plan) : undefined;
      if (room === undefined) return;
      if ((await loop.stateOf(rooms, room)).status === 'deleted') await invalidate(loop, meetingId, room, event);
    },
  };
}

async function invalidate(loop: CommandLoop, meetingId: string, room: string, event: RecordedEvent): Promise<void> {
  await unlessDone(async () => {
    const command = { type: 'InvalidateMeeting', meetingId, roomId: room } as const;
    return (await follow(loop, meetings, command, ownFollowUpContext(event))).position;
  });
}
