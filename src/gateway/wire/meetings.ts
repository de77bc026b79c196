import { Refused } from '../../eventsourcing/refused.js';
import type { CalendarEvent } from '../../meetings/calendar.events.js';
import type { MeetingChanged } from '../../meetings/bookings.js';
import { meetingView } from '../../meetings/meeting-views.js';
import {
  AcceptMeetingRequest,
  CreateMeeting,
  CreateMeetingInRoom,
  DeclineMeetingRequest,
  DeleteMeeting,
  UpdateMeeting,
  UpdateMeetingInRoom,
} from '../../meetings/meetings.commands.js';
import {
  CheckPropHasMeetings,
  GetMeeting,
  GetOldMeeting,
  ListOldMeetings,
  ListUserMeetingCounts,
  ListUserMeetings,
} from '../../meetings/meetings.queries.js';
import type { OldMeetingChanged } from '../../meetings/meetings.handlers.js';
import { roomOf, type MeetingEvent } from '../../meetings/meetings.js';
import { isOneOf } from '../needs.js';
import { command, query, wire, type Done, type Need, type Place } from './wire.js';

const nothing = () => ({});
const needsWorld = (): Need => ({ permission: 'world:view', account: true });
/** A room is there to be met in for those who may see it; who may see nothing else cannot meet. */
const needsRoom = (room: string | undefined): Need =>
  room === undefined ? needsWorld() : { permission: 'room:view', room, besides: 'world:view', account: true };
const deletes = command<DeleteMeeting, Done>({ shape: DeleteMeeting, needs: needsWorld, reply: nothing });

/** A person's calendar is the person's own. */
const ofPerson = ({ data: { userId } }: { readonly data: { readonly userId: string } }): Place[] => [placeOf(userId)];
const placeOf = (user: string): Place => ({ topic: `user:${user}`, need: needsWorld() });

type OfMeeting = { readonly data: { readonly meetingId: string; readonly users: readonly string[] } };
const ofPeople = ({ data: { meetingId, users } }: OfMeeting): Place[] => [
  { topic: `meeting:${meetingId}`, need: { permission: 'world:view', users } },
  ...users.map(placeOf),
];

/**
 * Source: seed 004; wire contract, section 5. What people are told of meetings depends on the whole meeting, not on the
 * event alone: see src/meetings/meeting-news.ts.
 */
export const meetingsWire = wire<CalendarEvent | MeetingEvent>(
  {
    'meeting:createMeeting': command<CreateMeeting, MeetingChanged>({
      shape: CreateMeeting,
      needs: (meeting) => needsRoom(roomOf(meeting)),
      reply: ({ meeting }) => ({ meeting: meetingView(meeting) }),
    }),
    'meeting:updateMeeting': command<UpdateMeeting, MeetingChanged>({
      shape: UpdateMeeting,
      needs: needsWorld,
      reply: ({ meeting }) => ({ meeting: meetingView(meeting) }),
    }),
    'meeting:deleteMeeting': deletes,
    'meeting:acceptMeetingRequest': command<AcceptMeetingRequest, Done>({
      shape: AcceptMeetingRequest,
      needs: needsWorld,
      reply: nothing,
    }),
    'meeting:declineMeetingRequest': command<DeclineMeetingRequest, Done>({
      shape: DeclineMeetingRequest,
      needs: needsWorld,
      reply: nothing,
    }),
    'meeting:getMeeting': query({ shape: GetMeeting, needs: needsWorld }),
    'meeting:listUserMeetings': query({ shape: ListUserMeetings, needs: needsWorld }),
    'meeting:listUserMeetingCounts': query({ shape: ListUserMeetingCounts, needs: needsWorld }),
    'meeting:create': command<CreateMeetingInRoom, OldMeetingChanged>({
      shape: CreateMeetingInRoom,
      needs: ({ meeting }) => needsRoom(meeting?.roomId),
      reply: ({ meeting }) => ({ meeting }),
    }),
    'meeting:update': command<UpdateMeetingInRoom, OldMeetingChanged>({
      shape: UpdateMeetingInRoom,
      needs: ({ meeting }) => needsRoom(meeting?.roomId),
      reply: ({ meeting }) => ({ meeting }),
    }),
    'meeting:delete': deletes,
    'meeting:get': query({ shape: GetOldMeeting, needs: needsWorld }),
    'meeting:listUserMeetingsInDateRange': query({ shape: ListOldMeetings, needs: needsWorld }),
    'meeting:checkPropHasMeetingsOrSocialSessions': query({
      shape: CheckPropHasMeetings,
      needs: ({ roomId }) => needsRoom(roomId),
    }),
  },
  {},
  {
    topics: {
      meeting: {
        id: '<id>',
        needs: async (id, session, people) => {
          // To others there is no such meeting, whether there is one or not.
          if (!isOneOf(await people.ofMeeting(id, session.world), session)) throw new Refused('meeting.unknown');
          return needsWorld();
        },
      },
    },
    events: {
      MeetingBooked: ofPerson,
      BookingChanged: ofPerson,
      BookingCancelled: ofPerson,
      InvitationAccepted: ofPerson,
      InvitationDeclined: ofPerson,
      BookingMoved: ofPerson,
      BookingReleased: ofPerson,
      MeetingCreated: ofPeople,
      MeetingUpdated: ofPeople,
      MeetingDeleted: ofPeople,
      MeetingAccepted: ofPeople,
      MeetingDeclined: ofPeople,
      MeetingAcceptanceWithdrawn: ofPeople,
      MeetingInvalidated: ofPeople,
    },
  },
);
