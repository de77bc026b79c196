import { IsRoomId } from '../eventsourcing/validation.js';

/** `room.invite.anonymous.link {room}` */
export class GetInviteLink {
  readonly type = 'GetInviteLink' as const;
  @IsRoomId() room!: string;
}
