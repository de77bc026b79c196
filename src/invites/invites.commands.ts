import { isText, Must } from '../eventsourcing/validation.js';

/** `room.invite.anonymous.link {room}` */
export class GetInviteLink {
  readonly type = 'GetInviteLink' as const;
  @Must('the id of a room', (value) => isText(value, 100)) room!: string;
}
