import { Text } from '../eventsourcing/validation.js';
import { IsRole } from './role-field.js';

/** `world.grant {user, role}` */
export class GrantWorldRole {
  readonly type = 'GrantWorldRole' as const;
  @Text(300) user!: string;
  @IsRole() role!: string;
}

/** `world.revoke {user, role}` */
export class RevokeWorldRole {
  readonly type = 'RevokeWorldRole' as const;
  @Text(300) user!: string;
  @IsRole() role!: string;
}
