/** A role held by a user, explicitly. A list, not a map: user ids may hold characters a MongoDB field name should not. */
export type Grant = { readonly user: string; readonly role: string };

export function withGrant(grants: readonly Grant[], { user, role }: Grant): readonly Grant[] {
  return [...withoutGrant(grants, { user, role }), { user, role }];
}

export function withoutGrant(grants: readonly Grant[], { user, role }: Grant): readonly Grant[] {
  return grants.filter((grant) => grant.user !== user || grant.role !== role);
}

const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every((one) => typeof one === 'string');
const isTraits = (value: unknown): boolean =>
  Array.isArray(value) && value.every((one) => typeof one === 'string' || isTexts(one));

/**
 * Settings whose rights have the shape that access is decided on. Whoever may write to the log may write anything; what
 * is something else parks its stream and leaves the row as it was. @throws TypeError
 */
export function withRights<Settings extends { readonly trait_grants: unknown; readonly roles?: unknown }>(
  settings: Settings,
): Settings {
  const { trait_grants, roles = {} } = settings;
  if (!isRecordOf(isTraits, trait_grants)) throw new TypeError('trait_grants are not what rights are read from');
  if (!isRecordOf(isTexts, roles)) throw new TypeError('roles are not what rights are read from');
  return settings;
}

const isRecordOf = (isValue: (value: unknown) => boolean, value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isValue);
