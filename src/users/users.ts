import { assertNever, type Decider } from '../eventsourcing/decider.js';
import type { JsonObject } from '../eventsourcing/events.js';
import { canonicalJson } from '../eventsourcing/canonical.js';
import { Refused } from '../eventsourcing/refused.js';

/** What a person's newest token says of the person. */
export type UserProfile = {
  readonly profile: JsonObject;
  readonly traits: readonly string[];
  readonly email?: string;
  /** IANA zone. */
  readonly zoneinfo?: string;
  /** Epoch seconds at which the token was made, where it says so: an older one says nothing any more. */
  readonly issuedAt?: number;
};

/** All of what the token says: a field that is left out is not in it any more. */
export type UserEvent = { type: 'UserProfileRecorded'; data: UserProfile & { readonly userId: string } };

/** Given by the server at sign-in; never sent by a client. */
export type RecordUserProfile = UserProfile & { readonly type: 'RecordUserProfile'; readonly userId: string };

export type User = { readonly recorded?: UserProfile };

/** One person of one world: a stream for each. A world's name has no slash, so no two people share one. */
export const users: Decider<User, RecordUserProfile, UserEvent> = {
  category: 'user',
  events: { UserProfileRecorded: { schema: 1 } },
  initial: {},
  streamOf: ({ userId }, { world }) => userKey(world, userId),
  evolve: (_state, event) => {
    switch (event.type) {
      case 'UserProfileRecorded':
        return { recorded: profileOf(event.data) };
      default:
        return assertNever(event.type);
    }
  },
  decide: ({ userId, ...said }, { recorded }) => {
    const profile = profileOf(said);
    if (recorded && !saysMore(recorded, profile)) throw new Refused('user.unchanged');
    return [{ type: 'UserProfileRecorded', data: { userId, ...profile } }];
  },
};

/** Second part of the name of a person's stream. */
export const userKey = (world: string, userId: string): string => `${world}/${userId}`;

/** Without what else is on the object. */
export function profileOf({ profile, traits, email, zoneinfo, issuedAt }: UserProfile): UserProfile {
  return {
    profile,
    traits,
    ...(email !== undefined && { email }),
    ...(zoneinfo !== undefined && { zoneinfo }),
    ...(issuedAt !== undefined && { issuedAt }),
  };
}

/** Whether the newer of two tokens is `now`, and it says something else. */
export function saysMore(recorded: UserProfile, now: UserProfile): boolean {
  const isOlder = recorded.issuedAt !== undefined && now.issuedAt !== undefined && now.issuedAt < recorded.issuedAt;
  return !isOlder && said(recorded) !== said(now);
}

/** The order of a profile's fields says nothing. */
export const said = ({ issuedAt: _when, ...profile }: UserProfile): string => canonicalJson(profile);
