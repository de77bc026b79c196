import { Temporal } from 'temporal-polyfill';
import { Lru } from '../eventsourcing/lru.js';
import { at, merge, type Flat, type Range } from './intervals.js';

/** An IANA zone, or a fixed offset such as `+02:00`. */
export type Zone = string;

/**
 * Days are whole numbers: 0 is 1 January 1970. A local time is what the wall clock shows, in milliseconds as if it were
 * UTC, so local midnight of a day is `day * dayMs`.
 */
export type Day = number;

export const minuteMs = 60_000;
export const dayMs = 86_400_000;

/** Instants [from, until) at which the wall clock is `offset` milliseconds ahead of UTC. */
export interface Segment extends Range {
  readonly offset: number;
}

/** No clock was ever as far from UTC as this. */
const farthest = dayMs;
/** By zone and year of UTC. */
const years = new Lru<string, readonly Segment[]>(4_096);

export const dayOf = (date: string): Day => Date.parse(`${date}T00:00:00Z`) / dayMs;

const lastDay = dayOf('9999-12-31');

/** `YYYY-MM-DD`; years have four digits, so what is later is the last of them. */
export const dateOf = (day: Day): string => new Date(Math.min(day, lastDay) * dayMs).toISOString().slice(0, 10);

/** 0 is Sunday. */
export const weekdayOf = (day: Day): number => (((day + 4) % 7) + 7) % 7;

/** The day alone. */
export const oneDay = (day: Day): Range => ({ from: day, until: day + 1 });

/** The days of a day's week, Sunday first. */
export function weekOf(day: Day): Range {
  const from = day - weekdayOf(day);
  return { from, until: from + 7 };
}

/** The days from the first of its month to before the first of the next. */
export function monthOf(day: Day): Range {
  const date = new Date(day * dayMs);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  return { from: Date.UTC(year, month) / dayMs, until: Date.UTC(year, month + 1) / dayMs };
}

/** What the wall clock shows. */
export function localOf(zone: Zone, instant: number): number {
  const segment = segmentsOf(zone, { from: instant, until: instant + 1 }).find(({ until }) => instant < until);
  return instant + (segment?.offset ?? 0);
}

export const dayIn = (zone: Zone, instant: number): Day => Math.floor(localOf(zone, instant) / dayMs);

/**
 * The first instant at which the wall clock shows midnight of the day or later. Days that run from one such instant to
 * the next tile the time line: they have 23 or 25 hours, begin at 01:00 or are empty where the zone's clock does that.
 */
export function startOfDay(zone: Zone, day: Day): number {
  const midnight = day * dayMs;
  for (const { from, until, offset } of segmentsOf(zone, around({ from: midnight, until: midnight }))) {
    const start = Math.max(from, midnight - offset);
    if (start < until) return start;
  }
  throw new RangeError(`no day ${day} in ${zone}`);
}

/** The instants of the days [from, until). */
export const daysIn = (zone: Zone, { from, until }: Range): Range => {
  return { from: startOfDay(zone, from), until: startOfDay(zone, until) };
};

/**
 * The instants at which the wall clock shows a time within the local intervals: nothing where the clock skips them, both
 * times where it shows them twice.
 */
export function instantsOf(zone: Zone, local: Flat): Flat {
  if (local.length === 0) return local;
  const instants: number[] = [];
  for (const { from, until, offset } of segmentsOf(
    zone,
    around({ from: at(local, 0), until: at(local, local.length - 1) }),
  )) {
    for (let index = 0; index < local.length; index += 2) {
      const start = Math.max(from, at(local, index) - offset);
      const end = Math.min(until, at(local, index + 1) - offset);
      if (start < end) instants.push(start, end);
    }
  }
  return merge(instants);
}

/** The segments of the range, cut to it. */
export function segmentsWithin(zone: Zone, range: Range): Segment[] {
  return segmentsOf(zone, range)
    .map(({ from, until, offset }) => ({
      from: Math.max(from, range.from),
      until: Math.min(until, range.until),
      offset,
    }))
    .filter(({ from, until }) => from < until);
}

/** Instants at which the clock may show a time in the local range. */
const around = ({ from, until }: Range): Range => ({ from: from - farthest, until: until + farthest });

/** The segments that hold all instants of the range, in order; each lies within one year of UTC. */
function segmentsOf(zone: Zone, { from, until }: Range): readonly Segment[] {
  const segments: Segment[] = [];
  const last = new Date(until).getUTCFullYear();
  for (let year = new Date(from).getUTCFullYear(); year <= last; year++) {
    const key = `${zone} ${year}`;
    let known = years.get(key);
    if (!known) years.set(key, (known = segmentsOfYear(zone, year)));
    segments.push(...known);
  }
  return segments;
}

function segmentsOfYear(zone: Zone, year: number): Segment[] {
  const until = Date.UTC(year + 1, 0);
  const segments: Segment[] = [];
  let now = Temporal.Instant.fromEpochMilliseconds(Date.UTC(year, 0)).toZonedDateTimeISO(zone);
  for (;;) {
    const next = now.getTimeZoneTransition('next');
    const end = next ? Math.min(next.epochMilliseconds, until) : until;
    segments.push({ from: now.epochMilliseconds, until: end, offset: now.offsetNanoseconds / 1e6 });
    if (!next || end === until) return segments;
    now = next;
  }
}
