import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { sourceKey } from '../../projections/user-meetings.js';
import { readerOf, type Reader } from '../eventsourcing/execution.js';
import { IsRoomId, Must, Optional, Text } from '../eventsourcing/validation.js';
import { instant, IsAfter, IsTimestamp, type Timestamp, IsLocalDate } from '../time/timestamps.js';
import { countsOf, localDays, type DayCount } from './meeting-counts.js';
import { IsSourceIds, IsSourceType, listedSourceTypes, type SourceType } from './meeting-fields.js';
import { MeetingRows, type RowFilter } from './meeting-rows.queries.js';
import { meetingView, type MeetingView, type OldMeetingView, type UserMeetingView } from './meeting-views.js';
import { IsMeetingId } from './meetings.commands.js';
import { OldMeetings } from './old-meetings.js';

/** `meeting:getMeeting` */
export class GetMeeting {
  readonly type = 'GetMeeting' as const;
  @IsMeetingId() meetingId!: string;
}

/** `meeting:get` of old */
export class GetOldMeeting {
  readonly type = 'GetOldMeeting' as const;
  @IsMeetingId() meetingId!: string;
}

/** `meeting:listUserMeetings`: the caller's own, whatever the caller answered. */
export class ListUserMeetings {
  readonly type = 'ListUserMeetings' as const;
  @IsTimestamp() startDate!: Timestamp;
  @IsTimestamp() @IsAfter('startDate') endDate!: Timestamp;
  @Optional() @IsSourceType(listedSourceTypes) sourceType?: SourceType | 'network';
  @Optional()
  @Must('given together with sourceType', (_ids, query) => Reflect.get(query, 'sourceType') !== undefined)
  @IsSourceIds()
  sourceIds?: readonly string[];
}

/** `meeting:listUserMeetingsInDateRange` of old */
export class ListOldMeetings {
  readonly type = 'ListOldMeetings' as const;
  @IsTimestamp() startDate!: Timestamp;
  @IsTimestamp() @IsAfter('startDate') endDate!: Timestamp;
}

const IsNumberOfDays = (min: number, max: number): PropertyDecorator =>
  Must(
    `a whole number from ${min} to ${max}`,
    (value) => Number.isInteger(value) && Number(value) >= min && Number(value) <= max,
  );

/** `meeting:listUserMeetingCounts` */
export class ListUserMeetingCounts {
  readonly type = 'ListUserMeetingCounts' as const;
  @IsLocalDate() localDateNow!: Timestamp;
  /** Ten years either way. */
  @IsNumberOfDays(-3_660, 3_660) offset!: number;
  @IsNumberOfDays(0, 1_000) size!: number;
}

/** `meeting:checkPropHasMeetingsOrSocialSessions` of old */
export class CheckPropHasMeetings {
  readonly type = 'CheckPropHasMeetings' as const;
  @IsRoomId() roomId!: string;
  @Text(300) propId!: string;
}

const rangeOf = ({ startDate, endDate }: { readonly startDate: Timestamp; readonly endDate: Timestamp }) => {
  return { from: instant(startDate), until: instant(endDate) };
};

/** What the rows of a source's meetings have; undefined where there can be none. */
function inSource({ sourceType, sourceIds }: ListUserMeetings, { world, userId }: Reader): RowFilter | undefined {
  if (sourceType === undefined) return {};
  if (sourceType === 'network') return sourceIds === undefined || sourceIds[0] === world ? {} : undefined;
  if (sourceIds === undefined) return { source_type: sourceType };
  const source_key = sourceKey(sourceType, sourceIds);
  // A meeting of two is named by the one who did not plan it; it is asked for by either.
  return sourceType === 'direct'
    ? { $or: [{ source_key }, { organizer: String(sourceIds[0]), source_key: sourceKey(sourceType, [userId]) }] }
    : { source_key };
}

@QueryHandler(GetMeeting)
export class GetMeetingHandler implements IQueryHandler<GetMeeting> {
  constructor(private readonly rows: MeetingRows) {}

  async execute(query: GetMeeting): Promise<{ meeting: MeetingView }> {
    return { meeting: meetingView(await this.rows.one(query.meetingId, readerOf(query))) };
  }
}

@QueryHandler(GetOldMeeting)
export class GetOldMeetingHandler implements IQueryHandler<GetOldMeeting> {
  constructor(
    private readonly rows: MeetingRows,
    private readonly old: OldMeetings,
  ) {}

  async execute(query: GetOldMeeting): Promise<{ meeting: OldMeetingView }> {
    const reader = readerOf(query);
    return { meeting: await this.old.view(await this.rows.one(query.meetingId, reader), reader.after) };
  }
}

@QueryHandler(ListUserMeetings)
export class ListUserMeetingsHandler implements IQueryHandler<ListUserMeetings> {
  constructor(private readonly rows: MeetingRows) {}

  async execute(query: ListUserMeetings): Promise<{ meetings: UserMeetingView[] }> {
    const reader = readerOf(query);
    const source = inSource(query, reader);
    const meetings = source ? await this.rows.overlapping(rangeOf(query), source, reader) : [];
    return {
      meetings: meetings.map((meeting) => {
        const { userId, status } = meeting;
        return { userId, status, ...meetingView(meeting) };
      }),
    };
  }
}

@QueryHandler(ListOldMeetings)
export class ListOldMeetingsHandler implements IQueryHandler<ListOldMeetings> {
  constructor(
    private readonly rows: MeetingRows,
    private readonly old: OldMeetings,
  ) {}

  async execute(query: ListOldMeetings): Promise<{ meetings: OldMeetingView[] }> {
    const reader = readerOf(query);
    const meetings = await this.rows.overlapping(rangeOf(query), {}, reader);
    return { meetings: await this.old.views(meetings, reader.after) };
  }
}

@QueryHandler(ListUserMeetingCounts)
export class ListUserMeetingCountsHandler implements IQueryHandler<ListUserMeetingCounts> {
  constructor(private readonly rows: MeetingRows) {}

  async execute(query: ListUserMeetingCounts): Promise<{ meetingCounts: DayCount[] }> {
    const reader = readerOf(query);
    const { localDateNow, offset, size } = query;
    const days = localDays(localDateNow, reader.zoneinfo, offset, size);
    const [first, last] = [days[0], days.at(-1)];
    if (!first || !last) return { meetingCounts: [] };
    return { meetingCounts: countsOf(days, await this.rows.times({ from: first.from, until: last.until }, reader)) };
  }
}

@QueryHandler(CheckPropHasMeetings)
export class CheckPropHasMeetingsHandler implements IQueryHandler<CheckPropHasMeetings> {
  constructor(private readonly rows: MeetingRows) {}

  async execute(query: CheckPropHasMeetings): Promise<{ hasMeetingsOrSocialSessions: boolean }> {
    const { roomId, propId } = query;
    return { hasMeetingsOrSocialSessions: await this.rows.anyAtProp(roomId, propId, readerOf(query)) };
  }
}

export const meetingQueries = [
  GetMeetingHandler,
  GetOldMeetingHandler,
  ListUserMeetingsHandler,
  ListOldMeetingsHandler,
  ListUserMeetingCountsHandler,
  CheckPropHasMeetingsHandler,
];
