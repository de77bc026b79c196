import type { ReactionEvent } from '../../reactions/reactions.js';
import { React } from '../../reactions/reactions.commands.js';
import { command, wire } from './wire.js';

/** Source: wire contract, section 4. What a room hears of its reactions is added up first (src/reactions/room-reactions.ts). */
export const reactionsWire = wire<ReactionEvent>(
  {
    'room.react': command({
      shape: React,
      needs: ({ room }) => ({ permission: 'room:view', room }),
      reply: () => ({}),
    }),
  },
  {},
  {
    topics: {},
    events: {
      // As with who is in the room (presence.ts): anonymous people are nowhere.
      ReactionAdded: ({ data: { roomId: room, userId, anonymous } }) =>
        anonymous
          ? []
          : [
              { topic: `room:${room}`, need: { permission: 'room:viewers', room } },
              { topic: `user:${userId}`, need: undefined },
            ],
    },
  },
);
