import { Must, Nested, NestedList, Optional } from '../eventsourcing/validation.js';
import { instantOf, IsAfter, IsTimestamp, type Timestamp, IsLocalDate } from '../time/timestamps.js';
import { minuteMs } from '../time/zones.js';
import type { AvailabilityStatus } from './rules.js';

const statuses: readonly string[] = ['Available', 'NotAvailable'] satisfies AvailabilityStatus[];
const mostDates = 100;

const IsWholeMinute = (): PropertyDecorator =>
  Must('a whole minute', (value) => (instantOf(value) ?? 0) % minuteMs === 0);

export class TimeSpan {
  @IsTimestamp() @IsWholeMinute() startDate!: Timestamp;
  @IsTimestamp() @IsWholeMinute() @IsAfter('startDate') endDate!: Timestamp;
}

class Availability {
  @Must('Available or NotAvailable', (value) => typeof value === 'string' && statuses.includes(value))
  status!: AvailabilityStatus;

  /** None: the whole day. */
  @Optional() @NestedList(TimeSpan, mostDates) dates?: readonly TimeSpan[];

  /** Weekdays, bit 0 is Sunday; left out: the day of `localDate` only. */
  @Optional()
  @Must(
    'a whole number from 1 to 127',
    (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 127,
  )
  repetition?: number;
}

/** `meeting:setUserAvailability`. Source: seed 004. */
export class SetUserAvailability {
  readonly type = 'SetUserAvailability' as const;
  @Nested(Availability) availability!: Availability;
  @IsLocalDate() localDate!: Timestamp;
}
