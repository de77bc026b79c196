import { clip, merge, subtract, type Flat, type Range } from '../time/intervals.js';
import { dayIn, dayMs, instantsOf, minuteMs, weekdayOf, type Day, type Zone } from '../time/zones.js';
import { noRule, type DayRule, type Weekly } from './rules.js';

/** Everything that says when a person is available. */
export interface Rules {
  /** In which the rules' wall clock is read. */
  readonly zone: Zone;
  readonly weekly: Weekly;
  /** Of the days that have one. */
  readonly days: ReadonlyMap<Day, DayRule>;
}

/** The minutes of a day as local times. */
const localOn = (day: Day, minutes: Flat): number[] => minutes.map((minute) => day * dayMs + minute * minuteMs);

/** The intervals that start on the day, cuts aside, as instants. */
export function startingOn({ zone, weekly, days }: Rules, day: Day): Flat {
  return instantsOf(zone, localOn(day, ownMinutes(weekly, days.get(day), day)));
}

/** The instants that the day's own cuts take away. */
export function cutOn({ zone, days }: Rules, day: Day): Flat {
  return instantsOf(zone, localOn(day, (days.get(day) ?? noRule).cut));
}

/** When the person is available within the range of instants. */
export function availableIn({ zone, weekly, days }: Rules, range: Range): Flat {
  const own: number[] = [];
  const cut: number[] = [];
  // Clocks can go back over midnight, and an interval of the day before can run into the first.
  const last = dayIn(zone, range.until) + 1;
  for (let day = dayIn(zone, range.from) - 2; day <= last; day++) {
    const rule = days.get(day);
    own.push(...localOn(day, ownMinutes(weekly, rule, day)));
    if (rule) cut.push(...localOn(day, rule.cut));
  }
  return clip(instantsOf(zone, subtract(merge(own), merge(cut))), range);
}

function ownMinutes(weekly: Weekly, rule: DayRule | undefined, day: Day): Flat {
  return rule?.set ?? weekly.days[weekdayOf(day)] ?? [];
}
