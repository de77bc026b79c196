import { Refused } from '../eventsourcing/refused.js';
import type { Access } from '../identity/access.js';
import type { Session } from '../identity/session.js';
import type { Need } from './wire/wire.js';

/** Whether a person has the permission, and is one of the people where only some are meant. */
export function meets(access: Access, session: Session, { permission, room, besides, users }: Need): boolean {
  if (users !== undefined && !isOneOf(users, session)) return false;
  return access.can(session, permission, room) && (besides === undefined || access.can(session, besides));
}

/** @throws Refused auth.denied; with a room: room.unknown, protocol.denied */
export function requireNeed(
  access: Access,
  session: Session,
  { permission, room, exist = [], besides, users }: Need,
): void {
  for (const one of exist) access.requireRoom(session, one);
  access.require(session, permission, room);
  if (besides) access.require(session, besides);
  if (users && !isOneOf(users, session)) throw new Refused(room === undefined ? 'auth.denied' : 'protocol.denied');
}

/** Who came with an invite never is: anybody can take such an id. */
export const isOneOf = (users: readonly string[], { userId, anonymous }: Session): boolean =>
  anonymous === undefined && users.includes(userId);
