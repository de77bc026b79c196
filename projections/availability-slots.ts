import type { AvailabilityEvent } from '../src/availability/availability.js';
import { datesNamed, noRule, withOverride, type DayRule } from '../src/availability/rules.js';
import type { BookedTime, CalendarEvent } from '../src/meetings/calendar.events.js';
import { dateOf, dayIn, dayOf } from '../src/time/zones.js';
import { defineReadModel, type RecordedAs } from './engine/read-model.js';

/** Busy time of a meeting, its buffers included, in epoch milliseconds. */
export type BusyTime = { readonly meeting: string; readonly from: number; readonly until: number };

/** A local day of a person about which something is known beside the weekly pattern. */
export type AvailabilitySlotsRow = {
  readonly world: string;
  readonly user: string;
  /** `YYYY-MM-DD`. Of rules by their wall clock; of busy times in the zone that the person's calendar named then. */
  readonly date: string;
  /** The day's own rule, null without one. */
  readonly available: DayRule | null;
  /** Whole, on each day that they touch. */
  readonly busy: readonly BusyTime[];
};

type Source = { readonly data: { readonly userId: string }; readonly metadata: { readonly world: string } };

const keyOf = ({ data: { userId }, metadata: { world } }: Source, date: string): string => `${world}/${userId}/${date}`;
const dateIn = (key: string): string => key.slice(-10);

function rowAt(row: AvailabilitySlotsRow | undefined, { data, metadata }: Source, key: string): AvailabilitySlotsRow {
  return row ?? { world: metadata.world, user: data.userId, date: dateIn(key), available: null, busy: [] };
}

/** The local dates that a busy time touches, also where the clock goes back over midnight meanwhile. */
function datesOf({ busyFrom, busyUntil, zone }: BookedTime): string[] {
  const [from, until] = [dayIn(zone, busyFrom), dayIn(zone, busyUntil - 1)];
  const first = Math.min(from, until);
  return Array.from({ length: Math.abs(until - from) + 1 }, (_none, index) => dateOf(first + index));
}

/** A change of something else touches no day. */
const isSame = (was: BookedTime, time: BookedTime): boolean =>
  was.busyFrom === time.busyFrom && was.busyUntil === time.busyUntil && was.zone === time.zone;

type Booked = RecordedAs<CalendarEvent>;

/** When the event takes time, and when it frees time. */
function timesOf({ data }: Booked): { readonly was?: BookedTime; readonly time?: BookedTime } {
  return data;
}

/** Takes and frees what the event says, whichever of the two it does. */
const booking = {
  keys: (event: Booked): string[] => {
    const { was, time } = timesOf(event);
    if (was && time && isSame(was, time)) return [];
    const dates = [...(was ? datesOf(was) : []), ...(time ? datesOf(time) : [])];
    return [...new Set(dates)].map((date) => keyOf(event, date));
  },
  apply: (row: AvailabilitySlotsRow | undefined, event: Booked, key: string): AvailabilitySlotsRow => {
    const before = rowAt(row, event, key);
    const { meetingId: meeting } = event.data;
    const busy = before.busy.filter((other) => other.meeting !== meeting);
    const { time } = timesOf(event);
    if (time && datesOf(time).includes(before.date)) busy.push({ meeting, from: time.busyFrom, until: time.busyUntil });
    return { ...before, busy };
  },
};

export const availabilitySlots = defineReadModel<AvailabilitySlotsRow, AvailabilityEvent | CalendarEvent>({
  name: 'availability_slots',
  version: 1,
  indexes: [{ world: 1, user: 1, date: 1 }],
  on: {
    AvailabilityOverrideSet: {
      keys: (event) => {
        const day = dayOf(event.data.date);
        return Array.from({ length: datesNamed(event.data) }, (_none, ahead) => keyOf(event, dateOf(day + ahead)));
      },
      apply: (row, event, key) => {
        const before = rowAt(row, event, key);
        const ahead = before.date === event.data.date ? 0 : 1;
        return { ...before, available: withOverride(before.available ?? noRule, event.data, ahead) };
      },
    },
    MeetingBooked: booking,
    BookingChanged: booking,
    BookingCancelled: booking,
    InvitationAccepted: booking,
    InvitationDeclined: booking,
    BookingMoved: booking,
    BookingReleased: booking,
  },
});
