import { Refused } from '../eventsourcing/refused.js';
import type { Access } from '../identity/access.js';
import type { Session } from '../identity/session.js';
import type { Need } from './wire/wire.js';

/** Whether a person has the permission, and is one of the people where only some are meant. */
export function meets(access: Access, session: Session, { permission, room, besides, users, account }: Need): boolean {
  if (account && !hasAccount(session)) return false;
  if (users !== undefined && !isOneOf(users, session)) return false;
  return access.can(session, permission, room) && (besides === undefined || access.can(session, besides));
}

/** @throws Refused auth.denied; with a room: room.unknown, protocol.denied */
export function requireNeed(
  access: Access,
  session: Session,
  { permission, room, exist = [], besides, users, account }: Need,
): void {
  for (const one of exist) access.requireRoom(session, one);
  access.require(session, permission, room);
  if (besides) access.require(session, besides);
  if (account && !hasAccount(session)) throw new Refused('auth.denied', 'This takes a token.');
  if (users && !isOneOf(users, session)) throw new Refused(room === undefined ? 'auth.denied' : 'protocol.denied');
}

/** Without a token there is nothing that is one's own: anybody can take such an id. */
const hasAccount = ({ anonymous, claimed }: Session): boolean => !anonymous && !claimed;

export const isOneOf = (users: readonly string[], session: Session): boolean =>
  hasAccount(session) && users.includes(session.userId);
