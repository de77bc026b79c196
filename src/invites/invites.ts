import { assertNever, type Decider } from '../eventsourcing/decider.js';
import { Refused } from '../eventsourcing/refused.js';

/** How long an invite lets people in, and how long it must still do so to be given out again. Source: wire contract, section 4. */
export const validDays = 90;
const leastDays = 10;
const dayMs = 24 * 60 * 60 * 1_000;

export type InviteTokenEvent = { type: 'InviteTokenReserved'; data: { token: string; roomId: string } };
export type ReserveToken = { readonly type: 'ReserveToken'; readonly token: string; readonly room: string };
export type InviteToken = { readonly room?: string };

/**
 * A token is taken once, in whatever world: each has a stream of its own. Which of them a room gives out is decided on the
 * room's stream below; one that a crash left out there lets nobody in.
 */
export const inviteTokens: Decider<InviteToken, ReserveToken, InviteTokenEvent> = {
  category: 'invite',
  events: { InviteTokenReserved: { schema: 1 } },
  initial: {},
  streamOf: ({ token }) => token,
  evolve: (_state, { data }) => ({ room: data.roomId }),
  decide: ({ token, room }, state) => {
    if (state.room !== undefined) throw new Refused('invite.taken');
    return [{ type: 'InviteTokenReserved', data: { token, roomId: room } }];
  },
};

export type RoomInvitesEvent = { type: 'InviteCreated'; data: { roomId: string; token: string; expiresAt: string } };
export type GiveOutInvite = { readonly type: 'GiveOutInvite'; readonly room: string; readonly token: string };
/** By token when each of the room's invites ends, RFC 3339 UTC with milliseconds; the last one is the one given out. */
export type RoomInvites = { readonly invites: ReadonlyMap<string, string> };

/** The invites of one room to people without a token of their own. */
export const roomInvites: Decider<RoomInvites, GiveOutInvite, RoomInvitesEvent> = {
  category: 'room_invites',
  events: { InviteCreated: { schema: 1 } },
  initial: { invites: new Map() },
  streamOf: ({ room }) => room,
  evolve: (state, event) => {
    switch (event.type) {
      case 'InviteCreated':
        return { invites: new Map(state.invites).set(event.data.token, event.data.expiresAt) };
      default:
        return assertNever(event.type);
    }
  },
  decide: ({ room, token }, state, { now }) => {
    if (currentInvite(state, now) !== undefined) throw new Refused('invite.exists');
    const expiresAt = new Date(Date.parse(now) + validDays * dayMs).toISOString();
    return [{ type: 'InviteCreated', data: { roomId: room, token, expiresAt } }];
  },
};

/** The token a room gives out at a time; undefined when it has none that lasts long enough. */
export function currentInvite({ invites }: RoomInvites, now: string): string | undefined {
  const [token, expiresAt] = [...invites].at(-1) ?? [];
  if (expiresAt === undefined || Date.parse(expiresAt) - Date.parse(now) < leastDays * dayMs) return undefined;
  return token;
}
