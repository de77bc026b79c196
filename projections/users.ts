import type { JsonObject } from '../src/eventsourcing/events.js';
import type { UserEvent } from '../src/users/users.js';
import { defineReadModel } from './engine/read-model.js';

/** A person who signed in to a world, as the newest token says. */
export type UserRow = {
  readonly world: string;
  readonly user: string;
  /** In lower case. */
  readonly email: string | null;
  readonly profile: JsonObject;
  /** IANA zone. */
  readonly zone: string | null;
  /** RFC 3339 UTC with milliseconds. */
  readonly first_seen: string;
};

export const users = defineReadModel<UserRow, UserEvent>({
  name: 'users',
  version: 1,
  indexes: [
    { world: 1, user: 1 },
    { world: 1, email: 1 },
  ],
  on: {
    UserProfileRecorded: {
      keys: ({ data: { userId }, metadata: { world } }) => [`${world}/${userId}`],
      apply: (row, { data: { userId, profile, email, zoneinfo }, metadata: { world, at } }) => ({
        world,
        user: userId,
        email: email ? email.toLowerCase() : null,
        profile,
        zone: zoneinfo ?? null,
        first_seen: row?.first_seen ?? at,
      }),
    },
  },
});
