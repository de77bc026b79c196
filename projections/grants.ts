/** A role held by a user, explicitly. A list, not a map: user ids may hold characters a MongoDB field name should not. */
export type Grant = { readonly user: string; readonly role: string };

export function withGrant(grants: readonly Grant[], { user, role }: Grant): readonly Grant[] {
  return [...withoutGrant(grants, { user, role }), { user, role }];
}

export function withoutGrant(grants: readonly Grant[], { user, role }: Grant): readonly Grant[] {
  return grants.filter((grant) => grant.user !== user || grant.role !== role);
}
