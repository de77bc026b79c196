import { isText, Must } from '../eventsourcing/validation.js';

const IsRoomId = () => Must('the id of a room', (value) => isText(value, 100));

/** `room.enter {room}`: concerns the connection alone. */
export class EnterRoom {
  readonly type = 'EnterRoom' as const;
  @IsRoomId() room!: string;
}

/** `room.leave {room}` */
export class LeaveRoom {
  readonly type = 'LeaveRoom' as const;
  @IsRoomId() room!: string;
}
