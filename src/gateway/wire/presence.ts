import { EnterRoom, LeaveRoom } from '../../presence/presence.commands.js';
import type { PresenceEvent } from '../../presence/presence.js';
import { onConnection, type Place, wire } from './wire.js';

/**
 * Who is where is for those who may see a room's viewers, and for the one concerned. Anonymous people are in no list, and
 * their id can be anybody's: who signs in with the bare client_id should not learn where they were.
 */
const presencePlaces = ({ data: { roomId: room, userId, anonymous } }: Pick<PresenceEvent, 'data'>): Place[] =>
  anonymous
    ? []
    : [
        { topic: `room:${room}`, need: { permission: 'room:viewers', room } },
        { topic: `user:${userId}`, need: undefined },
      ];

/** Source: wire contract, section 4. What the others in a room hear of it follows from all nodes' events (src/gateway/presence.ts). */
export const presenceWire = wire<PresenceEvent>(
  {
    'room.enter': onConnection({
      shape: EnterRoom,
      needs: ({ room }) => ({ permission: 'room:view', room }),
      run: ({ room }, { connection, session, presence }) => presence.enter(connection, session, room),
    }),
    'room.leave': onConnection({
      shape: LeaveRoom,
      needs: () => undefined,
      run: ({ room }, { connection, session, presence }) => {
        presence.leave(connection, session, room);
        return {};
      },
    }),
  },
  {},
  { topics: {}, events: { ViewerEntered: presencePlaces, ViewerLeft: presencePlaces } },
);
