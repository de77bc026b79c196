import { Refused } from '../eventsourcing/refused.js';
import { isObject, isText, Must } from '../eventsourcing/validation.js';
import { permissionsOf, roles, type OwnRoles } from './roles.js';

const defaults = Object.keys(roles);
const name = /^[a-z_]{1,100}$/;

const oneRole = (known: readonly string[]): string => `one of ${known.join(', ')}`;
const grantsOf = (known: readonly string[]): string =>
  `an object of roles (${known.join(', ')}), each with a list of traits or lists of traits`;

export const isRoleName = (value: unknown): value is string => typeof value === 'string' && name.test(value);

/** A role's name. Whether the world has the role is asked when its own roles are known (`requireRoles`). */
export const IsRole = () => Must(oneRole(defaults), isRoleName);

const isTraits = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.every((one) => isText(one, 100) || (Array.isArray(one) && one.every((trait) => isText(trait, 100))));

/** Traits by role's name; whether the world has the roles is asked later, as in `IsRole`. */
export const IsTraitGrants = () =>
  Must(
    grantsOf(defaults),
    (value) => isObject(value) && Object.entries(value).every(([role, traits]) => isRoleName(role) && isTraits(traits)),
  );

/** The roles a command names, and the field it names them in. */
export interface NamedRoles {
  readonly field: 'role' | 'trait_grants';
  readonly names: readonly string[];
}

/** @throws Refused `code` for a role that is neither a default one nor the world's own */
export function requireRoles({ field, names }: NamedRoles, own: OwnRoles, code: string): void {
  if (names.every((role) => permissionsOf(role, own))) return;
  const known = [...defaults, ...Object.keys(own)];
  const message = `${field} must be ${field === 'role' ? oneRole(known) : grantsOf(known)}`;
  throw new Refused(code, message, [{ field, message }]);
}
