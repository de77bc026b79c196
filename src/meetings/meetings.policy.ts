import type { AppendedEvent, CommandLoop } from '../eventsourcing/handle.js';
import { follow, followUpContext, ownFollowUpContext, type Policy } from '../eventsourcing/policy.js';
import { Refused } from '../eventsourcing/refused.js';
import type { CalendarEvent } from './calendar.events.js';
import { bookedTime, bookingOf, calendarOf, calendars, type Conflicts } from './calendar.js';
import { meetings, type Meeting, type MeetingCommand, type MeetingEvent, type PlannedMeeting } from './meetings.js';

export type DecidedOnCalendar = AppendedEvent<CalendarEvent>;
export type DecidedOnMeeting = AppendedEvent<MeetingEvent>;

const minute = 60_000;

/** What an event of a calendar means for the meeting's own stream. */
function following(event: DecidedOnCalendar): MeetingCommand | undefined {
  const { userId, meetingId } = event.data;
  const revision = String(event.revision);
  const { at } = event.metadata;
  switch (event.type) {
    case 'MeetingBooked': {
      const { time, details, invitedUserIds } = event.data;
      const { startDate, endDate, busyFrom, busyUntil } = time;
      const buffers = { bufferBefore: (startDate - busyFrom) / minute, bufferAfter: (busyUntil - endDate) / minute };
      const plan = { ...details, startDate, endDate };
      const opened = { organizerId: userId, invitedUserIds, booking: revision, created: at, plan, buffers };
      return { type: 'OpenMeeting', meetingId, ...opened };
    }
    case 'BookingChanged': {
      const { was, time, patch } = event.data;
      const { startDate, endDate } = time;
      // Both or none: of two changes the later one says the whole time.
      const moves = startDate !== was.startDate || endDate !== was.endDate;
      const changes = { ...patch, ...(moves && { startDate, endDate }) };
      return { type: 'ReviseMeeting', meetingId, booking: revision, updated: at, patch: changes };
    }
    case 'BookingCancelled':
      return { type: 'CloseMeeting', meetingId };
    case 'InvitationAccepted':
      return {
        type: 'NoteAnswer',
        meetingId,
        userId,
        answer: revision,
        said: { status: 'accepted', booking: event.data.booking },
      };
    case 'InvitationDeclined':
      return { type: 'NoteAnswer', meetingId, userId, answer: revision, said: { status: 'declined' } };
    case 'BookingReleased':
      return event.data.reason === 'conflict'
        ? { type: 'NoteAnswer', meetingId, userId, answer: revision, said: { status: 'received' } }
        : undefined;
    case 'BookingMoved':
      return undefined;
  }
}

/** Where the last event of a follow-up is (-1n: nowhere), and the meeting right after it. */
export interface Followed {
  readonly position: bigint;
  readonly meeting?: Meeting;
}

/**
 * Brings the meeting along with what was decided on a calendar, and the other calendars along with the meeting.
 * @throws Refused meeting.unknown where the meeting is no more, meeting.already_* where there is nothing to do
 */
export async function followCalendar(
  loop: CommandLoop,
  event: DecidedOnCalendar,
  conflicts: Conflicts,
): Promise<Followed> {
  const command = following(event);
  if (!command) return { position: -1n };
  // A withdrawn acceptance follows an update, whose id the meeting knows already.
  const context = event.type === 'BookingReleased' ? ownFollowUpContext(event) : followUpContext(event);
  try {
    const { events, position, state: meeting } = await follow(loop, meetings, command, context);
    const last = events.at(-1);
    const then = last ? await followMeeting(loop, last, conflicts) : -1n;
    return { position: then > position ? then : position, meeting };
  } catch (error) {
    const gone = error instanceof Refused && error.code === 'meeting.unknown';
    if (!gone || event.type !== 'InvitationAccepted') throw error;
    // Deleted while it was being accepted: nobody's time is taken by a meeting that is no more.
    await release(loop, event.data.userId, event);
    throw error;
  }
}

/** Moves or frees the time of those who accepted; the position of the last event it took, -1n for none. */
export async function followMeeting(loop: CommandLoop, event: DecidedOnMeeting, conflicts: Conflicts): Promise<bigint> {
  const { meetingId } = event.data;
  const moves = event.type === 'MeetingUpdated' && event.data.patch.startDate !== undefined;
  if (!moves && event.type !== 'MeetingAccepted' && event.type !== 'MeetingDeleted') return -1n;
  const meeting = await loop.stateOf(meetings, meetingId);
  if (meeting.status === 'none') return -1n;
  const accepted = meeting.invited.filter(({ status }) => status === 'accepted').map(({ userId }) => userId);
  const concerned = event.type === 'MeetingAccepted' ? [event.data.userId] : accepted;
  const positions = await Promise.all(
    concerned.map((userId) =>
      meeting.status === 'deleted' ? release(loop, userId, event) : move(loop, userId, meeting, event, conflicts),
    ),
  );
  return positions.reduce((last, position) => (position > last ? position : last), -1n);
}

async function move(
  loop: CommandLoop,
  userId: string,
  meeting: PlannedMeeting,
  event: DecidedOnMeeting,
  conflicts: Conflicts,
): Promise<bigint> {
  const { meetingId, booking, plan, buffers } = meeting;
  const own = bookingOf(await loop.stateOf(calendars, calendarOf(event.metadata.world, userId)), meetingId);
  if (!own || BigInt(own.booking) >= BigInt(booking)) return -1n;
  const time = bookedTime(plan.startDate, plan.endDate, buffers.bufferBefore, buffers.bufferAfter);
  return unlessDone(async () => {
    const command = { type: 'MoveBooking', userId, meetingId, booking, time, conflicts } as const;
    const { events, position } = await follow(loop, calendars, command, ownFollowUpContext(event));
    const last = events.at(-1);
    const then = last ? (await followCalendar(loop, last, conflicts)).position : -1n;
    return then > position ? then : position;
  });
}

const release = (loop: CommandLoop, userId: string, event: DecidedOnCalendar | DecidedOnMeeting): Promise<bigint> =>
  unlessDone(async () => {
    const command = { type: 'ReleaseBooking', userId, meetingId: event.data.meetingId } as const;
    return (await follow(loop, calendars, command, ownFollowUpContext(event))).position;
  });

/** A follow-up that finds its work done, or overtaken by a later decision, has nothing to do. */
export async function unlessDone(work: () => Promise<bigint>): Promise<bigint> {
  try {
    return await work();
  } catch (error) {
    const done = error instanceof Refused && /^meeting[.](unknown|already_\w+)$/.test(error.code);
    if (!done) throw error;
    return -1n;
  }
}

/** Every event of the calendars and of the meetings once more, for those whose follow-up a crash cut off. */
export function meetingPolicies(conflicts: Conflicts): readonly Policy[] {
  return [
    {
      name: 'calendars',
      types: Object.keys(calendars.events),
      react: async (event, loop) => {
        await unlessDone(
          async () => (await followCalendar(loop, event as typeof event & DecidedOnCalendar, conflicts)).position,
        );
      },
    },
    {
      name: 'meetings',
      types: Object.keys(meetings.events),
      react: async (event, loop) => {
        await followMeeting(loop, event as typeof event & DecidedOnMeeting, conflicts);
      },
    },
  ];
}
