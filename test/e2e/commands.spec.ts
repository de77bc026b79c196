import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { codeOf } from './outcomes.js';
import { eventsOf, headOf } from './stored-log.js';
import { connectAs, temporaryServers, type ServerProcess, type SocketClient } from './support/server.js';

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;

type Room = { readonly id: string; readonly name: string };

beforeAll(async () => {
  servers = await temporaryServers();
  server = await servers.start({ env: { RATE_LIMIT: 'off' } });
});

afterAll(() => servers.remove());

const admin = (user = 'admin', world = 'demo'): Promise<SocketClient> => connectAs(server, user, ['admin'], { world });

let lastName = 0;
async function newRoom(client: SocketClient): Promise<string> {
  return (await client.call<Room>('room.create', { name: `room ${++lastName}` })).id;
}

/** One call of every command, on a room of its own. */
async function everyCommand(client: SocketClient): Promise<[action: string, payload: Record<string, unknown>][]> {
  const [patched, moved, scheduled, deleted, granted] = [
    await newRoom(client),
    await newRoom(client),
    await newRoom(client),
    await newRoom(client),
    await newRoom(client),
  ];
  return [
    ['room.create', { name: `room ${++lastName}` }],
    ['room.config.patch', { room: patched, description: 'one' }],
    ['room.config.patch', { room: moved, name: `room ${++lastName}`, sorting_priority: 3 }],
    ['room.config.reorder', { rooms: [granted, patched] }],
    ['room.schedule', { room: scheduled, schedule_data: { session: 1 } }],
    ['room.grant', { room: granted, user: 'bob', role: 'speaker' }],
    ['room.revoke', { room: granted, user: 'bob', role: 'speaker' }],
    ['room.delete', { room: deleted }],
    ['world.grant', { user: 'bob', role: 'moderator' }],
    ['world.revoke', { user: 'bob', role: 'moderator' }],
  ];
}

describe('a command id', () => {
  it('sent again has one effect and the first reply: in sequence, at once on many connections, and after a crash', async () => {
    const client = await admin();
    const others = await Promise.all([admin(), admin(), admin()]);
    const commands = await everyCommand(client);
    const replies: unknown[] = [];
    for (const [n, [action, payload]] of commands.entries()) {
      const sent = { ...payload, command_id: `once-${n}` };
      const before = await headOf(servers.dataDir);
      const parallel = [client, client, ...others].map((one) => one.call(action, sent));
      const [first, ...rest] = await Promise.all(parallel);
      replies.push(first);
      expect([action, rest]).toEqual([action, rest.map(() => first)]);
      const head = await headOf(servers.dataDir);
      expect([action, head > before]).toEqual([action, true]);
      expect([action, await client.call(action, sent)]).toEqual([action, first]);
      // The same id is the same command, whatever else the payload says now.
      const other = action === 'room.create' ? { ...sent, name: 'another name' } : sent;
      expect([action, await client.call(action, other)]).toEqual([action, first]);
      expect([action, await headOf(servers.dataDir)]).toEqual([action, head]);
    }
    const ids = (await eventsOf(servers.dataDir)).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);

    // Later changes, the room's end and the permission's end do not change the answer; neither does a crash.
    const rooms = new Set(commands.flatMap(([, { room }]) => (typeof room === 'string' ? [room] : [])));
    for (const room of rooms) await codeOf(client.call('room.config.patch', { room, description: 'later' }));
    for (const room of rooms) await codeOf(client.call('room.delete', { room }));
    const again = async (by: SocketClient): Promise<void> => {
      const head = await headOf(servers.dataDir);
      for (const [n, [action, payload]] of commands.entries()) {
        const reply = by.call(action, { ...payload, command_id: `once-${n}` });
        expect([action, await reply.catch((error: Error) => error)]).toEqual([action, replies[n]]);
      }
      expect(await headOf(servers.dataDir)).toBe(head);
    };
    await again(client);
    await again(await connectAs(server, 'admin', []));
    await server.kill9();
    server = await servers.start({ env: { RATE_LIMIT: 'off' } });
    await server.ready();
    await again(await admin());
    await again(await connectAs(server, 'admin', []));
  });

  it('serves one action only', async () => {
    const client = await admin();
    const room = await newRoom(client);
    await client.call('room.schedule', { room, schedule_data: null, command_id: 'mine' });
    // On another room too, also while the first is under way on another connection.
    const [other, second] = [await newRoom(client), await admin()];
    expect(await codeOf(client.call('room.delete', { room: other, command_id: 'mine' }))).toBe('protocol.invalid');
    const both = await Promise.all([
      codeOf(client.call('room.config.patch', { room, force_join: true, command_id: 'at once' })),
      codeOf(second.call('room.delete', { room: other, command_id: 'at once' })),
    ]);
    expect(both.toSorted()).toEqual(['protocol.invalid', 'success']);
    const head = await headOf(servers.dataDir);
    for (const restarted of [false, true]) {
      if (restarted) {
        await server.kill9();
        server = await servers.start({ env: { RATE_LIMIT: 'off' } });
      }
      const now = await admin();
      expect(await codeOf(now.call('room.delete', { room, command_id: 'mine' }))).toBe('protocol.invalid');
      expect(await codeOf(now.call('room.config.patch', { room, name: 'x', command_id: 'mine' }))).toBe(
        'protocol.invalid',
      );
    }
    expect(await headOf(servers.dataDir)).toBe(head);
  });

  it('belongs to its user and its world', async () => {
    const alice = await admin('alice');
    const bob = await admin('bob');
    const elsewhere = await admin('alice', 'elsewhere');
    const made = await Promise.all(
      [alice, bob, elsewhere].map((one, n) => one.call<Room>('room.create', { name: `of ${n}`, command_id: 'same' })),
    );
    expect(new Set(made.map(({ id }) => id)).size).toBe(3);
    const [{ id: room = '' } = {}] = made;
    // Known to the first world only, even by the id of a command that alice gave there.
    const calls: [string, object][] = [
      ['room.config.patch', { room, description: 'x' }],
      ['room.config.patch', { room, name: 'x' }],
      ['room.schedule', { room, schedule_data: null }],
      ['room.grant', { room, user: 'x', role: 'viewer' }],
      ['room.delete', { room }],
    ];
    for (const [n, [action, payload]] of calls.entries()) {
      await alice.call(action, { ...payload, command_id: `a-${n}` });
      for (const stranger of [elsewhere, await connectAs(server, 'bob')]) {
        expect([action, await codeOf(stranger.call(action, { ...payload, command_id: `a-${n}` }))]).toEqual([
          action,
          stranger === elsewhere || action === 'room.delete' ? 'room.unknown' : 'protocol.denied',
        ]);
      }
    }
    expect(await codeOf(elsewhere.call('room.delete', { room, command_id: 'same' }))).toBe('protocol.invalid');
  });

  it('of a refused command is decided anew', async () => {
    const client = await admin();
    const first = await client.call<Room>('room.create', { name: 'Taken' });
    const head = await headOf(servers.dataDir);
    const wanted = { name: 'taken', command_id: 'again' };
    expect(await codeOf(client.call('room.create', wanted))).toBe('room.invalid.name_taken');
    expect(await codeOf(client.call('room.create', wanted))).toBe('room.invalid.name_taken');
    expect(await headOf(servers.dataDir)).toBe(head);
    await client.call('room.delete', { room: first.id });
    const made = await client.call<Room>('room.create', wanted);
    expect(made.name).toBe('taken');
    expect(await client.call('room.create', wanted)).toEqual(made);
    // A refusal for lack of permission too.
    const guest = await connectAs(server, 'guest');
    expect(await codeOf(guest.call('room.create', { name: 'By guest', command_id: 'g' }))).toBe('auth.denied');
    await client.call('world.grant', { user: 'guest', role: 'room_creator' });
    expect(await codeOf(guest.call('room.create', { name: 'By guest', command_id: 'g' }))).toBe('success');
  });
});

describe('a connection', () => {
  it('reads its own writes, and has the rights it gave itself, from its next frame on', async () => {
    const client = await admin();
    const mine = await connectAs(server, 'owner');
    await client.call('world.grant', { user: 'owner', role: 'room_creator' });
    const { id: room } = await mine.call<Room>('room.create', { name: 'Own' });
    for (let n = 0; n < 100; n++) {
      const description = `text ${n}`;
      const [patched, read] = await Promise.all([
        mine.call<object>('room.config.patch', { room, description }),
        mine.call('room.config.get', { room }),
      ]);
      expect(patched).toMatchObject({ id: room, description });
      expect(read).toEqual(patched);
    }
    for (let n = 0; n < 20; n++) {
      const [, , list] = await Promise.all([
        client.call('room.config.reorder', []),
        client.call('room.config.patch', { room, name: `Own ${n}` }),
        client.call<Room[]>('room.config.list'),
      ]);
      expect(list.find(({ id }) => id === room)?.name).toBe(`Own ${n}`);
    }
    // One who gives away its own role cannot act on it any more, even within the same burst.
    const [, , denied] = await Promise.all([
      mine.call('room.schedule', { room, schedule_data: null }),
      mine.call('room.revoke', { room, user: 'owner', role: 'room_owner' }),
      codeOf(mine.call('room.config.get', { room })),
    ]);
    expect(denied).toBe('protocol.denied');
  });
});
