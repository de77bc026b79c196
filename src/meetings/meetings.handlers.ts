import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { executionOf } from '../eventsourcing/execution.js';
import { Refused } from '../eventsourcing/refused.js';
import { instant } from '../time/timestamps.js';
import { Bookings, type MeetingChanged } from './bookings.js';
import { black } from './meeting-fields.js';
import type { OldMeetingView } from './meeting-views.js';
import {
  AcceptMeetingRequest,
  CreateMeeting,
  CreateMeetingInRoom,
  DeclineMeetingRequest,
  DeleteMeeting,
  UpdateMeeting,
  UpdateMeetingInRoom,
} from './meetings.commands.js';
import { roomOf, type MeetingPlan } from './meetings.js';
import { OldMeetings } from './old-meetings.js';

/** As `MeetingChanged`, in the form of the deprecated endpoints. */
export interface OldMeetingChanged {
  readonly position: bigint;
  readonly meeting: OldMeetingView;
}

@CommandHandler(CreateMeeting)
export class CreateMeetingHandler implements ICommandHandler<CreateMeeting> {
  constructor(private readonly bookings: Bookings) {}

  execute(command: CreateMeeting): Promise<MeetingChanged> {
    const { sourceType, sourceIds, subject, description = '', color = black, invitedUserIds = [] } = command;
    const { bufferBefore = 0, bufferAfter = 0 } = command;
    const [startDate, endDate] = [instant(command.startDate), instant(command.endDate)];
    const plan = { sourceType, sourceIds, subject, description, color, startDate, endDate };
    return this.bookings.create({ plan, invitedUserIds, bufferBefore, bufferAfter }, executionOf(command));
  }
}

@CommandHandler(UpdateMeeting)
export class UpdateMeetingHandler implements ICommandHandler<UpdateMeeting> {
  constructor(private readonly bookings: Bookings) {}

  execute(command: UpdateMeeting): Promise<MeetingChanged> {
    const { type: _type, meetingId, startDate, endDate, ...patch } = command;
    const times = {
      ...(startDate !== undefined && { startDate: instant(startDate) }),
      ...(endDate !== undefined && { endDate: instant(endDate) }),
    };
    return this.bookings.update(meetingId, () => ({ ...patch, ...times }), executionOf(command));
  }
}

@CommandHandler(DeleteMeeting)
export class DeleteMeetingHandler implements ICommandHandler<DeleteMeeting> {
  constructor(private readonly bookings: Bookings) {}

  execute(command: DeleteMeeting): Promise<MeetingChanged> {
    return this.bookings.delete(command.meetingId, executionOf(command));
  }
}

@CommandHandler(AcceptMeetingRequest)
export class AcceptMeetingRequestHandler implements ICommandHandler<AcceptMeetingRequest> {
  constructor(private readonly bookings: Bookings) {}

  execute(command: AcceptMeetingRequest): Promise<MeetingChanged> {
    return this.bookings.accept(command.meetingId, executionOf(command));
  }
}

@CommandHandler(DeclineMeetingRequest)
export class DeclineMeetingRequestHandler implements ICommandHandler<DeclineMeetingRequest> {
  constructor(private readonly bookings: Bookings) {}

  execute(command: DeclineMeetingRequest): Promise<MeetingChanged> {
    return this.bookings.decline(command.meetingId, executionOf(command));
  }
}

@CommandHandler(CreateMeetingInRoom)
export class CreateMeetingInRoomHandler implements ICommandHandler<CreateMeetingInRoom> {
  constructor(
    private readonly bookings: Bookings,
    private readonly old: OldMeetings,
  ) {}

  async execute(command: CreateMeetingInRoom): Promise<OldMeetingChanged> {
    const { subject, roomId, propId, color = black, invitedUserIds = [], ...times } = command.meeting;
    const [startDate, endDate] = [instant(times.startDate), instant(times.endDate)];
    const plan = { ...placeOf(roomId, propId), subject, description: '', color, startDate, endDate };
    const made = { plan, invitedUserIds, bufferBefore: 0, bufferAfter: 0 };
    const { position, meeting } = await this.bookings.create(made, executionOf(command));
    return { position, meeting: await this.old.view(meeting, position) };
  }
}

@CommandHandler(UpdateMeetingInRoom)
export class UpdateMeetingInRoomHandler implements ICommandHandler<UpdateMeetingInRoom> {
  constructor(
    private readonly bookings: Bookings,
    private readonly old: OldMeetings,
  ) {}

  async execute(command: UpdateMeetingInRoom): Promise<OldMeetingChanged> {
    const { roomId, propId, ...rest } = command.meeting;
    const patch = (plan: MeetingPlan) => ({ ...rest, ...movedTo(plan, roomId, propId) });
    const { position, meeting } = await this.bookings.update(command.meetingId, patch, executionOf(command));
    return { position, meeting: await this.old.view(meeting, position) };
  }
}

const placeOf = (roomId: string, propId = '') =>
  propId === ''
    ? ({ sourceType: 'room', sourceIds: [roomId] } as const)
    : ({ sourceType: 'prop', sourceIds: [roomId, propId] } as const);

/** Where a meeting goes that is given a room, a prop or both; in another room it has the named prop or none. @throws Refused protocol.invalid */
function movedTo(plan: MeetingPlan, roomId: string | undefined, propId: string | undefined) {
  if (roomId === undefined && propId === undefined) return {};
  const before = roomOf(plan);
  const room = roomId ?? before;
  if (room === undefined) {
    const message = 'meeting.roomId must be there: the prop is in a room, and this meeting is in none';
    throw new Refused('protocol.invalid', message, [{ field: 'meeting.roomId', message }]);
  }
  return placeOf(room, propId ?? (room === before && plan.sourceType === 'prop' ? plan.sourceIds[1] : ''));
}

export const meetingHandlers = [
  CreateMeetingInRoomHandler,
  UpdateMeetingInRoomHandler,
  CreateMeetingHandler,
  UpdateMeetingHandler,
  DeleteMeetingHandler,
  AcceptMeetingRequestHandler,
  DeclineMeetingRequestHandler,
];
