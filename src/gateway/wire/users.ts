import type { UserEvent } from '../../users/users.js';
import { wire } from './wire.js';

/** Source: wire contract, section 2. What a token says of a person is for the one concerned, and for who runs the world. */
export const usersWire = wire<UserEvent>(
  {},
  {},
  {
    topics: {},
    events: {
      UserProfileRecorded: ({ data: { userId } }) => [
        { topic: 'world', need: { permission: 'world:update' } },
        { topic: `user:${userId}`, need: undefined },
      ],
    },
  },
);
