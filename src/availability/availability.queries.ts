import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { readerOf } from '../eventsourcing/execution.js';
import { type Timestamp, IsLocalDate } from '../time/timestamps.js';
import { monthOf, oneDay, weekOf } from '../time/zones.js';
import { OwnAvailability, type Pattern, type View } from './own-availability.js';

/** `meeting:getUserAvailabilityPattern {localDate}` */
export class GetUserAvailabilityPattern {
  readonly type = 'GetUserAvailabilityPattern' as const;
  @IsLocalDate() localDate!: Timestamp;
}

/** `meeting:getUserAvailabilityForDay {localDate}` */
export class GetUserAvailabilityForDay {
  readonly type = 'GetUserAvailabilityForDay' as const;
  @IsLocalDate() localDate!: Timestamp;
}

/** `meeting:getUserAvailabilityForWeek {localDate}` */
export class GetUserAvailabilityForWeek {
  readonly type = 'GetUserAvailabilityForWeek' as const;
  @IsLocalDate() localDate!: Timestamp;
}

/** `meeting:getUserAvailabilityForMonth {localDate}` */
export class GetUserAvailabilityForMonth {
  readonly type = 'GetUserAvailabilityForMonth' as const;
  @IsLocalDate() localDate!: Timestamp;
}

@QueryHandler(GetUserAvailabilityPattern)
export class GetUserAvailabilityPatternHandler implements IQueryHandler<GetUserAvailabilityPattern> {
  constructor(private readonly own: OwnAvailability) {}

  async execute(query: GetUserAvailabilityPattern): Promise<{ pattern: Pattern }> {
    return { pattern: await this.own.pattern(readerOf(query), query.localDate) };
  }
}

@QueryHandler(GetUserAvailabilityForDay)
export class GetUserAvailabilityForDayHandler implements IQueryHandler<GetUserAvailabilityForDay> {
  constructor(private readonly own: OwnAvailability) {}

  async execute(query: GetUserAvailabilityForDay): Promise<{ availability: View }> {
    return { availability: await this.own.view(readerOf(query), query.localDate, oneDay) };
  }
}

@QueryHandler(GetUserAvailabilityForWeek)
export class GetUserAvailabilityForWeekHandler implements IQueryHandler<GetUserAvailabilityForWeek> {
  constructor(private readonly own: OwnAvailability) {}

  async execute(query: GetUserAvailabilityForWeek): Promise<{ availability: View }> {
    return { availability: await this.own.view(readerOf(query), query.localDate, weekOf) };
  }
}

@QueryHandler(GetUserAvailabilityForMonth)
export class GetUserAvailabilityForMonthHandler implements IQueryHandler<GetUserAvailabilityForMonth> {
  constructor(private readonly own: OwnAvailability) {}

  async execute(query: GetUserAvailabilityForMonth): Promise<{ availability: View }> {
    return { availability: await this.own.view(readerOf(query), query.localDate, monthOf) };
  }
}

export const availabilityQueries = [
  GetUserAvailabilityPatternHandler,
  GetUserAvailabilityForDayHandler,
  GetUserAvailabilityForWeekHandler,
  GetUserAvailabilityForMonthHandler,
];
