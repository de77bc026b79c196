import type { Reader } from '../eventsourcing/execution.js';
import type { Flat, Range } from '../time/intervals.js';
import { localDateOf, type Timestamp } from '../time/timestamps.js';
import { dayIn, dayMs, dayOf, daysIn, weekOf, type Day, type Zone } from '../time/zones.js';
import { availableIn, startingOn, type Rules } from './available.js';
import type { AvailabilityStatus } from './rules.js';
import { spansOf, type TimeSlot } from './slots.js';
import type { StoredPeople } from './stored-people.js';

/** Source: seed 004. */
export interface View {
  readonly status: AvailabilityStatus;
  readonly dates: readonly TimeSlot[];
}

export interface Pattern {
  /** By weekday, Sunday first. */
  readonly availabilities: readonly View[];
}

/** The day a request names, and the zone it is a day of. */
export interface NamedDay {
  readonly zone: Zone;
  readonly day: Day;
}

/** A month's days, and their neighbours', lie this near to each of its instants. */
const nearMs = 35 * dayMs;

/** The caller's own rules; meetings are not looked at. Source: wire contract, section 5. */
export class OwnAvailability {
  constructor(private readonly stored: Pick<StoredPeople, 'read'>) {}

  /** What holds every week, in the days of the week that is named. @throws Refused server.unavailable */
  async pattern(caller: Reader, localDate: Timestamp): Promise<Pattern> {
    const { rules, day } = await this.read(caller, localDate);
    const weekly = { ...rules, days: new Map() };
    const { from } = weekOf(day);
    return { availabilities: Array.from({ length: 7 }, (_none, weekday) => view(startingOn(weekly, from + weekday))) };
  }

  /** What holds on the days around the one that is named. @throws Refused server.unavailable */
  async view(caller: Reader, localDate: Timestamp, around: (day: Day) => Range): Promise<View> {
    const { rules, zone, day } = await this.read(caller, localDate);
    const range = daysIn(zone, around(day));
    return view(availableIn(rules, range), range);
  }

  private async read(caller: Reader, localDate: Timestamp): Promise<NamedDay & { readonly rules: Rules }> {
    const { world, userId } = caller;
    const { instant } = localDateOf(localDate);
    const near = { from: instant - nearMs, until: instant + nearMs };
    const person = (await this.stored.read(world, [userId], near, caller)).get(userId);
    if (!person) throw new Error('a person was read, and is not there');
    const named = dayNamed(caller, localDate, person.zone);
    return { ...named, rules: { ...person, zone: named.zone } };
  }
}

/** By the caller's zoneinfo, else the offset of the date, else the zone the caller used last. */
export function dayNamed({ zoneinfo }: Reader, localDate: Timestamp, last: Zone): NamedDay {
  const { date, offset, instant } = localDateOf(localDate);
  const zone = zoneinfo ?? offset ?? last;
  return { zone, day: date === undefined ? dayIn(zone, instant) : dayOf(date) };
}

/** `within`: where nothing is left of it, it is told whole. */
function view(available: Flat, within?: Range): View {
  if (available.length > 0) return { status: 'Available', dates: spansOf(available) };
  const whole = within && within.from < within.until ? [within.from, within.until] : [];
  return { status: 'NotAvailable', dates: spansOf(whole) };
}
