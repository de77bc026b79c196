import fc from 'fast-check';
import { availabilityPatterns, type AvailabilityPatternRow } from '../../projections/availability-patterns.js';
import { availabilitySlots, type AvailabilitySlotsRow } from '../../projections/availability-slots.js';
import type { ReadModel } from '../../projections/engine/read-model.js';
import type { AvailabilityEvent } from '../../src/availability/availability.js';
import { peopleOf, type StoredPerson } from '../../src/availability/stored-people.js';
import type { DomainEvent, RecordedEvent } from '../../src/eventsourcing/events.js';
import type { BookedTime, CalendarEvent } from '../../src/meetings/calendar.events.js';
import { replay } from '../faults/oracle.js';
import { recorded } from '../spec/decider-spec.js';
import { minute, wallClock, type Wall } from './oracle.js';

const hour = 60 * minute;
const dayMinutes = 1_440;

/** Zones at times when something happens to their clocks; each is looked at for three days, a day before it and after. */
const moments: readonly (readonly [zone: string, at: string])[] = [
  ['UTC', '2026-02-28T00:00Z'],
  ['Europe/Paris', '2026-03-29T01:00Z'],
  ['Europe/Paris', '2026-10-25T01:00Z'],
  ['America/New_York', '2026-03-08T07:00Z'],
  ['America/New_York', '2026-11-01T06:00Z'],
  ['Asia/Kathmandu', '2026-05-05T18:15Z'],
  // Half an hour.
  ['Australia/Lord_Howe', '2026-04-04T15:00Z'],
  ['Australia/Lord_Howe', '2026-10-03T15:30Z'],
  // Days that begin at 01:00, and days that come to their midnight twice.
  ['America/Sao_Paulo', '2018-11-04T03:00Z'],
  ['America/Sao_Paulo', '2018-02-18T02:00Z'],
  ['Africa/Cairo', '2026-04-23T22:00Z'],
  ['Africa/Cairo', '2026-10-29T21:00Z'],
  ['Asia/Beirut', '2026-03-28T22:00Z'],
  // A day that never was.
  ['Pacific/Apia', '2011-12-30T10:00Z'],
  ['+05:30', '2026-01-01T00:00Z'],
  ['-09:30', '2026-12-31T12:00Z'],
];

export interface Window {
  readonly from: number;
  readonly minutes: number;
  /** What the clocks of these zones show meanwhile. */
  readonly walls: ReadonlyMap<string, Wall>;
  readonly zones: readonly string[];
}

/** Each with the zone it is about and a few others. Made once: asking Intl is slow. */
export const windows: readonly Window[] = moments.map(([zone, at]) => {
  const from = Math.floor(Date.parse(at) / hour) * hour - 36 * hour;
  const zones = [...new Set([zone, zone, 'Asia/Kathmandu', 'America/New_York'])];
  const minutes = 72 * 60;
  return { from, minutes, zones, walls: new Map(zones.map((one) => [one, wallClock(one, from, minutes)])) };
});

/** A person of one history. */
export interface Simulated {
  readonly user: string;
  readonly zone: string;
  readonly rules: readonly AvailabilityEvent[];
  readonly calendar: readonly CalendarEvent[];
  /** What the calendar comes to. */
  readonly busy: readonly BookedTime[];
}

export interface Case {
  readonly window: Window;
  readonly people: readonly Simulated[];
  readonly range: { readonly from: number; readonly until: number };
  readonly buffers: { readonly before: number; readonly after: number };
}

const aligned = fc.constantFrom(1, 1, 5, 15, 60);
const interval = fc
  .tuple(fc.nat(dayMinutes - 1), fc.integer({ min: 1, max: dayMinutes }), aligned)
  .map(([start, length, unit]): [number, number] => {
    const from = Math.floor(start / unit) * unit;
    return [from, from + Math.max(1, Math.min(dayMinutes, Math.ceil(length / unit) * unit))];
  });
const wholeDay: [number, number] = [0, dayMinutes];
const intervals = fc.oneof(
  fc.array(interval, { minLength: 1, maxLength: 3 }),
  fc.constant([wholeDay]),
  fc.constant<[number, number][]>([[1_320, 1_560]]),
);
const status = fc.constantFrom('Available' as const, 'Available' as const, 'NotAvailable' as const);

const rule = (user: string, zone: string, window: Window): fc.Arbitrary<AvailabilityEvent> => {
  const set = { userId: fc.constant(user), zone: fc.constant(zone), status, intervals };
  const date = fc
    .integer({ min: -1, max: 4 })
    .map((ahead) => new Date(window.from + ahead * 24 * hour).toISOString().slice(0, 10));
  return fc.oneof(
    fc.record({ ...set, weekdays: fc.integer({ min: 1, max: 127 }) }).map((data) => {
      return { type: 'AvailabilityPatternSet' as const, data };
    }),
    fc.record({ ...set, date }).map((data) => ({ type: 'AvailabilityOverrideSet' as const, data })),
  );
};

type Step = { readonly id: number; readonly kind: number; readonly start: number; readonly length: number } & {
  readonly before: number;
  readonly after: number;
};

const details = {
  sourceType: 'group',
  sourceIds: ['g'],
  subject: 's',
  description: '',
  color: { r: 0, g: 0, b: 0, a: 1 },
} as const;

/** What a calendar records when these things happen to its meetings; it is not asked whether there was time. */
function calendarOf(userId: string, zone: string, window: Window, steps: readonly Step[]) {
  const events: CalendarEvent[] = [];
  const busy = new Map<string, BookedTime>();
  for (const { id, kind, start, length, before, after } of steps) {
    const meetingId = `m-${id}`;
    const startDate = window.from + start * minute;
    const endDate = startDate + length * minute;
    const [busyFrom, busyUntil] = [startDate - before * minute, endDate + after * minute];
    const time = { startDate, endDate, busyFrom, busyUntil, zone };
    const was = busy.get(meetingId);
    const data = { userId, meetingId };
    if (!was && id % 2 === 0)
      events.push({ type: 'MeetingBooked', data: { ...data, time, details, invitedUserIds: [] } });
    else if (!was) events.push({ type: 'InvitationAccepted', data: { ...data, booking: '1', time } });
    else if (kind === 0) events.push({ type: 'BookingCancelled', data: { ...data, was } });
    else if (kind === 1) events.push({ type: 'InvitationDeclined', data: { ...data, was } });
    else if (kind === 2)
      events.push({ type: 'BookingReleased', data: { ...data, booking: '2', was, reason: 'conflict' } });
    else if (id % 2 === 0) events.push({ type: 'BookingChanged', data: { ...data, was, time, patch: {} } });
    else events.push({ type: 'BookingMoved', data: { ...data, booking: '2', was, time } });
    if (was && kind < 3) busy.delete(meetingId);
    else busy.set(meetingId, time);
  }
  return { events, busy: [...busy.values()] };
}

const step = (window: Window): fc.Arbitrary<Step> =>
  fc.record({
    id: fc.nat(3),
    kind: fc.nat(5),
    start: fc.integer({ min: -200, max: window.minutes }),
    length: fc.oneof(fc.integer({ min: 1, max: 240 }), fc.constantFrom(30, 60, 2_000)),
    before: fc.constantFrom(0, 0, 0, 10, 45),
    after: fc.constantFrom(0, 0, 0, 15, 60),
  });

const person = (user: string, window: Window): fc.Arbitrary<Simulated> =>
  fc.constantFrom(...window.zones).chain((zone) =>
    fc
      .record({
        rules: fc.array(rule(user, zone, window), { maxLength: 4 }),
        steps: fc.array(step(window), { maxLength: 5 }),
        filedIn: fc.constantFrom(...window.zones, 'UTC'),
      })
      .map(({ rules, steps, filedIn }) => {
        const { events, busy } = calendarOf(user, filedIn, window, steps);
        return { user, zone, rules, calendar: events, busy };
      }),
  );

export const cases: fc.Arbitrary<Case> = fc.constantFrom(...windows).chain((window) =>
  fc.record({
    window: fc.constant(window),
    people: fc.integer({ min: 1, max: 3 }).chain((n) => {
      return fc.tuple(...Array.from({ length: n }, (_none, index) => person(`p${index}`, window)));
    }),
    range: fc.tuple(fc.nat(window.minutes - 1), fc.integer({ min: 1, max: 1_800 })).map(([start, length]) => ({
      from: window.from + start * minute,
      until: window.from + Math.min(window.minutes, start + length) * minute,
    })),
    buffers: fc.record({
      before: fc.constantFrom(0, 0, 5, 30, 1_440).map((minutes) => minutes * minute),
      after: fc.constantFrom(0, 0, 10, 60, 1_440).map((minutes) => minutes * minute),
    }),
  }),
);

/** The events of all people as the log has them. */
export function logOf(people: readonly Simulated[]): RecordedEvent[] {
  const all = people.flatMap(({ user, rules, calendar }) => [
    ...rules.map((event) => [`availability-demo/${user}`, event] as const),
    ...calendar.map((event) => [`calendar-demo/${user}`, event] as const),
  ]);
  return all.map(([stream, event]: readonly [string, DomainEvent], index) =>
    recorded(event, { stream, position: BigInt(index + 1) }),
  );
}

const rowsOf = <Row extends object>(model: ReadModel<Row>, events: readonly RecordedEvent[]): Row[] =>
  // The rows are those of this model.
  [...replay(model, events).values()].flatMap(({ row }) => (row ? [row as Row] : []));

/** What a query finds of the people, once both read models have folded the events. */
export function storedPeople(people: readonly Simulated[]): ReadonlyMap<string, StoredPerson> {
  const events = logOf(people);
  return peopleOf(
    people.map(({ user }) => user),
    rowsOf<AvailabilityPatternRow>(availabilityPatterns, events),
    rowsOf<AvailabilitySlotsRow>(availabilitySlots, events),
    people.map(({ user, zone }) => ({ user, zone })),
  );
}
