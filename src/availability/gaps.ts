import { Refused } from '../eventsourcing/refused.js';
import {
  at,
  clip,
  freeIntervals,
  intersect,
  merge,
  subtract,
  type Agenda,
  type Buffers,
  type Flat,
  type Range,
} from '../time/intervals.js';
import { dateOf, dayIn, dayMs, instantsOf, weekdayOf } from '../time/zones.js';
import { availableIn, cutOn } from './available.js';
import { spansOf, type TimeSlot } from './slots.js';
import { agendaOf, type StoredPerson } from './stored-people.js';

/** Why nobody can be met at a time that is part of a gap. */
export type Reason = TimeSlot &
  (
    | { readonly kind: 'past' | 'notice' }
    /** A person's weekly rule of a weekday, 0 is Sunday, or the override of a date. */
    | { readonly user: string; readonly kind: 'pattern'; readonly weekday: number }
    | { readonly user: string; readonly kind: 'override'; readonly date: string }
    /** Busy time of a meeting, or the buffer that was asked for beside it; its id only where the caller is in it. */
    | { readonly user: string; readonly kind: 'meeting' | 'buffer'; readonly meetingId?: string }
  );

export type Gap = TimeSlot & { readonly reasons: readonly Reason[] };

type Why<R extends Reason = Reason> = R extends Reason ? Omit<R, keyof TimeSlot> : never;
interface Cause {
  readonly why: Why;
  readonly intervals: Flat;
}

export interface GapSearch {
  readonly range: Range;
  /** The next whole minute: before it lies the past. */
  readonly now: number;
  /** When the notice after it ends. */
  readonly bookable: number;
  readonly buffers: Buffers;
  /** Whether the caller may know which meeting it is. */
  readonly isSeen: (meeting: string) => boolean;
}

const mostReasons = 10_000;

/**
 * When the people, each as the caller named them, can meet within the range, and what stands against it at all other times
 * of it. @throws Refused protocol.invalid where that is too much to tell
 */
export function explained(
  people: Iterable<readonly [user: string, person: StoredPerson]>,
  { range, now, bookable, buffers, isSeen }: GapSearch,
): { readonly free: Flat; readonly gaps: readonly Gap[] } {
  const causes: Cause[] = [
    { why: { kind: 'past' }, intervals: clip([range.from, range.until], { from: -Infinity, until: now }) },
    { why: { kind: 'notice' }, intervals: clip([range.from, range.until], { from: now, until: bookable }) },
  ];
  const agendas: Agenda[] = [];
  let reasons = 0;
  for (const [user, person] of people) {
    const own = [...rulesAgainst(user, person, range), ...meetingsAgainst(user, person, range, buffers, isSeen)];
    // Found out person by person: the answer may be far too large to be put together first.
    for (const { intervals } of own) reasons += intervals.length / 2;
    if (reasons > mostReasons) throw tooMany();
    causes.push(...own);
    agendas.push(agendaOf(person, range));
  }
  const free = freeIntervals(agendas, { from: Math.max(range.from, bookable), until: range.until }, buffers);
  return { free, gaps: gapsOf(subtract([range.from, range.until], free), causes) };
}

function tooMany(): Refused {
  const message = `endDate must be earlier: this range has more than ${mostReasons} reasons`;
  return new Refused('protocol.invalid', message, [{ field: 'endDate', message }]);
}

function gapsOf(gaps: Flat, causes: readonly Cause[]): Gap[] {
  const found = spansOf(gaps).map((span) => ({ ...span, reasons: [] as Reason[] }));
  for (const { why, intervals } of causes) {
    // Nothing of a cause is free, so all of it lies in one gap.
    for (const span of spansOf(intervals)) {
      const gap = found[lastFrom(gaps, span.startDate.getTime())];
      gap?.reasons.push({ ...why, ...span });
    }
  }
  return found;
}

/** Which of the intervals is the last to begin at the moment or before. */
function lastFrom(intervals: Flat, moment: number): number {
  let [low, high] = [0, intervals.length / 2];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (at(intervals, 2 * middle) <= moment) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Each day's rule against the time of the day that is not available. */
function rulesAgainst(user: string, person: StoredPerson, range: Range): Cause[] {
  const causes: Cause[] = [];
  const missing = subtract([range.from, range.until], availableIn(person, range));
  const { zone, days } = person;
  const add = (why: Why, intervals: Flat): void => {
    if (intervals.length > 0) causes.push({ why, intervals });
  };
  const last = dayIn(zone, range.until) + 1;
  for (let day = dayIn(zone, range.from) - 1; day <= last; day++) {
    const ofDay = intersect(missing, instantsOf(zone, [day * dayMs, (day + 1) * dayMs]));
    if (ofDay.length === 0) continue;
    const cut = intersect(ofDay, cutOn(person, day));
    const rest = subtract(ofDay, cut);
    const override: Why = { user, kind: 'override', date: dateOf(day) };
    if (days.get(day)?.set) add(override, ofDay);
    else {
      add(override, cut);
      add({ user, kind: 'pattern', weekday: weekdayOf(day) }, rest);
    }
  }
  return causes;
}

function meetingsAgainst(
  user: string,
  { busy }: StoredPerson,
  range: Range,
  { before, after }: Buffers,
  isSeen: (meeting: string) => boolean,
): Cause[] {
  const causes: Cause[] = [];
  for (const [meeting, { from, until }] of new Map(busy.map((time) => [time.meeting, time]))) {
    const which = { user, ...(isSeen(meeting) && { meetingId: meeting }) };
    const taken = clip([from, until], range);
    if (taken.length > 0) causes.push({ why: { ...which, kind: 'meeting' }, intervals: taken });
    const around = clip(merge([from - after, from, until, until + before]), range);
    if (around.length > 0) causes.push({ why: { ...which, kind: 'buffer' }, intervals: around });
  }
  return causes;
}
