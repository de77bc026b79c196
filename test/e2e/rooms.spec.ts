import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { codeOf } from './outcomes.js';
import { eventsOf, headOf } from './stored-log.js';
import { connectAs, temporaryServers, type ServerProcess, type SocketClient } from './support/server.js';

type Config = Record<string, unknown> & {
  readonly id: string;
  readonly name: string;
  readonly sorting_priority: number;
};

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;
let admin: SocketClient;
let worlds = 0;

beforeAll(async () => {
  servers = await temporaryServers();
  server = await servers.start({ env: { RATE_LIMIT: 'off' } });
  admin = await connectAs(server, 'admin', ['admin']);
});

afterAll(() => servers.remove());

/** An admin of a world without rooms. */
const inNewWorld = (): Promise<SocketClient> => connectAs(server, 'admin', ['admin'], { world: `w-${++worlds}` });

const create = (client: SocketClient, name: string, more: object = {}): Promise<Config> =>
  client.call<Config>('room.create', { name, ...more });

const fields = [
  'id',
  'name',
  'description',
  'picture',
  'sorting_priority',
  'module_config',
  'trait_grants',
  'force_join',
  'schedule_data',
  'import_id',
].toSorted();

const full = {
  description: 'Zeile 1\n🎉 "quoted" \u0000 \u2028',
  picture: '/media/hall.png',
  sorting_priority: 7,
  module_config: [
    { type: 'livestream.native', config: { hls_url: 'https://x/y.m3u8', nested: [[], {}, null, 0, -1.5, 1e21, true] } },
    {
      type: 'chat.native',
      $set: { 'a.b': 1 },
      '': 'empty',
      'a.b': { $gt: '' },
      _id: 5,
      toJSON: 1,
      length: -1,
    },
    {
      type: 'bson',
      $oid: 'x',
      $numberLong: '5',
      $ref: 'a',
      toBSON: 1,
      numbers: [2147483648, 9007199254740991, 5e-324],
    },
  ],
  trait_grants: { viewer: [], moderator: ['staff', ['a', 'b']] },
  force_join: true,
  schedule_data: { session: 1, title: 'Opening', computeSession: null },
  import_id: 'row-5',
};

describe('room.create', () => {
  it('answers with exactly the config, every field as it was sent, and so does every read', async () => {
    const client = await inNewWorld();
    const plain = await create(client, 'Plain');
    expect(Object.keys(plain).toSorted()).toEqual(['room', ...fields].toSorted());
    expect(plain).toEqual({
      room: plain.id,
      id: plain.id,
      name: 'Plain',
      description: '',
      picture: null,
      sorting_priority: 1,
      module_config: [],
      trait_grants: {},
      force_join: false,
      schedule_data: null,
      import_id: null,
    });
    const { room, ...config } = await create(client, 'Full', full);
    expect(config).toEqual({ id: room, name: 'Full', ...full });
    expect(await client.call('room.config.get', { room })).toEqual(config);
    const { room: _room, ...first } = plain;
    expect(await client.call('room.config.list')).toEqual([first, config]);
    expect(await client.call('room.config.patch', { room })).toEqual(config);
    expect(await client.call('room.config.reorder', [])).toEqual([
      { ...first, sorting_priority: 1 },
      { ...config, sorting_priority: 2 },
    ]);
    await server.ready();
  });

  it('takes names and texts up to their limits, counted in characters', async () => {
    for (const name of ['x'.repeat(300), '🎉'.repeat(300), 'é'.repeat(150)]) {
      const { room } = await create(admin, name);
      expect(await admin.call('room.config.get', { room })).toMatchObject({ name });
    }
    const long = { description: '🎉'.repeat(10_000), schedule_data: { title: '🎉'.repeat(300) } };
    expect(await create(admin, 'Long', long)).toMatchObject(long);
    expect(await codeOf(create(admin, 'Long 2', { description: '🎉'.repeat(10_001) }))).toBe('protocol.invalid');
    for (const name of ['نادي', '会议室', '한국어', 'naïve', '<script>', "'; DROP TABLE--", '${x}', '\u202eabc']) {
      expect(await create(admin, name)).toMatchObject({ name });
    }
  });
});

describe('room.config.patch', () => {
  it('changes what it names and nothing else', async () => {
    const { room, ...before } = await create(admin, 'Patched', full);
    let expected: Record<string, unknown> = before;
    const patches: object[] = [
      { name: 'Patched 2' },
      { description: '' },
      { picture: null },
      { sorting_priority: -3 },
      { module_config: [] },
      { trait_grants: {} },
      { force_join: false },
      { schedule_data: null },
      { import_id: null },
      { name: 'Patched 3', description: 'all', sorting_priority: 9, force_join: true, schedule_data: {} },
    ];
    for (const patch of patches) {
      expected = { ...expected, ...patch };
      expect(await admin.call('room.config.patch', { room, ...patch })).toEqual(expected);
      expect(await admin.call('room.config.get', { room })).toEqual(expected);
    }
  });

  it('loses none of many at once', async () => {
    const { room } = await create(admin, 'Busy');
    const clients = await Promise.all(Array.from({ length: 8 }, (_one, n) => connectAs(server, `p-${n}`, ['admin'])));
    const changes = [
      { description: 'd' },
      { picture: 'p' },
      { import_id: 'i' },
      { force_join: true },
      { name: 'Busier' },
      { sorting_priority: 42 },
      { schedule_data: { session: 7 } },
      { module_config: [{ type: 'chat' }] },
    ];
    await Promise.all(clients.map((client, n) => client.call('room.config.patch', { room, ...changes[n] })));
    const expected = Object.assign({}, ...changes);
    expect(await clients[0]?.call('room.config.patch', { room })).toMatchObject(expected);
    const replies = await Promise.all(
      Array.from({ length: 200 }, (_one, n) =>
        clients[n % 8]?.call<Config>('room.config.patch', { room, description: `${n}` }),
      ),
    );
    expect(replies.map((reply) => reply?.description)).toEqual(replies.map((_one, n) => `${n}`));
  });

  it('is answered properly while the room is being deleted', async () => {
    const [one, two] = [await connectAs(server, 'x-1', ['admin']), await connectAs(server, 'x-2', ['admin'])];
    const seen = new Set<string>();
    for (let n = 0; n < 40; n++) {
      const { room } = await create(one, `Doomed ${n}`);
      const patches = [{}, { name: `Doomed ${n} x` }, { description: 'x' }, { force_join: true }, {}].map((patch) =>
        codeOf(two.call('room.config.patch', { room, ...patch })),
      );
      await one.call('room.delete', { room });
      for (const code of await Promise.all(patches)) seen.add(code);
    }
    expect([...seen].filter((code) => code !== 'success' && code !== 'room.unknown')).toEqual([]);
    await server.ready();
  });
});

describe('room.config.reorder', () => {
  it('takes the bare array or {rooms}; the others keep their old order after them, from 1 to n', async () => {
    const client = await inNewWorld();
    const ids: string[] = [];
    for (const name of ['a', 'b', 'c', 'd', 'e']) ids.push((await create(client, name)).id);
    const [a = '', b = '', c = '', d = '', e = ''] = ids;
    const order = async (payload: unknown): Promise<[string, number][]> => {
      const reply = await client.call<Config[]>('room.config.reorder', payload);
      expect(await client.call('room.config.list')).toEqual(reply);
      for (const config of reply) expect(Object.keys(config).toSorted()).toEqual(fields);
      return reply.map(({ name, sorting_priority }) => [name, sorting_priority]);
    };
    const numbered = (names: string): [string, number][] => [...names].map((name, n) => [name, n + 1]);
    expect(await order([c, a])).toEqual(numbered('cabde'));
    expect(await order({ rooms: [e] })).toEqual(numbered('ecabd'));
    expect(await order([])).toEqual(numbered('ecabd'));
    expect(await order([a, b, c, d, e])).toEqual(numbered('abcde'));
    await client.call('room.config.patch', { room: b, sorting_priority: 900 });
    await client.call('room.delete', { room: c });
    expect(await order([d])).toEqual(numbered('daeb'));
    expect(await codeOf(client.call('room.config.reorder', [c]))).toBe('room.unknown');
    const { room: foreign } = await create(admin, 'foreign');
    expect(await codeOf(client.call('room.config.reorder', [a, foreign]))).toBe('room.unknown');
    expect(await create(client, 'new')).toMatchObject({ sorting_priority: 5 });
  });
});

describe('room.delete', () => {
  it('ends the room: whatever is asked of it later is room.unknown', async () => {
    const { room } = await create(admin, 'Short');
    await admin.call('room.enter', { room });
    expect(await admin.call('room.delete', { room })).toEqual({});
    const head = await headOf(servers.dataDir);
    const later: [string, object][] = [
      ['room.delete', { room }],
      ['room.enter', { room }],
      ['room.config.get', { room }],
      ['room.config.patch', { room, description: 'x' }],
      ['room.config.patch', { room, name: 'x' }],
      ['room.schedule', { room, schedule_data: null }],
      ['room.grant', { room, user: 'x', role: 'viewer' }],
      ['room.revoke', { room, user: 'x', role: 'viewer' }],
    ];
    for (const [action, payload] of later) {
      expect([action, await codeOf(admin.call(action, payload))]).toEqual([action, 'room.unknown']);
    }
    expect(await admin.call('room.leave', { room })).toEqual({});
    // Nothing is written but that its people are out.
    const written = (await eventsOf(servers.dataDir, head)).map(({ type }) => type);
    expect(written.filter((type) => type !== 'ViewerLeft')).toEqual([]);
    const list = await admin.call<Config[]>('room.config.list');
    expect(list.map(({ id }) => id)).not.toContain(room);
  });

  it('happens once, however many ask for it', async () => {
    const { room } = await create(admin, 'Once');
    const clients = await Promise.all(Array.from({ length: 6 }, (_one, n) => connectAs(server, `d-${n}`, ['admin'])));
    const outcomes = await Promise.all(clients.map((client) => codeOf(client.call('room.delete', { room }))));
    expect(outcomes.toSorted()).toEqual([
      'room.unknown',
      'room.unknown',
      'room.unknown',
      'room.unknown',
      'room.unknown',
      'success',
    ]);
  });
});
