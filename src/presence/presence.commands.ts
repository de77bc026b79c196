import { IsRoomId } from '../eventsourcing/validation.js';

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
