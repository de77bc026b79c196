import { describe, expect, it } from '@jest/globals';
import { currentInvite, inviteTokens, roomInvites, type RoomInvitesEvent } from '../../src/invites/invites.js';
import { alice, given, golden } from '../spec/decider-spec.js';

const day = 24 * 60 * 60 * 1_000;
const at = (days: number, ms = 0): string => new Date(Date.parse(alice.now) + days * day + ms).toISOString();
const created = (token: string, expiresAt: string): RoomInvitesEvent => ({
  type: 'InviteCreated',
  data: { roomId: 'r1', token, expiresAt },
});
const giveOut = (token: string) => ({ type: 'GiveOutInvite', room: 'r1', token }) as const;

describe('a token', () => {
  it('is taken once, whoever wants it', () => {
    given(inviteTokens)
      .when({ type: 'ReserveToken', token: 'kLeNv6', room: 'r1' })
      .then({ type: 'InviteTokenReserved', data: { token: 'kLeNv6', roomId: 'r1' } });
    given(inviteTokens, { type: 'InviteTokenReserved', data: { token: 'kLeNv6', roomId: 'r1' } })
      .when({ type: 'ReserveToken', token: 'kLeNv6', room: 'r2' })
      .refused('invite.taken');
  });
});

describe('the invites of a room', () => {
  it('are valid for 90 days', () => {
    given(roomInvites)
      .when(giveOut('aaaaaa'))
      .then(created('aaaaaa', at(90)));
  });

  it('are given out again while they have 10 days left', () => {
    given(roomInvites, created('aaaaaa', at(10)))
      .when(giveOut('bbbbbb'))
      .refused('invite.exists');
    given(roomInvites, created('aaaaaa', at(10, -1)))
      .when(giveOut('bbbbbb'))
      .then(created('bbbbbb', at(90)));
  });

  it('let people in until each is over, also after a newer one was given out', () => {
    const state = [created('aaaaaa', at(9)), created('bbbbbb', at(90))].reduce(
      (folded, event) => roomInvites.evolve(folded, event),
      roomInvites.initial,
    );
    expect([...state.invites]).toEqual([
      ['aaaaaa', at(9)],
      ['bbbbbb', at(90)],
    ]);
    expect([at(0), at(80), at(80, 1)].map((now) => currentInvite(state, now))).toEqual(['bbbbbb', 'bbbbbb', undefined]);
  });
});

describe('events of invites', () => {
  golden(inviteTokens, { InviteTokenReserved: [{ schema: 1, stored: { token: 'kLeNv6', roomId: 'r1' } }] });
  golden(roomInvites, {
    InviteCreated: [{ schema: 1, stored: { roomId: 'r1', token: 'kLeNv6', expiresAt: '2026-04-01T09:00:00.000Z' } }],
  });
});
