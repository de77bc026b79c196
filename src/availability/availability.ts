import { assertNever, type Decider } from '../eventsourcing/decider.js';
import { Refused } from '../eventsourcing/refused.js';
import { instant, localDateOf } from '../time/timestamps.js';
import { dateOf, dayIn, dayMs, dayOf, localOf, minuteMs, type Day, type Zone } from '../time/zones.js';
import type { SetUserAvailability, TimeSpan } from './availability.commands.js';
import {
  alwaysAvailable,
  dayMinutes,
  wholeDay,
  withPattern,
  type AvailabilityStatus,
  type Minutes,
  type Weekly,
} from './rules.js';

type RuleSet = {
  readonly userId: string;
  /** In which the wall clock was read. */
  readonly zone: Zone;
  readonly status: AvailabilityStatus;
  readonly intervals: Minutes;
};

/** Rules as rules: what instants they mean depends on the day, on other rules and on the person's zone. */
export type AvailabilityEvent =
  | {
      type: 'AvailabilityPatternSet';
      data: RuleSet & {
        /** Bit 0 is Sunday. */
        readonly weekdays: number;
      };
    }
  | {
      type: 'AvailabilityOverrideSet';
      data: RuleSet & {
        /** `YYYY-MM-DD` */
        readonly date: string;
      };
    };

/** What the client sent, and the caller's zone. */
export type SetRule = SetUserAvailability & { readonly zoneinfo?: Zone };

export type PersonsRules = {
  /** The zone of the last rule. */
  readonly zone?: Zone;
  readonly weekly: Weekly;
};

/** When a person wants to be met. Source: wire contract, section 5. */
export const availability: Decider<PersonsRules, SetRule, AvailabilityEvent> = {
  category: 'availability',
  events: { AvailabilityPatternSet: { schema: 1 }, AvailabilityOverrideSet: { schema: 1 } },
  initial: { weekly: alwaysAvailable },
  streamOf: (_command, { world, actorId }) => `${world}/${actorId}`,
  evolve: ({ weekly }, event) => {
    switch (event.type) {
      case 'AvailabilityPatternSet': {
        const { zone, weekdays } = event.data;
        return { zone, weekly: withPattern(weekly, weekdays, event.data) };
      }
      case 'AvailabilityOverrideSet':
        return { zone: event.data.zone, weekly };
      default:
        return assertNever(event);
    }
  },
  decide: ({ availability: { status, dates = [], repetition }, localDate, zoneinfo }, state, { actorId: userId }) => {
    const named = localDateOf(localDate);
    const zone = zoneinfo ?? named.offset ?? state.zone ?? 'UTC';
    const day = named.date === undefined ? dayIn(zone, named.instant) : dayOf(named.date);
    const only = repetition === undefined ? day : undefined;
    const intervals = dates.length === 0 ? wholeDay : dates.map((span, index) => minutesOf(span, index, zone, only));
    const set = { userId, zone, status, intervals };
    return repetition === undefined
      ? [{ type: 'AvailabilityOverrideSet', data: { ...set, date: dateOf(day) } }]
      : [{ type: 'AvailabilityPatternSet', data: { ...set, weekdays: repetition } }];
  },
};

/** What the wall clock shows at the start and, coming from before it, at the end: 24:00 where the next day begins. */
function minutesOf({ startDate, endDate }: TimeSpan, index: number, zone: Zone, only?: Day): readonly [number, number] {
  const start = localOf(zone, instant(startDate));
  const day = Math.floor(start / dayMs);
  if (only !== undefined && day !== only)
    throw invalid(`availability.dates[${index}].startDate`, 'on the day of localDate');
  const minute = (local: number) => Math.floor((local - day * dayMs) / minuteMs);
  const [from, until] = [minute(start), minute(localOf(zone, instant(endDate) - 1) + 1)];
  if (until <= from || until > from + dayMinutes)
    throw invalid(`availability.dates[${index}].endDate`, 'after startDate by the wall clock, by up to 24 hours');
  return [from, until];
}

function invalid(field: string, accepts: string): Refused {
  const message = `${field} must be ${accepts}`;
  return new Refused('protocol.invalid', message, [{ field, message }]);
}
