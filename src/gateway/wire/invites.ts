import { GetInviteLink } from '../../invites/invites.commands.js';
import type { InviteLink } from '../../invites/invites.handlers.js';
import type { InviteTokenEvent, RoomInvitesEvent } from '../../invites/invites.js';
import { command, wire } from './wire.js';

const permission = ['room:update', 'room:invite.anonymous'] as const;

/** Source: wire contract, section 4. Who has the token may come in: its events are for those who can ask for it. */
export const invitesWire = wire<InviteTokenEvent | RoomInvitesEvent>(
  {
    'room.invite.anonymous.link': command<GetInviteLink, InviteLink>({
      shape: GetInviteLink,
      needs: ({ room }) => ({ permission, room }),
      reply: ({ url }) => ({ url }),
    }),
  },
  {},
  {
    topics: {},
    events: {
      // Says nothing that InviteCreated does not.
      InviteTokenReserved: () => [],
      InviteCreated: ({ data: { roomId: room } }) => [{ topic: `room:${room}`, need: { permission, room } }],
    },
  },
);
