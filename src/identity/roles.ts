/** Every permission this program checks. Source: wire contract, section 2 (Venueless's strings). */
export const permissions = [
  'world:view',
  'world:update',
  'world:audit',
  'world:rooms.create.*',
  'room:view',
  'room:viewers',
  'room:update',
  'room:delete',
  'room:announce',
  'room:invite.anonymous',
  'room:session.join',
  'room:session.moderate',
  'room:recording',
  'room:playback',
  'room:stream',
] as const;

export type Permission = (typeof permissions)[number];

const viewer: readonly Permission[] = ['world:view', 'room:view'];
const participant: readonly Permission[] = [...viewer, 'room:session.join'];
const speaker: readonly Permission[] = [...participant, 'room:viewers'];

/** The default roles of every world. */
export const roles: Readonly<Record<string, readonly Permission[]>> = {
  attendee: ['world:view'],
  viewer,
  participant,
  speaker,
  moderator: [...speaker, 'room:announce', 'room:session.moderate', 'room:recording', 'room:playback', 'room:stream'],
  kiosk: [...viewer, 'room:invite.anonymous'],
  room_creator: ['world:rooms.create.*'],
  room_owner: permissions.filter((permission) => permission.startsWith('room:')),
  admin: permissions,
};

/** Roles a world defines itself, beside the default ones. */
export type OwnRoles = { readonly [role: string]: readonly Permission[] };

/** The permissions of a role in a world with these own roles; undefined for one it does not have. */
export function permissionsOf(role: string, own: OwnRoles): readonly Permission[] | undefined {
  if (Object.hasOwn(roles, role)) return roles[role];
  return Object.hasOwn(own, role) ? own[role] : undefined;
}

/** Which traits get which role: the outer list is AND, a nested one OR, the empty list is everyone. */
export type TraitGrants = { readonly [role: string]: readonly (string | readonly string[])[] };

/** What anyone may do who came with an invite to a room, there and nowhere else. */
export const invited: readonly Permission[] = ['room:view', 'room:session.join'];

/** What a new world grants. */
export const defaultTraitGrants: TraitGrants = {
  viewer: [],
  participant: [],
  moderator: ['moderator'],
  admin: ['admin'],
  kiosk: ['kiosk'],
};

export function matches(required: readonly (string | readonly string[])[], traits: readonly string[]): boolean {
  return required.every((one) =>
    typeof one === 'string' ? traits.includes(one) : one.some((trait) => traits.includes(trait)),
  );
}
