import type { Range } from '../time/intervals.js';
import { dayIn, dayOf, startOfDay, type Zone } from '../time/zones.js';
import { localDateOf, type Timestamp } from '../time/timestamps.js';

export interface DayCount {
  readonly count: number;
  readonly startDate: Date;
  readonly endDate: Date;
}

/** `size` local days of a zone, the first of them `offset` days after the one that `localDate` names; without a zone in its own offset. */
export function localDays(localDate: Timestamp, zoneinfo: Zone | undefined, offset: number, size: number): Range[] {
  const { date, offset: ownOffset, instant } = localDateOf(localDate);
  const zone = zoneinfo ?? ownOffset ?? 'UTC';
  const first = (date === undefined ? dayIn(zone, instant) : dayOf(date)) + offset;
  return Array.from({ length: size }, (_none, index) => ({
    from: startOfDay(zone, first + index),
    until: startOfDay(zone, first + index + 1),
  }));
}

/** How many of the meetings touch each day. A day the zone's clock leaves out is there, with none. */
export function countsOf(
  days: readonly Range[],
  meetings: readonly { readonly start: number; readonly end: number }[],
): DayCount[] {
  return days.map(({ from, until }) => ({
    count: from < until ? meetings.filter(({ start, end }) => start < until && end > from).length : 0,
    startDate: new Date(from),
    endDate: new Date(until),
  }));
}
