import type { AvailabilityEvent } from '../../src/availability/availability.js';

/**
 * Who is free when, minute by minute: nothing here knows of intervals, segments of zones or the code under test. A rule is
 * a set of wall-clock minutes, a wall clock what Intl says.
 */

export const minute = 60_000;
const day = 1_440;

/** By minute from `from` on: what the wall clock shows, in minutes as if it were UTC. */
export interface Wall {
  readonly zone: string;
  readonly from: number;
  readonly shows: Int32Array;
}

export function wallClock(zone: string, from: number, minutes: number): Wall {
  if (/^[+-]/.test(zone)) {
    const [hours = 0, past = 0] = zone.slice(1).split(':').map(Number);
    const ahead = (hours * 60 + past) * (zone.startsWith('-') ? -1 : 1);
    return { zone, from, shows: Int32Array.from({ length: minutes }, (_none, index) => from / minute + index + ahead) };
  }
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  });
  const shows = Int32Array.from({ length: minutes }, (_none, index) => {
    const parts = Object.fromEntries(
      format.formatToParts(from + index * minute).map(({ type, value }) => [type, Number(value)]),
    );
    const { year = 0, month = 0, day: date = 0, hour = 0, minute: past = 0 } = parts;
    return Date.UTC(year, month - 1, date, hour, past) / minute;
  });
  return { zone, from, shows };
}

type Bits = Uint8Array;
const bits = (length: number, intervals: readonly (readonly [number, number])[]): Bits => {
  const set = new Uint8Array(length);
  for (const [start, end] of intervals) set.fill(1, start, end);
  return set;
};

/** A person's rules as sets of minutes, after these events. */
export class MinuteRules {
  readonly #weekly = Array.from({ length: 7 }, () => bits(2 * day, [[0, day]]));
  readonly #own = new Map<number, Bits>();
  readonly #cut = new Map<number, Bits>();
  #chosen = false;

  constructor(events: readonly AvailabilityEvent[]) {
    for (const event of events) {
      if (event.type === 'AvailabilityPatternSet') this.#pattern(event.data);
      else this.#override(event.data);
    }
  }

  #pattern({ status, weekdays, intervals }: Extract<AvailabilityEvent, { type: 'AvailabilityPatternSet' }>['data']) {
    if (status === 'Available' && !this.#chosen) {
      for (const list of this.#weekly) list.fill(0);
      this.#chosen = true;
    }
    for (let weekday = 0; weekday < 7; weekday++) {
      if (Math.floor(weekdays / 2 ** weekday) % 2 === 0) continue;
      if (status === 'Available') {
        this.#weekly[weekday] = bits(2 * day, intervals);
        continue;
      }
      for (const [start, end] of intervals) {
        for (let at = weekday * day + start; at < weekday * day + end; at++) this.#takeAway(at % (7 * day));
      }
    }
  }

  /** Whichever weekday's interval the minute of the week belongs to. */
  #takeAway(minuteOfWeek: number): void {
    for (const [weekday, list] of this.#weekly.entries()) {
      for (const at of [minuteOfWeek - weekday * day, minuteOfWeek - weekday * day + 7 * day]) {
        if (at >= 0 && at < 2 * day) list[at] = 0;
      }
    }
  }

  #override({ status, date, intervals }: Extract<AvailabilityEvent, { type: 'AvailabilityOverrideSet' }>['data']) {
    const on = Date.parse(`${date}T00:00Z`) / minute / day;
    if (status === 'Available') {
      this.#own.set(on, bits(2 * day, intervals));
      this.#cut.delete(on);
      return;
    }
    const away = bits(2 * day, intervals);
    for (const [ahead, half] of [away.subarray(0, day), away.subarray(day)].entries()) {
      const before = this.#cut.get(on + ahead) ?? new Uint8Array(day);
      this.#cut.set(
        on + ahead,
        before.map((one, index) => one | (half[index] ?? 0)),
      );
    }
  }

  #ownOn(on: number): Bits {
    // Day 0 was a Thursday.
    return this.#own.get(on) ?? this.#weekly[(((on + 4) % 7) + 7) % 7] ?? new Uint8Array(2 * day);
  }

  /** Whether the person is available while the wall clock shows this. */
  at(shown: number): boolean {
    const on = Math.floor(shown / day);
    const past = shown - on * day;
    if (this.#cut.get(on)?.[past]) return false;
    return this.#ownOn(on)[past] === 1 || this.#ownOn(on - 1)[past + day] === 1;
  }
}

export interface MinutePerson {
  readonly wall: Wall;
  readonly rules: MinuteRules;
  /** In epoch milliseconds, whole minutes. */
  readonly busy: readonly (readonly [number, number])[];
}

/** For each minute of the range whether all can meet then, so that nobody's busy time is nearer than the buffers. */
export function freeMinutes(
  people: readonly MinutePerson[],
  range: { readonly from: number; readonly until: number },
  buffers: { readonly before: number; readonly after: number },
): boolean[] {
  const free: boolean[] = [];
  for (let at = range.from; at < range.until; at += minute) {
    // As a meeting of this one minute, together with its buffers.
    const [from, until] = [at - buffers.before, at + minute + buffers.after];
    free.push(
      people.every(
        ({ wall, rules, busy }) =>
          rules.at(wall.shows[(at - wall.from) / minute] ?? Number.NaN) &&
          busy.every(([start, end]) => until <= start || from >= end),
      ),
    );
  }
  return free;
}
