import { clip, intersect, merge, subtract, type Flat } from '../time/intervals.js';

/** Wall-clock minutes from the local midnight of the day an interval starts on: 0 ≤ start < 1440, start < end ≤ start + 1440. */
export type Minutes = readonly (readonly [start: number, end: number])[];

export type AvailabilityStatus = 'Available' | 'NotAvailable';

/** A change of one or more days' rules. */
export interface Change {
  readonly status: AvailabilityStatus;
  readonly intervals: Minutes;
}

/** What holds every week. A day's intervals start on it and may run into the next. */
export type Weekly = {
  /** Whether there was an `Available` pattern: until then a person is available all day. */
  readonly chosen: boolean;
  /** By weekday, Sunday first. */
  readonly days: readonly Flat[];
};

/** What holds on one local date only. */
export type DayRule = {
  /** The intervals that start on this date; null: those of its weekday. */
  readonly set: Flat | null;
  /** Taken out of the date's own minutes, 0 to 1440, whatever day an interval started on. */
  readonly cut: Flat;
};

export const dayMinutes = 1_440;
export const wholeDay: Minutes = [[0, dayMinutes]];
export const alwaysAvailable: Weekly = {
  chosen: false,
  days: Array.from({ length: 7 }, () => wholeDay.flat()),
};
export const noRule: DayRule = { set: null, cut: [] };

const moved = (intervals: Flat, by: number): Flat => intervals.map((minute) => minute + by);

/** Whether the bitmask names the weekday: bit 0 is Sunday. */
export const names = (weekdays: number, weekday: number): boolean => (weekdays & (1 << weekday)) !== 0;

/** The weekly rules after a pattern. What is taken away goes whatever day its interval started on. */
export function withPattern({ chosen, days }: Weekly, weekdays: number, { status, intervals }: Change): Weekly {
  const named = merge(intervals.flat());
  if (status === 'Available') {
    return {
      chosen: true,
      days: days.map((before, weekday) => (names(weekdays, weekday) ? named : chosen ? before : [])),
    };
  }
  // A weekday's list holds its own minutes and those of the next day it runs into: both days' cuts concern it, and the
  // one of the day before where that runs past midnight.
  const cuts = [
    { of: 0, cut: named },
    { of: 1, cut: moved(named, dayMinutes) },
    { of: 6, cut: intersect(moved(named, -dayMinutes), [0, 2 * dayMinutes]) },
  ];
  return {
    chosen,
    days: days.map((before, weekday) =>
      cuts.reduce((left, { of, cut }) => (names(weekdays, (weekday + of) % 7) ? subtract(left, cut) : left), before),
    ),
  };
}

/** How many dates an override concerns: two where it takes away minutes past midnight. */
export function datesNamed({ status, intervals }: Change): 1 | 2 {
  return status === 'NotAvailable' && intervals.some(([, end]) => end > dayMinutes) ? 2 : 1;
}

/** A date's rule after an override of that date (`ahead` 0) or of the date before (`ahead` 1). */
export function withOverride({ set, cut }: DayRule, { status, intervals }: Change, ahead: 0 | 1): DayRule {
  const named = merge(intervals.flat());
  if (status === 'Available') return { set: named, cut: [] };
  const own = clip(moved(named, -ahead * dayMinutes), { from: 0, until: dayMinutes });
  return { set, cut: merge([...cut, ...own]) };
}
