import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { readerOf, type Reader } from '../eventsourcing/execution.js';
import { isObject, Must, NestedList, Optional, Text } from '../eventsourcing/validation.js';
import type { Range } from '../time/intervals.js';
import { instant, instantOf, IsAfter, IsTimestamp, type Timestamp, IsLocalDate } from '../time/timestamps.js';
import { dayMs, daysIn, monthOf, oneDay, type Day } from '../time/zones.js';
import type { Gap } from './gaps.js';
import { SlotSearch, type UserRef } from './slot-search.js';
import type { SlotOptions, TimeSlot } from './slots.js';

const mostUsers = 1_000;
const mostExplained = 100;
const longestDays = 62;
const dayMinutes = 1_440;

const IsMinutes = (min: number, max: number): PropertyDecorator =>
  Must(
    `whole minutes from ${min} to ${max}`,
    (value) => Number.isInteger(value) && Number(value) >= min && Number(value) <= max,
  );

/** What a request may ask for beside the seed's fields. */
class Options implements SlotOptions {
  @Optional() @IsMinutes(0, dayMinutes) bufferBefore?: number;
  @Optional() @IsMinutes(0, dayMinutes) bufferAfter?: number;
  @Optional() @IsMinutes(0, 365 * dayMinutes) minimumNotice?: number;
  @Optional() @IsMinutes(1, dayMinutes) slotLength?: number;
  @Optional()
  @IsMinutes(1, dayMinutes)
  @Must('given together with slotLength', (_value, options) => Reflect.get(options, 'slotLength') !== undefined)
  slotStep?: number;
}

/** `{"roomful": "<user id>"}` or `{"email": "…"}` */
class RequestedUser implements UserRef {
  @Optional() @Text(300, 0) roomful?: string;
  @Optional() @Text(320, 0) email?: string;
}

const NamesUsers = (): PropertyDecorator =>
  Must(
    'a list of users, each with roomful or email',
    (value) => Array.isArray(value) && value.every((user) => isObject(user) && Boolean(user.roomful || user.email)),
  );

/** `meeting:getTimeSlotsForMeeting {users, localDate}` */
export class GetTimeSlotsForMeeting extends Options {
  readonly type = 'GetTimeSlotsForMeeting' as const;
  @NestedList(RequestedUser, mostUsers) @NamesUsers() users!: readonly RequestedUser[];
  @IsLocalDate() localDate!: Timestamp;
}

/** `meeting:getMeetingTimeSlotsForMonth {users, localDate}` */
export class GetMeetingTimeSlotsForMonth extends Options {
  readonly type = 'GetMeetingTimeSlotsForMonth' as const;
  @NestedList(RequestedUser, mostUsers) @NamesUsers() users!: readonly RequestedUser[];
  @IsLocalDate() localDate!: Timestamp;
}

/** `GET /slots` */
export class ExplainSlots extends Options {
  readonly type = 'ExplainSlots' as const;
  @NestedList(RequestedUser, mostExplained) @NamesUsers() users!: readonly RequestedUser[];
  @IsTimestamp() startDate!: Timestamp;
  @IsTimestamp()
  @IsAfter('startDate')
  @Must(`at most ${longestDays} days after startDate`, (value, { startDate }: { startDate?: unknown }) => {
    const [start, end] = [instantOf(startDate), instantOf(value)];
    return start === undefined || end === undefined || end - start <= longestDays * dayMs;
  })
  endDate!: Timestamp;
}

type Found = { readonly availableTimeSlots: readonly TimeSlot[] };

async function slotsAround(
  search: SlotSearch,
  caller: Reader,
  { users, localDate, ...options }: GetTimeSlotsForMeeting | GetMeetingTimeSlotsForMonth,
  around: (day: Day) => Range,
): Promise<Found> {
  const { zone, day } = await search.dayNamed(caller, localDate);
  return { availableTimeSlots: await search.find(caller, { users, range: daysIn(zone, around(day)), zone, options }) };
}

@QueryHandler(GetTimeSlotsForMeeting)
export class GetTimeSlotsForMeetingHandler implements IQueryHandler<GetTimeSlotsForMeeting> {
  constructor(private readonly search: SlotSearch) {}

  execute(query: GetTimeSlotsForMeeting): Promise<Found> {
    return slotsAround(this.search, readerOf(query), query, oneDay);
  }
}

@QueryHandler(GetMeetingTimeSlotsForMonth)
export class GetMeetingTimeSlotsForMonthHandler implements IQueryHandler<GetMeetingTimeSlotsForMonth> {
  constructor(private readonly search: SlotSearch) {}

  execute(query: GetMeetingTimeSlotsForMonth): Promise<Found> {
    return slotsAround(this.search, readerOf(query), query, monthOf);
  }
}

@QueryHandler(ExplainSlots)
export class ExplainSlotsHandler implements IQueryHandler<ExplainSlots> {
  constructor(private readonly search: SlotSearch) {}

  execute(query: ExplainSlots): Promise<{ readonly slots: readonly TimeSlot[]; readonly gaps: readonly Gap[] }> {
    const { users, startDate, endDate, ...options } = query;
    const caller = readerOf(query);
    const range = { from: instant(startDate), until: instant(endDate) };
    return this.search.explain(caller, { users, range, zone: caller.zoneinfo ?? 'UTC', options });
  }
}

export const slotsQueries = [GetTimeSlotsForMeetingHandler, GetMeetingTimeSlotsForMonthHandler, ExplainSlotsHandler];
