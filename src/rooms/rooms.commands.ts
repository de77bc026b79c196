import { IsBoolean, ValidateBy } from 'class-validator';
import type { JsonObject } from '../eventsourcing/events.js';
import { IsRoomId, isText, Must, Optional, Text } from '../eventsourcing/validation.js';
import { IsRole, IsTraitGrants } from '../identity/role-field.js';
import type { TraitGrants } from '../identity/roles.js';
import { IsModuleConfig, IsPriority, IsScheduleData, IsTextOrNull, type ScheduleData } from './room-fields.js';

/** The fields `room.create` and `room.config.patch` share, all optional. */
class RoomFields {
  @Optional() @Text(10_000, 0) description?: string;
  @Optional() @IsTextOrNull(2_000) picture?: string | null;
  @Optional() @IsPriority() sorting_priority?: number;
  @Optional() @IsModuleConfig() module_config?: readonly JsonObject[];
  @Optional() @IsTraitGrants() trait_grants?: TraitGrants;
  @Optional() @IsBoolean() force_join?: boolean;
  @Optional() @IsScheduleData() schedule_data?: ScheduleData | null;
  @Optional() @IsTextOrNull(300) import_id?: string | null;
}

/** Two names of one thing: only one of them may be sent. */
const Without = (other: string) =>
  ValidateBy({
    name: `without ${other}`,
    validator: {
      validate: (_value, at) => !(at && other in at.object),
      defaultMessage: () => `$property must not come together with ${other}`,
    },
  });

/** `room.create {name, …}`; Venueless's clients send `modules` and `permission_preset`. */
export class CreateRoom extends RoomFields {
  readonly type = 'CreateRoom' as const;
  @Text(300) name!: string;
  @Optional() @IsModuleConfig() @Without('module_config') modules?: readonly JsonObject[];
  @Optional()
  @Must('"public"', (value) => value === 'public')
  @Without('trait_grants')
  permission_preset?: 'public';
}

/** `room.config.patch {room, …}` */
export class PatchRoomConfig extends RoomFields {
  readonly type = 'PatchRoomConfig' as const;
  @IsRoomId() room!: string;
  @Optional() @Text(300) name?: string;
}

/** `room.config.reorder`: ids in their new order. */
export class ReorderRooms {
  readonly type = 'ReorderRooms' as const;
  @Must('a list of room ids without repeats', isIdList) rooms!: readonly string[];
}

/** `room.schedule {room, schedule_data}` */
export class ScheduleRoom {
  readonly type = 'ScheduleRoom' as const;
  @IsRoomId() room!: string;
  @IsScheduleData() schedule_data!: ScheduleData | null;
}

/** `room.delete {room}` */
export class DeleteRoom {
  readonly type = 'DeleteRoom' as const;
  @IsRoomId() room!: string;
}

/** `room.grant {room, user, role}` */
export class GrantRoomRole {
  readonly type = 'GrantRoomRole' as const;
  @IsRoomId() room!: string;
  @Text(300) user!: string;
  @IsRole() role!: string;
}

/** `room.revoke {room, user, role}` */
export class RevokeRoomRole {
  readonly type = 'RevokeRoomRole' as const;
  @IsRoomId() room!: string;
  @Text(300) user!: string;
  @IsRole() role!: string;
}

/** The commands that a room's stream decides alone, each with a handler that runs the decider. */
export const roomCommands = [ScheduleRoom, GrantRoomRole, RevokeRoomRole];

function isIdList(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length <= 10_000 &&
    value.every((id) => isText(id, 100)) &&
    new Set(value).size === value.length
  );
}
