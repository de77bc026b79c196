import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { heardBy as heardFrom, openGatedWorld, type Heard } from './hearing.js';
import { codeOf } from './outcomes.js';
import { connectAs, temporaryServers, type ServerProcess, type SocketClient } from './support/server.js';

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;

beforeAll(async () => {
  servers = await temporaryServers();
  await openGatedWorld(servers.dataDir, 'gated');
  server = await servers.start({ env: { RATE_LIMIT: 'off' } });
});

afterAll(() => servers.remove());

const signIn = (user: string, traits: readonly string[] = [], world = 'demo'): Promise<SocketClient> =>
  connectAs(server, user, traits, { world });

const heardBy = (world: string, ...clients: readonly SocketClient[]): Promise<Heard[][]> =>
  heardFrom(server, world, ...clients);

type Config = { readonly id: string; readonly room: string };

describe('a grant', () => {
  it('in a room counts there and nowhere else', async () => {
    const admin = await signIn('admin', ['admin'], 'gated');
    const guest = await signIn('guest', ['creator'], 'gated');
    const mine = await guest.call<Config>('room.create', { name: 'Mine' });
    const theirs = await admin.call<Config>('room.create', { name: 'Theirs', trait_grants: { viewer: [] } });
    await admin.call('room.grant', { room: theirs.id, user: 'guest', role: 'admin' });
    expect(await codeOf(guest.call('room.config.patch', { room: theirs.id, force_join: true }))).toBe('success');
    await admin.call('room.revoke', { room: theirs.id, user: 'guest', role: 'admin' });
    for (const role of ['room_owner', 'moderator', 'admin']) {
      await guest.call('room.grant', { room: mine.id, user: 'guest', role });
    }
    const denied: [string, object, string][] = [
      ['room.config.list', {}, 'auth.denied'],
      ['room.config.reorder', { rooms: [mine.id] }, 'auth.denied'],
      ['world.grant', { user: 'guest', role: 'admin' }, 'auth.denied'],
      ['room.config.patch', { room: theirs.id, name: 'Stolen' }, 'protocol.denied'],
      ['room.schedule', { room: theirs.id, schedule_data: null }, 'protocol.denied'],
      ['room.delete', { room: theirs.id }, 'protocol.denied'],
      ['room.grant', { room: theirs.id, user: 'guest', role: 'viewer' }, 'protocol.denied'],
    ];
    for (const [action, payload, code] of denied) {
      expect([action, await codeOf(guest.call(action, payload))]).toEqual([action, code]);
    }
    // A role that creates rooms does not do so when it was given in a room only.
    const other = await signIn('other', [], 'gated');
    await guest.call('room.grant', { room: mine.id, user: 'other', role: 'room_creator' });
    await guest.call('room.grant', { room: mine.id, user: 'other', role: 'admin' });
    expect(await codeOf(other.call('room.create', { name: 'Not so' }))).toBe('auth.denied');
  });

  it('and its end act on open sockets at once, on what they may do and on what they hear', async () => {
    const admin = await signIn('admin', ['admin'], 'gated');
    const mod = await signIn('mod', [], 'gated');
    const { id: room } = await admin.call<Config>('room.create', { name: 'Stage' });
    const announce = (n: number) => codeOf(mod.call('room.schedule', { room, schedule_data: { session: n } }));
    expect(await announce(0)).toBe('protocol.denied');
    expect(await codeOf(mod.call('room.enter', { room }))).toBe('protocol.denied');
    for (const scope of ['room', 'world']) {
      const given = { user: 'mod', role: 'moderator', ...(scope === 'room' && { room }) };
      await admin.call(`${scope}.grant`, given);
      expect(await announce(1)).toBe('success');
      expect(await mod.call('room.enter', { room })).toEqual({ viewers: [{ id: 'mod', profile: {} }] });
      await heardBy('gated', mod, admin);
      await admin.call('room.schedule', { room, schedule_data: { session: 2 } });
      await admin.call(`${scope}.revoke`, given);
      // Both are sent as soon as the revocation was acknowledged; mod is still in the room's list of sockets.
      const [late] = await Promise.all([
        announce(3),
        admin.call('room.schedule', { room, schedule_data: { session: 4 } }),
      ]);
      expect(late).toBe('protocol.denied');
      const heard = (await heardBy('gated', mod))[0] ?? [];
      expect(heard.filter(([name]) => name === 'room.schedule').map(([, body]) => body)).not.toContainEqual({
        room,
        schedule_data: { session: 4 },
      });
      expect(await codeOf(mod.call('room.enter', { room }))).toBe('protocol.denied');
    }
    // One who loses sight of a room does not hear of its end either.
    await admin.call('room.delete', { room });
    expect(await heardBy('gated', mod)).toEqual([[]]);
  });
});

describe('a world', () => {
  it('hears, sees and reaches nothing of another', async () => {
    const [here, there] = [await signIn('admin', ['admin'], 'north'), await signIn('admin', ['admin'], 'south')];
    const { id: room } = await here.call<Config>('room.create', { name: 'Secret plans' });
    const { id: own } = await there.call<Config>('room.create', { name: 'Secret plans' });
    await here.call('room.enter', { room });
    const calls: [string, object][] = [
      ['room.enter', { room }],
      ['room.config.get', { room }],
      ['room.config.patch', { room, name: 'Mine' }],
      ['room.config.patch', { room, description: 'Mine' }],
      ['room.config.reorder', { rooms: [room] }],
      ['room.schedule', { room, schedule_data: null }],
      ['room.grant', { room, user: 'admin', role: 'admin' }],
      ['room.revoke', { room, user: 'admin', role: 'room_owner' }],
      ['room.delete', { room }],
    ];
    const nowhere = '00000000-0000-5000-8000-000000000000';
    for (const [action, payload] of calls) {
      const message = async (target: object): Promise<string> =>
        there.call(action, target).then(String, (error: { code: string } & Error) => `${error.code} ${error.message}`);
      const unknown = JSON.parse(JSON.stringify(payload).replace(room, nowhere)) as object;
      expect([action, await message(payload)]).toEqual([action, 'room.unknown There is no such room.']);
      expect(await message(unknown)).toBe(await message(payload));
    }
    expect(await there.call('room.leave', { room })).toEqual({});
    // Nor does a grant over there count for the same user id here.
    await there.call('world.grant', { user: 'carol', role: 'admin' });
    const carol = await signIn('carol', [], 'north');
    expect(await codeOf(carol.call('room.delete', { room }))).toBe('protocol.denied');
    await heardBy('south', there);
    await here.call('room.config.patch', { room, description: 'x' });
    await here.call('room.schedule', { room, schedule_data: { session: 1 } });
    await here.call('room.config.reorder', []);
    await here.call('room.delete', { room });
    const [fromHere, fromThere] = [await heardBy('north', here), await heardBy('south', there)];
    expect(fromHere[0]?.length).toBeGreaterThan(3);
    expect(fromThere).toEqual([[]]);
    const rooms = (await there.call<Config[]>('room.config.list')).map(({ id }) => id);
    expect([rooms.includes(own), rooms.includes(room)]).toEqual([true, false]);
  });
});
