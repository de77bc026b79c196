import {
  IsMinutes,
  IsColor,
  IsSourceIds,
  IsSourceType,
  IsUserIds,
  sourceTypes,
  type Color,
  type SourceType,
} from './meeting-fields.js';
import { Nested, Optional, Text } from '../eventsourcing/validation.js';
import { IsAfter, IsTimestamp, type Timestamp } from '../time/timestamps.js';

export const IsMeetingId = (): PropertyDecorator => Text(100);
const longest = 24 * 60;
/** Each of them hears of every change, and every change is written for each of them. */
const mostInvited = 200;

/** `meeting:createMeeting`. Source: seed 004, and `bufferBefore`, `bufferAfter` in minutes beside it. */
export class CreateMeeting {
  readonly type = 'CreateMeeting' as const;
  @IsSourceType(sourceTypes) sourceType!: SourceType;
  @IsSourceIds() sourceIds!: readonly string[];
  @Text(300) subject!: string;
  @Optional() @Text(10_000, 0) description?: string;
  @Optional() @IsColor() color?: Color;
  @Optional() @IsUserIds(mostInvited) invitedUserIds?: readonly string[];
  @IsTimestamp() startDate!: Timestamp;
  @IsTimestamp() @IsAfter('startDate') endDate!: Timestamp;
  @Optional() @IsMinutes(longest) bufferBefore?: number;
  @Optional() @IsMinutes(longest) bufferAfter?: number;
}

/** `meeting:updateMeeting`: what is left out stays. */
export class UpdateMeeting {
  readonly type = 'UpdateMeeting' as const;
  @IsMeetingId() meetingId!: string;
  @Optional() @Text(300) subject?: string;
  @Optional() @Text(10_000, 0) description?: string;
  @Optional() @IsColor() color?: Color;
  @Optional() @IsTimestamp() startDate?: Timestamp;
  @Optional() @IsTimestamp() @IsAfter('startDate') endDate?: Timestamp;
}

/** `meeting:deleteMeeting`, and `meeting:delete` of old. */
export class DeleteMeeting {
  readonly type = 'DeleteMeeting' as const;
  @IsMeetingId() meetingId!: string;
}

/** `meeting:acceptMeetingRequest` */
export class AcceptMeetingRequest {
  readonly type = 'AcceptMeetingRequest' as const;
  @IsMeetingId() meetingId!: string;
}

/** `meeting:declineMeetingRequest` */
export class DeclineMeetingRequest {
  readonly type = 'DeclineMeetingRequest' as const;
  @IsMeetingId() meetingId!: string;
}

class MeetingInRoom {
  @IsTimestamp() startDate!: Timestamp;
  @IsTimestamp() @IsAfter('startDate') endDate!: Timestamp;
  @Text(300) subject!: string;
  @Text(300) roomId!: string;
  @Optional() @Text(300, 0) propId?: string;
  @Optional() @IsColor() color?: Color;
  @Optional() @IsUserIds(mostInvited) invitedUserIds?: readonly string[];
}

/** `meeting:create` of old */
export class CreateMeetingInRoom {
  readonly type = 'CreateMeetingInRoom' as const;
  @Nested(MeetingInRoom) meeting!: MeetingInRoom;
}

class RevisedMeeting {
  @Optional() @Text(300) subject?: string;
  @Optional() @Text(300) roomId?: string;
  @Optional() @Text(300, 0) propId?: string;
  @Optional() @IsColor() color?: Color;
}

/** `meeting:update` of old */
export class UpdateMeetingInRoom {
  readonly type = 'UpdateMeetingInRoom' as const;
  @IsMeetingId() meetingId!: string;
  @Nested(RevisedMeeting) meeting!: RevisedMeeting;
}
