import { isObject, Must, Optional, Text } from '../eventsourcing/validation.js';
import { isRoleName, IsRole, IsTraitGrants } from './role-field.js';
import { permissions, roles, type OwnRoles, type TraitGrants } from './roles.js';

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

const isPermission = (value: unknown): boolean => permissions.some((one) => one === value);

const isOwnRole = ([role, held]: [string, unknown]): boolean =>
  isRoleName(role) && !Object.hasOwn(roles, role) && Array.isArray(held) && held.every(isPermission);

const IsOwnRoles = () =>
  Must(
    'an object of up to 100 roles, each with a list of permissions; a name has 1 to 100 characters a-z or _ and is not one of a default role',
    (value) => isObject(value) && Object.keys(value).length <= 100 && Object.entries(value).every(isOwnRole),
  );

const IsConnectionLimit = () =>
  Must('null or a whole number from 1 to 1000', (value) => {
    return value === null || (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 1_000);
  });

/** `world.config.patch {…}` */
export class PatchWorldConfig {
  readonly type = 'PatchWorldConfig' as const;
  @Optional() @Text(300) title?: string;
  @Optional() @IsTraitGrants() trait_grants?: TraitGrants;
  @Optional() @IsConnectionLimit() connection_limit?: number | null;
  @Optional() @IsOwnRoles() roles?: OwnRoles;
}
