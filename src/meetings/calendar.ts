import { assertNever, type Decider } from '../eventsourcing/decider.js';
import { Refused } from '../eventsourcing/refused.js';
import { isFree, merge } from '../time/intervals.js';
import type { BookedTime, CalendarEvent, MeetingDetails } from './calendar.events.js';

/** Whether two of a person's meetings may overlap (`MEETING_CONFLICTS`). */
export type Conflicts = 'reject' | 'allow';

interface OfMeeting {
  /** Whose calendar. */
  readonly userId: string;
  readonly meetingId: string;
}

export type CalendarCommand =
  | (OfMeeting & {
      readonly type: 'BookMeeting';
      readonly time: BookedTime;
      readonly details: MeetingDetails;
      readonly invitedUserIds: readonly string[];
      readonly conflicts: Conflicts;
    })
  | (OfMeeting & {
      readonly type: 'ChangeBooking';
      readonly patch: Partial<MeetingDetails>;
      readonly startDate?: number;
      readonly endDate?: number;
      readonly zone: string;
      readonly conflicts: Conflicts;
    })
  | (OfMeeting & { readonly type: 'CancelBooking' })
  | (OfMeeting & {
      readonly type: 'AcceptInvitation';
      readonly booking: string;
      readonly time: BookedTime;
      readonly conflicts: Conflicts;
    })
  | (OfMeeting & { readonly type: 'DeclineInvitation' })
  | (OfMeeting & {
      readonly type: 'MoveBooking';
      readonly booking: string;
      readonly time: Omit<BookedTime, 'zone'>;
      readonly conflicts: Conflicts;
    })
  | (OfMeeting & { readonly type: 'ReleaseBooking' });

/** A meeting that takes the person's time. */
export interface Booking {
  readonly meetingId: string;
  readonly organized: boolean;
  readonly time: BookedTime;
  /** Revision of the organizer's calendar that set the time; of one's own meetings it is this calendar's. */
  readonly booking: string;
}

/** Small lists in small drawers, so that a change copies little: folds keep what they don't change. */
type Filed = Readonly<Record<string, Readonly<Record<string, readonly Booking[]>>>>;
type Place = readonly [drawer: string, list: string];

export interface Calendar {
  /** By the first characters of the meeting's id. */
  readonly byId: Filed;
  /** By each week, counted from the epoch, that the busy time touches. */
  readonly byWeek: Filed;
}

/**
 * One person's calendar: the only place where it is decided whether the person has time. Own meetings are booked, changed
 * and cancelled here, invitations accepted and declined; the meeting's own stream follows (meetings.policy.ts).
 * Source: wire contract, section 5.
 */
export const calendars: Decider<Calendar, CalendarCommand, CalendarEvent> = {
  category: 'calendar',
  events: {
    MeetingBooked: { schema: 1 },
    BookingChanged: { schema: 1 },
    BookingCancelled: { schema: 1 },
    InvitationAccepted: { schema: 1 },
    InvitationDeclined: { schema: 1 },
    BookingMoved: { schema: 1 },
    BookingReleased: { schema: 1 },
  },
  initial: { byId: {}, byWeek: {} },
  streamOf: ({ userId }, { world }) => calendarOf(world, userId),
  evolve: (state, event) => {
    const { meetingId } = event.data;
    switch (event.type) {
      case 'MeetingBooked':
        return filed(state, meetingId, { meetingId, organized: true, time: event.data.time, booking: '' });
      case 'BookingChanged':
        return filed(state, meetingId, { meetingId, organized: true, time: event.data.time, booking: '' });
      case 'InvitationAccepted':
      case 'BookingMoved': {
        const { time, booking } = event.data;
        return filed(state, meetingId, { meetingId, organized: false, time, booking });
      }
      case 'BookingCancelled':
      case 'InvitationDeclined':
      case 'BookingReleased':
        return filed(state, meetingId);
      default:
        return assertNever(event);
    }
  },
  decide: (command, state) => {
    const { userId, meetingId } = command;
    const own = bookingOf(state, meetingId);
    switch (command.type) {
      case 'BookMeeting': {
        const { time, details, invitedUserIds } = command;
        if (own) throw new Refused('meeting.already_booked');
        requireFree(state, command, time);
        return [{ type: 'MeetingBooked', data: { userId, meetingId, time, details, invitedUserIds } }];
      }
      case 'ChangeBooking': {
        if (!own?.organized) throw new Refused('meeting.unknown');
        const { patch, zone, startDate, endDate } = command;
        const moves = startDate !== undefined || endDate !== undefined;
        const time = moves ? moved(own.time, startDate, endDate, zone) : own.time;
        if (moves) requireFree(state, command, time);
        return [{ type: 'BookingChanged', data: { userId, meetingId, was: own.time, time, patch } }];
      }
      case 'CancelBooking':
        if (!own?.organized) throw new Refused('meeting.unknown');
        return [{ type: 'BookingCancelled', data: { userId, meetingId, was: own.time } }];
      case 'AcceptInvitation': {
        if (own?.organized) throw new Refused('meeting.own');
        // Moved meanwhile, and this calendar knows already.
        const newer = own && BigInt(own.booking) > BigInt(command.booking) ? own : command;
        const { time, booking } = newer;
        requireFree(state, command, time);
        return [
          { type: 'InvitationAccepted', data: { userId, meetingId, booking, time, ...(own && { was: own.time }) } },
        ];
      }
      case 'DeclineInvitation':
        if (own?.organized) throw new Refused('meeting.own');
        return [{ type: 'InvitationDeclined', data: { userId, meetingId, ...(own && { was: own.time }) } }];
      case 'MoveBooking': {
        const { booking, conflicts } = command;
        if (!own || own.organized || BigInt(own.booking) >= BigInt(booking)) throw new Refused('meeting.already_moved');
        const time = { ...command.time, zone: own.time.zone };
        const moves = conflicts === 'allow' || hasTime(state, time, meetingId);
        return moves
          ? [{ type: 'BookingMoved', data: { userId, meetingId, booking, was: own.time, time } }]
          : [{ type: 'BookingReleased', data: { userId, meetingId, booking, was: own.time, reason: 'conflict' } }];
      }
      case 'ReleaseBooking': {
        if (!own || own.organized) throw new Refused('meeting.already_released');
        const { time: was, booking } = own;
        return [{ type: 'BookingReleased', data: { userId, meetingId, booking, was, reason: 'deleted' } }];
      }
      default:
        return assertNever(command);
    }
  },
};

type BusyTime = Pick<BookedTime, 'busyFrom' | 'busyUntil'>;

/** Second part of the name of a person's stream. A world's name holds no slash. */
export const calendarOf = (world: string, userId: string): string => `${world}/${userId}`;

export function bookingOf({ byId }: Calendar, meetingId: string): Booking | undefined {
  return listAt(byId, placeOf(meetingId)).find((booking) => booking.meetingId === meetingId);
}

/** When a meeting takes time that begins and ends then, with buffers in minutes. */
export function bookedTime(
  startDate: number,
  endDate: number,
  before: number,
  after: number,
): Omit<BookedTime, 'zone'> {
  return { startDate, endDate, busyFrom: startDate - before * minute, busyUntil: endDate + after * minute };
}

const minute = 60_000;
const week = 7 * 24 * 60 * minute;
const placeOf = (meetingId: string): Place => [meetingId.slice(0, 1), meetingId.slice(0, 2)];
const listAt = (all: Filed, [drawer, list]: Place): readonly Booking[] => all[drawer]?.[list] ?? [];

/** Slots are offered by the same function, so that what is offered can be booked. */
function hasTime({ byWeek }: Calendar, { busyFrom, busyUntil }: BusyTime, except: string): boolean {
  const others = weeksOf({ busyFrom, busyUntil })
    .flatMap((place) => listAt(byWeek, place))
    .filter(({ meetingId }) => meetingId !== except);
  const busy = merge(others.flatMap(({ time }) => [time.busyFrom, time.busyUntil]));
  return isFree(busy, { from: busyFrom, until: busyUntil });
}

function requireFree(
  state: Calendar,
  { meetingId, conflicts }: { readonly meetingId: string; readonly conflicts: Conflicts },
  time: BookedTime,
): void {
  if (conflicts === 'reject' && !hasTime(state, time, meetingId)) throw new Refused('meeting.conflict');
}

/** @throws Refused protocol.invalid when the end would not lie after the start */
function moved(was: BookedTime, startDate = was.startDate, endDate = was.endDate, zone: string): BookedTime {
  const [before, after] = [was.startDate - was.busyFrom, was.busyUntil - was.endDate];
  requireLength(startDate, endDate);
  return { startDate, endDate, busyFrom: startDate - before, busyUntil: endDate + after, zone };
}

/** Nothing lasts longer: who looks for what overlaps a range looks back no further. */
export const longestMs = 366 * 24 * 60 * minute;

/** @throws Refused protocol.invalid */
export function requireLength(startDate: number, endDate: number): void {
  if (endDate > startDate && endDate - startDate <= longestMs) return;
  const message = 'endDate must be after startDate, by up to 366 days';
  throw new Refused('protocol.invalid', message, [{ field: 'endDate', message }]);
}

function weeksOf({ busyFrom, busyUntil }: BusyTime): Place[] {
  const first = Math.floor(busyFrom / week);
  const last = Math.floor((busyUntil - 1) / week);
  return Array.from({ length: last - first + 1 }, (_none, index) => [
    String(Math.floor((first + index) / 32)),
    String(first + index),
  ]);
}

/** The meeting's booking in place of the one it has, or none. */
function filed(state: Calendar, meetingId: string, booking?: Booking): Calendar {
  const before = bookingOf(state, meetingId);
  const without = (all: Filed, places: readonly Place[]): Filed =>
    places.reduce((filing, place) => put(filing, place, notOf(meetingId, listAt(filing, place))), all);
  const withIt = (all: Filed, places: readonly Place[]): Filed =>
    booking ? places.reduce((filing, place) => put(filing, place, [...listAt(filing, place), booking]), all) : all;
  const byId = without(state.byId, before ? [placeOf(meetingId)] : []);
  const byWeek = without(state.byWeek, before ? weeksOf(before.time) : []);
  return {
    byId: withIt(byId, [placeOf(meetingId)]),
    byWeek: withIt(byWeek, booking ? weeksOf(booking.time) : []),
  };
}

const put = (all: Filed, [drawer, name]: Place, list: readonly Booking[]): Filed => {
  return { ...all, [drawer]: { ...all[drawer], [name]: list } };
};
const notOf = (id: string, list: readonly Booking[]): Booking[] => list.filter(({ meetingId }) => meetingId !== id);
