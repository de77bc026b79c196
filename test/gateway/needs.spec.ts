import { describe, expect, it } from '@jest/globals';
import type { Permitted } from '../../src/gateway/broadcast.js';
import { Broadcast } from '../../src/gateway/broadcast.js';
import { meets, requireNeed } from '../../src/gateway/needs.js';
import type { Need } from '../../src/gateway/wire/wire.js';
import { Access } from '../../src/identity/access.js';
import type { Session } from '../../src/identity/session.js';
import { emptyConfig } from '../../src/rooms/room-fields.js';
import { codeOf } from '../spec/decider-spec.js';
import { Stage } from './event-streams-parts.js';

const grants = { trait_grants: { viewer: [] }, grants: [] };
const access = new Access({
  worlds: new Map([['demo', { ...grants, title: 'demo', connection_limit: null, roles: {} }]]),
  rooms: new Map([
    ['hall', { ...emptyConfig, ...grants, world: 'demo', status: 'open', name: 'Hall', sorting_priority: 1 }],
  ]),
  roomsOf: () => ['hall'],
  version: 1,
});

const person = (userId: string): Session => ({ userId, world: 'demo', traits: [], profile: {} });
const ann = person('ann');
/** Came with an invite to the hall, under Ann's id. */
const guest: Session = { ...ann, anonymous: { room: 'hall' } };
/** Known by a client_id, which anybody can name. */
const claimed: Session = { ...ann, claimed: true };
const users = ['ann', 'bob'];

describe('a need for certain people', () => {
  it.each<[what: string, need: Need, denied: string]>([
    ['in the world', { permission: 'world:view', users }, 'auth.denied'],
    ['in a room', { permission: 'room:view', room: 'hall', users }, 'protocol.denied'],
  ])('%s: only they have it, and nobody who came with an invite', (_what, need, denied) => {
    const outcomes = [ann, person('bob'), person('cid'), person(''), guest, claimed].map((session) => [
      meets(access, session, need),
      codeOf(() => requireNeed(access, session, need)),
    ]);
    const yes = [true, 'not refused'];
    const no = [false, denied];
    expect(outcomes).toEqual([yes, yes, no, no, no, no]);
    // Without names the invite is good for its room.
    expect(meets(access, guest, { permission: 'room:view', room: 'hall' })).toBe(true);
  });

  it('comes on top of the permission', () => {
    const need: Need = { permission: 'world:update', users };
    expect(meets(access, ann, need)).toBe(false);
    expect(codeOf(() => requireNeed(access, ann, need))).toBe('auth.denied');
  });

  it('without anybody named is nobody’s', () => {
    expect(meets(access, ann, { permission: 'world:view', users: [] })).toBe(false);
  });
});

describe('a need for an account', () => {
  it('is met by a token only', () => {
    const need: Need = { permission: 'world:view', account: true };
    expect([ann, claimed, guest].map((session) => meets(access, session, need))).toEqual([true, false, false]);
    expect(codeOf(() => requireNeed(access, ann, need))).toBe('not refused');
    expect(codeOf(() => requireNeed(access, claimed, need))).toBe('auth.denied');
  });
});

describe('a need in the world besides the one in a room', () => {
  it('is not met by an invite to the room', () => {
    const need: Need = { permission: 'room:view', room: 'hall', besides: 'world:view' };
    expect([ann, guest].map((session) => meets(access, session, need))).toEqual([true, false]);
    expect(codeOf(() => requireNeed(access, ann, need))).toBe('not refused');
    expect(codeOf(() => requireNeed(access, guest, need))).toBe('auth.denied');
    expect(codeOf(() => requireNeed(access, ann, { ...need, room: 'none' }))).toBe('room.unknown');
  });
});

describe('what is told to certain people', () => {
  it('is told to them, also right after it was told to others, and to nobody with an invite', async () => {
    const stage = await Stage.open();
    try {
      const asked: Permitted[] = [];
      class Told extends Broadcast {
        override publish(...[, , , permitted]: Parameters<Broadcast['publish']>): void {
          if (permitted) asked.push(permitted);
        }
      }
      const { live } = await stage.serveTo(new Told({ error: () => undefined }));
      for (const names of [users, ['cid'], undefined]) {
        const need: Need = { permission: 'world:view', ...(names && { users: names }) };
        live.publish({ topic: 'world:demo', name: 'x', body: {}, need });
      }
      const hear = asked.map((permitted) => [ann, person('bob'), person('cid'), guest].map(permitted));
      expect(hear).toEqual([
        [true, true, false, false],
        [false, false, true, false],
        [true, true, true, false],
      ]);
    } finally {
      await stage.close();
    }
  });
});
