import type { JsonObject } from '../eventsourcing/events.js';

/** A signed-in person, as a token or client_id describes them. Source: wire contract, section 2. */
export interface Session {
  /** The token's `sub`, or `client:<client_id>`. */
  readonly userId: string;
  /** The tenant; nothing crosses it. */
  readonly world: string;
  readonly traits: readonly string[];
  readonly profile: JsonObject;
  readonly email?: string;
  /** Came with an invite to this one room: may use and hear of nothing else, and is in no list of viewers. */
  readonly anonymous?: { readonly room: string };
  /** Known by a client_id alone, which anybody can name: nothing that is one person's own is this person's. */
  readonly claimed?: true;
  /** IANA zone. */
  readonly zoneinfo?: string;
  /** Epoch seconds at which the token was made, where it says so. */
  readonly issuedAt?: number;
  /** Epoch milliseconds at which the token expires; a token without `exp` and a client_id do not. */
  readonly expiresAt?: number;
}

/**
 * Names a person within a world, for keys in memory. Who came with an invite is another person than the one known by the
 * same client_id alone. No room and no `client:…` begins like the other, so no two people get one key.
 */
export function personKey({ userId, anonymous }: Pick<Session, 'userId' | 'anonymous'>): string {
  return anonymous ? `${anonymous.room}\0${userId}` : userId;
}

export function isSamePerson(one: Session, other: Session): boolean {
  return personKey(one) === personKey(other);
}
