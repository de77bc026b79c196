import { describe, expect, it } from '@jest/globals';
import type { RoomConfigRow } from '../../projections/room-config.js';
import type { WorldConfigRow } from '../../projections/world-config.js';
import { Access, type AccessFacts } from '../../src/identity/access.js';
import { defaultTraitGrants, matches, permissions, roles } from '../../src/identity/roles.js';
import type { OwnRoles, TraitGrants } from '../../src/identity/roles.js';
import type { Session } from '../../src/identity/session.js';
import { emptyConfig } from '../../src/rooms/room-fields.js';
import { codeOf } from '../spec/decider-spec.js';

type Grants = { readonly user: string; readonly role: string }[];

const session = (userId: string, traits: readonly string[] = [], world = 'demo'): Session => ({
  userId,
  world,
  traits,
  profile: {},
});

class Facts implements AccessFacts {
  version = 1;
  readonly worlds = new Map<string, WorldConfigRow>();
  readonly rooms = new Map<string, RoomConfigRow>();

  world(name: string, trait_grants: TraitGrants, grants: Grants = [], own: OwnRoles = {}): this {
    this.worlds.set(name, { title: name, trait_grants, connection_limit: null, roles: own, grants });
    this.version++;
    return this;
  }

  room(id: string, over: Partial<RoomConfigRow> = {}): this {
    const row = { world: 'demo', status: 'open', name: id, sorting_priority: 1, grants: [], ...over } as const;
    this.rooms.set(id, { ...emptyConfig, ...row });
    this.version++;
    return this;
  }

  roomsOf(world: string): string[] {
    return [...this.rooms].flatMap(([id, row]) => (row.world === world ? [id] : []));
  }
}

describe('trait grants', () => {
  it.each<[required: (string | string[])[], traits: string[], expected: boolean]>([
    [[], [], true],
    [[], ['a'], true],
    [['a'], ['a'], true],
    [['a'], [], false],
    [['a'], ['A'], false],
    [['a', 'b'], ['a'], false],
    [['a', 'b'], ['b', 'a', 'c'], true],
    [[['a', 'b']], ['b'], true],
    [[['a', 'b']], ['c'], false],
    [['a', ['b', 'c']], ['a', 'c'], true],
    [['a', ['b', 'c']], ['b', 'c'], false],
    [
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
      ['a', 'd'],
      true,
    ],
    [
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
      ['a', 'b'],
      false,
    ],
    [[[]], ['a'], false],
  ])('%j given to %j: %s', (required, traits, expected) => {
    expect(matches(required, traits)).toBe(expected);
  });
});

describe('the default world', () => {
  it('gives the roles of the contract', () => {
    const access = new Access(new Facts().world('demo', defaultTraitGrants));
    const held = (...traits: string[]): string[] => [...access.inWorld(session('u', traits))].toSorted();
    const everyone = ['room:session.join', 'room:view', 'world:view'];
    const moderator = ['room:announce', 'room:playback', 'room:recording', 'room:session.moderate', 'room:stream'];
    expect(held()).toEqual(everyone);
    expect(held('moderator')).toEqual([...everyone, ...moderator, 'room:viewers'].toSorted());
    expect(held('kiosk')).toEqual([...everyone, 'room:invite.anonymous'].toSorted());
    expect(held('admin')).toEqual([...permissions].toSorted());
    expect(roles.room_creator).toEqual(['world:rooms.create.*']);
    expect(roles.room_owner?.every((permission) => permission.startsWith('room:'))).toBe(true);
    expect(roles.room_owner).toHaveLength(permissions.filter((one) => one.startsWith('room:')).length);
  });
});

describe('access', () => {
  it('adds up explicit grants and traits, in the room they were given in only', () => {
    const facts = new Facts()
      .world('demo', { attendee: [], moderator: ['mod'] }, [{ user: 'ann', role: 'room_creator' }])
      .room('a', { trait_grants: { viewer: ['vip'] }, grants: [{ user: 'bob', role: 'admin' }] })
      .room('b');
    const access = new Access(facts);
    expect(access.can(session('ann'), 'world:rooms.create.*')).toBe(true);
    expect(access.can(session('bob'), 'world:rooms.create.*')).toBe(false);
    expect(access.can(session('bob'), 'room:update', 'a')).toBe(true);
    expect(access.can(session('bob'), 'world:update', 'a')).toBe(false);
    expect(access.can(session('bob'), 'room:update', 'b')).toBe(false);
    expect(access.can(session('bob'), 'room:update')).toBe(false);
    expect(access.can(session('cat', ['vip']), 'room:view', 'a')).toBe(true);
    expect(access.can(session('cat', ['vip']), 'room:view', 'b')).toBe(false);
    // A right of the world holds in each of its rooms.
    expect(access.can(session('dan', ['mod']), 'room:announce', 'b')).toBe(true);
  });

  it('forgets what it knew as soon as the facts change', () => {
    const facts = new Facts().world('demo', { attendee: [] }).room('a');
    const access = new Access(facts);
    const ann = session('ann');
    expect(access.can(ann, 'room:announce', 'a')).toBe(false);
    facts.room('a', { grants: [{ user: 'ann', role: 'moderator' }] });
    expect(access.can(ann, 'room:announce', 'a')).toBe(true);
    facts.room('a');
    expect(access.can(ann, 'room:announce', 'a')).toBe(false);
    facts.world('demo', {});
    expect(access.can(ann, 'world:view')).toBe(false);
  });

  it('refuses by existence first, then by permission, each with its scope’s code', () => {
    const facts = new Facts()
      .world('demo', { attendee: [] })
      .world('other', { admin: [] })
      .room('a')
      .room('gone', { status: 'deleted', trait_grants: { admin: [] } })
      .room('pending', { status: 'pending', trait_grants: { admin: [] } })
      .room('foreign', { world: 'other', trait_grants: { admin: [] }, grants: [{ user: 'ann', role: 'admin' }] });
    const access = new Access(facts);
    const ann = session('ann');
    const code = (permission: 'room:view' | 'world:update', room?: string): string =>
      codeOf(() => access.require(ann, permission, room));
    expect(code('world:update')).toBe('auth.denied');
    expect(code('room:view', 'a')).toBe('protocol.denied');
    for (const room of ['gone', 'pending', 'foreign', 'nowhere', 'constructor']) {
      expect([room, code('room:view', room)]).toEqual([room, 'room.unknown']);
    }
    expect(access.can(ann, 'room:view', 'foreign')).toBe(false);
    // Its deletion is told to those who could see it.
    expect(access.can(ann, 'room:view', 'gone')).toBe(true);
    expect(access.can(session('ann', [], 'nowhere'), 'world:view')).toBe(false);
  });

  it('gives the world’s own roles in this world only, and takes no name of an object for one', () => {
    const facts = new Facts()
      .world('demo', { steward: ['staff'], constructor: [] }, [], { steward: ['world:view', 'room:announce'] })
      .world('other', { steward: [] })
      .room('a', { trait_grants: { steward: ['crew'] } });
    const access = new Access(facts);
    expect([...access.inWorld(session('ann', ['staff']))]).toEqual(['world:view', 'room:announce']);
    expect([...access.inRoom(session('ann', ['crew']), 'a')]).toEqual(['room:announce']);
    expect([...access.inWorld(session('ann', ['crew']))]).toEqual([]);
    expect([...access.inWorld(session('ann', ['staff'], 'other'))]).toEqual([]);
  });

  it('gives somebody invited their room and nothing else, whatever anyone is granted', () => {
    const facts = new Facts()
      .world('demo', { admin: [] }, [{ user: 'client:x', role: 'admin' }])
      .world('other', { admin: [] })
      .room('a', { trait_grants: { admin: [] }, grants: [{ user: 'client:x', role: 'admin' }] })
      .room('b', { trait_grants: { viewer: [] } });
    const access = new Access(facts);
    const guest = { ...session('client:x'), anonymous: { room: 'a' } };
    expect([...access.inWorld(guest)]).toEqual([]);
    expect([...access.inRoom(guest, 'a')]).toEqual(['room:view', 'room:session.join']);
    expect([...access.inRoom(guest, 'b')]).toEqual([]);
    expect([...access.inRoom({ ...guest, world: 'other' }, 'a')]).toEqual([]);
    expect(access.audienceOf(guest)).not.toBe(access.audienceOf({ ...guest, anonymous: { room: 'b' } }));
    expect(access.audienceOf(guest)).not.toBe(access.audienceOf(session('client:x')));
  });

  it('takes two for one audience only when they may do the same everywhere', () => {
    const facts = new Facts().world('demo', {}).room('a', { grants: [{ user: 'bob', role: 'viewer' }] });
    const access = new Access(facts);
    const key = (user: string, ...traits: string[]): string => access.audienceOf(session(user, traits));
    expect(key('ann', 'x', 'y')).toBe(key('cat', 'y', 'x'));
    expect(key('ann', 'x')).not.toBe(key('ann', 'y'));
    expect(key('ann', 'x')).not.toBe(key('bob', 'x'));
    expect(key('ann', 'x","y')).not.toBe(key('ann', 'x', 'y'));
    facts.room('a', { grants: [] });
    expect(key('ann', 'x')).toBe(key('bob', 'x'));
  });
});
