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
      ReactionAdded: ({ data: { roomId } }) => [
        { topic: `room:${roomId}`, need: { permission: 'room:view', room: roomId } },
      ],
    },
  },
);
