import { Must, Text } from '../eventsourcing/validation.js';

/** `room.react {room, reaction}` */
export class React {
  readonly type = 'React' as const;
  @Text(100) room!: string;
  /** Whether it is one that is taken is asked after existence and permission. */
  @Must('a text', (value) => typeof value === 'string') reaction!: string;
}
