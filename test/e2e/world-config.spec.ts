import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { defaultTraitGrants, roles as defaultRoles } from '../../src/identity/roles.js';
import { codeOf } from './outcomes.js';
import { connectAs, temporaryServers, type ServerProcess, type SocketClient } from './support/server.js';

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;
let worlds = 0;

beforeAll(async () => {
  servers = await temporaryServers();
  server = await servers.start({ env: { RATE_LIMIT: 'off' } });
});

afterAll(() => servers.remove());

interface Stage {
  readonly world: string;
  readonly admin: SocketClient;
  readonly as: (user: string, ...traits: string[]) => Promise<SocketClient>;
}

async function newWorld(): Promise<Stage> {
  const world = `w-${++worlds}`;
  const as = (user: string, ...traits: string[]) => connectAs(server, user, traits, { world });
  return { world, admin: await as('admin', 'admin'), as };
}

const refusal = (answer: Promise<unknown>): Promise<{ code: string; message: string; details?: object[] }> =>
  answer.then(
    () => ({ code: 'success', message: '' }),
    (error: { code: string; message: string; details?: object[] }) => error,
  );

const steward = ['world:view', 'room:view', 'room:announce'];

describe('world.config', () => {
  it('is what the world began with, then what it was patched to', async () => {
    const { world, admin } = await newWorld();
    const before = {
      id: world,
      title: world,
      trait_grants: defaultTraitGrants,
      connection_limit: null,
      roles: {},
    };
    expect(await admin.call('world.config.get')).toEqual(before);
    const patches: object[] = [
      {},
      { title: '🎉 Conf' },
      { connection_limit: 1_000 },
      { roles: { steward, none: [] } },
      { trait_grants: { admin: ['admin'], steward: [['staff', 'crew'], 'paid'] } },
      { connection_limit: null, title: 'x'.repeat(300) },
    ];
    let expected: object = before;
    for (const patch of patches) {
      expected = { ...expected, ...patch };
      expect(await admin.call('world.config.patch', patch)).toEqual(expected);
      expect(await admin.call('world.config.get', {})).toEqual(expected);
    }
    const first = await admin.call('world.config.patch', { title: 'A', command_id: 'once' });
    await admin.call('world.config.patch', { title: 'B' });
    expect(await admin.call('world.config.patch', { title: 'A', command_id: 'once' })).toEqual(first);
    expect(await admin.call('world.config.get')).toMatchObject({ title: 'B' });
  });

  it('is told to everyone in the world, and outlives the server', async () => {
    const { world, admin, as } = await newWorld();
    const guest = await as('guest');
    await admin.call('world.config.patch', { title: 'Renamed', roles: { steward } });
    const { body } = await guest.waitFor(({ name }) => name === 'world.updated');
    expect(body).toMatchObject({ world: { id: world, title: 'Renamed' } });
    const settings = await admin.call('world.config.get');
    await server.kill9();
    server = await servers.start({ env: { RATE_LIMIT: 'off' } });
    expect(await (await as('admin', 'admin')).call('world.config.get')).toEqual(settings);
  });

  it('names the fields that do not fit', async () => {
    const { admin } = await newWorld();
    const bad: [object, string, string[]][] = [
      [{ title: '' }, 'config.invalid', ['title']],
      [{ title: 'x'.repeat(301) }, 'config.invalid', ['title']],
      [{ connection_limit: 0 }, 'config.invalid', ['connection_limit']],
      [{ connection_limit: 1_001 }, 'config.invalid', ['connection_limit']],
      [{ connection_limit: 1.5 }, 'config.invalid', ['connection_limit']],
      [{ connection_limit: '3' }, 'config.invalid', ['connection_limit']],
      [{ roles: [] }, 'config.invalid', ['roles']],
      [{ roles: { Upper: [] } }, 'config.invalid', ['roles']],
      [{ roles: { ['x'.repeat(101)]: [] } }, 'config.invalid', ['roles']],
      [{ roles: { '': [] } }, 'config.invalid', ['roles']],
      [{ roles: { steward: ['room:fly'] } }, 'config.invalid', ['roles']],
      [{ roles: { steward: 'room:view' } }, 'config.invalid', ['roles']],
      ...Object.keys(defaultRoles).map((role): [object, string, string[]] => [
        { roles: { [role]: [] } },
        'config.invalid',
        ['roles'],
      ]),
      [{ trait_grants: { steward: [] } }, 'config.invalid', ['trait_grants']],
      [{ trait_grants: { constructor: [] } }, 'config.invalid', ['trait_grants']],
      [{ trait_grants: { viewer: [7] } }, 'config.invalid', ['trait_grants']],
      [{ title: null, connection_limit: -1 }, 'config.invalid', ['title', 'connection_limit']],
      [{ id: 'other' }, 'protocol.invalid', ['id']],
      [{ title: '', dark: true }, 'protocol.invalid', ['title', 'dark']],
    ];
    for (const [payload, code, fields] of bad) {
      const { code: given, details = [] } = await refusal(admin.call('world.config.patch', payload));
      const named = details.map((one) => (one as { field: string }).field);
      expect([payload, given, named.toSorted()]).toEqual([payload, code, fields.toSorted()]);
    }
    expect((await refusal(admin.call('world.config.get', { x: 1 }))).code).toBe('protocol.invalid');
    // A role that traits are granted stays.
    await admin.call('world.config.patch', { roles: { steward }, trait_grants: { admin: ['admin'], steward: [] } });
    const kept = await refusal(admin.call('world.config.patch', { roles: {} }));
    expect([kept.code, kept.details]).toMatchObject(['config.invalid', [{ field: 'trait_grants' }]]);
  });
});

describe('a role of the world', () => {
  it('can be granted in the world and its rooms, and in no other world', async () => {
    const [here, there] = [await newWorld(), await newWorld()];
    await here.admin.call('world.config.patch', { roles: { steward } });
    const { room } = await here.admin.call<{ room: string }>('room.create', {
      name: 'Hall',
      trait_grants: { steward: ['staff'] },
    });
    const guest = await here.as('guest');
    const staff = await here.as('staff', 'staff');
    const announce = (client: SocketClient) => codeOf(client.call('room.schedule', { room, schedule_data: null }));
    expect([await announce(guest), await announce(staff)]).toEqual(['protocol.denied', 'success']);
    for (const grant of [{ room }, {}]) {
      const scope = 'room' in grant ? 'room' : 'world';
      await here.admin.call(`${scope}.grant`, { ...grant, user: 'guest', role: 'steward' });
      expect(await announce(guest)).toBe('success');
      await here.admin.call(`${scope}.revoke`, { ...grant, user: 'guest', role: 'steward' });
      expect(await announce(guest)).toBe('protocol.denied');
    }
    const theirs = await there.admin.call<{ room: string }>('room.create', { name: 'Hall' });
    const message = `role must be one of ${Object.keys(defaultRoles).join(', ')}`;
    const named = { user: 'guest', role: 'steward' };
    const refused: [string, object][] = [
      ['world.grant', named],
      ['world.revoke', named],
      ['room.grant', { ...named, room: theirs.room }],
      ['room.revoke', { ...named, room: theirs.room }],
    ];
    for (const [action, payload] of refused) {
      const { code, message: said, details } = await refusal(there.admin.call(action, payload));
      expect([action, code, said, details]).toEqual([
        action,
        'protocol.invalid',
        message,
        [{ field: 'role', message }],
      ]);
    }
    const trait_grants = { steward: [] };
    expect((await refusal(there.admin.call('room.create', { name: 'X', trait_grants }))).code).toBe('protocol.invalid');
    const patch = { room: theirs.room, trait_grants };
    expect((await refusal(there.admin.call('room.config.patch', patch))).code).toBe('config.invalid');
  });

  it('gives nothing once it is gone, and can still be taken from who holds it', async () => {
    const { as, ...stage } = await newWorld();
    let { admin } = stage;
    await admin.call('world.config.patch', { roles: { steward } });
    const { room } = await admin.call<{ room: string }>('room.create', { name: 'Hall' });
    const guest = await as('guest');
    const held = { user: 'guest', role: 'steward' };
    await admin.call('world.grant', { ...held, command_id: 'given' });
    await admin.call('room.grant', { room, ...held });
    await admin.call('world.config.patch', { roles: {} });
    expect(await codeOf(guest.call('room.schedule', { room, schedule_data: null }))).toBe('protocol.denied');
    expect(await codeOf(admin.call('world.grant', held))).toBe('protocol.invalid');
    // What was done once is answered again.
    await server.kill9();
    server = await servers.start({ env: { RATE_LIMIT: 'off' } });
    admin = await as('admin', 'admin');
    expect(await codeOf(admin.call('world.grant', { ...held, command_id: 'given' }))).toBe('success');
    for (const code of ['success', 'protocol.invalid']) {
      expect(await codeOf(admin.call('world.revoke', held))).toBe(code);
      expect(await codeOf(admin.call('room.revoke', { room, ...held }))).toBe(code);
    }
  });
});

describe('room.create as Venueless’s clients send it', () => {
  it('takes modules and a preset for what they stand for', async () => {
    const { admin, as } = await newWorld();
    await admin.call('world.config.patch', { trait_grants: { admin: ['admin'], attendee: [] } });
    const modules = [{ type: 'livestream.native', config: { hls_url: 'https://x/y.m3u8' } }];
    const sent = { name: 'Stage', modules, permission_preset: 'public' };
    const { room, ...config } = await admin.call<{ room: string }>('room.create', sent);
    expect(config).toMatchObject({ module_config: modules, trait_grants: { viewer: [], participant: [] } });
    expect(Object.keys(config)).not.toEqual(expect.arrayContaining(['modules']));
    expect(await admin.call('room.config.get', { room })).toEqual(config);
    expect(await codeOf((await as('guest')).call('room.enter', { room }))).toBe('success');
    const plain = await admin.call('room.create', { name: 'Gated', modules: [] });
    expect(plain).toMatchObject({ module_config: [], trait_grants: {} });
  });

  it('refuses what is said twice, or badly', async () => {
    const { admin } = await newWorld();
    const bad: [object, string][] = [
      [{ modules: [], module_config: [] }, 'modules'],
      [{ permission_preset: 'public', trait_grants: {} }, 'permission_preset'],
      [{ permission_preset: 'private' }, 'permission_preset'],
      [{ modules: [{}] }, 'modules'],
      [{ modules: null }, 'modules'],
    ];
    for (const [more, field] of bad) {
      const { code, details } = await refusal(admin.call('room.create', { name: 'X', ...more }));
      expect([more, code, details]).toMatchObject([more, 'protocol.invalid', [{ field }]]);
    }
  });
});
