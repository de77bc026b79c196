import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readModelProblems } from '../faults/oracle.js';
import { openGatedWorld } from './hearing.js';
import { codeOf } from './outcomes.js';
import { RawSocket } from './raw-socket.js';
import { eventsOf } from './stored-log.js';
import { connectAs, temporaryServers, tokenFor, type ServerProcess, type SocketClient } from './support/server.js';

const heart = '\u2764\uFE0F';
const env = { RATE_LIMIT: 'off' };

type Counts = Readonly<Record<string, number>>;
type Reaction = { readonly room: string; readonly reactions: Counts };

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;
let admin: SocketClient;
let rooms = 0;

beforeAll(async () => {
  servers = await temporaryServers();
  await openGatedWorld(servers.dataDir, 'gated');
  server = await servers.start({ env });
  admin = await connectAs(server, 'admin', ['admin']);
});

afterAll(() => servers.remove());

const createRoom = async (more: object = {}, by = admin): Promise<string> =>
  (await by.call<{ room: string }>('room.create', { name: `Room ${++rooms}`, ...more })).room;

/** Someone who is in the room. */
async function enter(user: string, room: string, world = 'demo'): Promise<SocketClient> {
  const client = await connectAs(server, user, [], { world });
  await client.call('room.enter', { room });
  return client;
}

const react = (client: SocketClient, room: string, reaction: string, more: object = {}): Promise<unknown> =>
  client.call('room.react', { room, reaction, ...more });

/** Who reacted how in a room, of all that counted. */
const counted = async (room: string): Promise<unknown[]> =>
  (await eventsOf(servers.dataDir)).flatMap(({ type, data }) =>
    type === 'ReactionAdded' && data['roomId'] === room ? [[data['userId'], data['emoji']]] : [],
  );

/** The next `room.reaction`s of a room, up to so many reactions in all. */
async function heard(client: SocketClient, room: string, total: number): Promise<{ frames: number; sum: Counts }> {
  const sum: Record<string, number> = {};
  let frames = 0;
  for (let left = total; left > 0; frames++) {
    const { body } = await client.waitFor(({ name }) => name === 'room.reaction');
    const { room: of, reactions } = body as Reaction;
    expect(of).toBe(room);
    for (const [emoji, count] of Object.entries(reactions)) {
      sum[emoji] = (sum[emoji] ?? 0) + count;
      left -= count;
    }
  }
  return { frames, sum };
}

/** Resolves when everything sent to the connection before has arrived; the names of events it has had. */
async function namesSoFar(client: SocketClient, names: readonly string[]): Promise<readonly string[]> {
  await client.call('room.leave', { room: 'none' });
  return names;
}

function listen(client: SocketClient): string[] {
  const names: string[] = [];
  client.onEvent(({ name }) => names.push(name));
  return names;
}

describe('room.react', () => {
  it('speaks the frames of the original, added up once a second', async () => {
    const room = await createRoom();
    const headers = { authorization: `Bearer ${await tokenFor('ann')}` };
    const socket = await RawSocket.open(server, '/ws/world/demo', { headers });
    await socket.next();
    await socket.ask(['room.enter', 122, { room }]);
    const frames: unknown[] = [];
    const until = async (fits: (frame: unknown) => boolean): Promise<unknown> => {
      for (;;) {
        const frame = await socket.next();
        frames.push(frame);
        if (fits(frame)) return frame;
      }
    };
    socket.ws.send(JSON.stringify(['room.react', 123, { room, reaction: '👏' }]));
    expect(await until((frame) => JSON.stringify(frame).includes('123'))).toEqual(['success', 123, {}]);
    const told = await until((frame) => Array.isArray(frame) && frame[0] === 'room.reaction');
    expect(told).toEqual(['room.reaction', { room, reactions: { '👏': 1 } }]);
    socket.ws.terminate();
  });

  it('takes exactly five emojis, each counted for itself, and a bare heart for a heart', async () => {
    const room = await createRoom();
    const ann = await enter('ann', room);
    const bob = await enter('bob', room);
    for (const emoji of ['👏', heart, '👍', '🤣', '😮']) expect(await react(ann, room, emoji)).toEqual({});
    expect(await react(bob, room, '\u2764')).toEqual({});
    const sum = { '👏': 1, [heart]: 2, '👍': 1, '🤣': 1, '😮': 1 };
    for (const client of [ann, bob]) expect((await heard(client, room, 6)).sum).toEqual(sum);
    for (const other of ['', '🙈', '👏🏽', '👏👏', ' 👏', 'like', '\u2764\uFE0E']) {
      expect(await codeOf(react(ann, room, other))).toBe('room.unknown_reaction');
    }
  });

  it('is judged in the order shape, existence, permission, business rules', async () => {
    const hidden = await createRoom({ trait_grants: {} });
    const other = await connectAs(server, 'admin', ['admin'], { world: 'elsewhere' });
    const ann = await connectAs(server, 'ann');
    const code = (payload: object, by = ann): Promise<string> => codeOf(by.call('room.react', payload));
    expect(await code({ room: 'nowhere', reaction: 7 })).toBe('protocol.invalid');
    expect(await code({ room: 'nowhere', reaction: null })).toBe('protocol.invalid');
    expect(await code({ room: 'nowhere' })).toBe('protocol.invalid');
    expect(await code({ room: 'nowhere', reaction: '👏', extra: 1 })).toBe('protocol.invalid');
    expect(await code({ room: 'nowhere', reaction: '🙈' })).toBe('room.unknown');
    // A room of another world does not exist.
    expect(await code({ room: hidden, reaction: '👏' }, other)).toBe('room.unknown');
    expect(await code({ room: hidden, reaction: '🙈' })).toBe('room.unknown_reaction');
    expect(await code({ room: hidden, reaction: '👏' })).toBe('success');
    await admin.call('room.delete', { room: hidden });
    await expect(ann.waitFor(({ name }) => name === 'room.delete')).resolves.toBeDefined();
    expect(await code({ room: hidden, reaction: '👏' })).toBe('room.unknown');
    expect(await counted(hidden)).toEqual([['ann', '👏']]);
  });

  it('needs room:view and nothing else: neither to be in the room, nor to hear of it', async () => {
    const room = await createRoom();
    const ann = await enter('ann', room);
    const outside = await connectAs(server, 'bob');
    const names = listen(outside);
    expect(await react(outside, room, '👍')).toEqual({});
    expect((await heard(ann, room, 1)).sum).toEqual({ '👍': 1 });
    expect(await namesSoFar(outside, names)).not.toContain('room.reaction');
  });

  it('counts one per room, emoji and person in 2 s, whatever the connection; the others succeed', async () => {
    const room = await createRoom();
    const [ann, tab, bob] = [await enter('ann', room), await enter('ann', room), await enter('bob', room)];
    const all = [ann, tab, bob, ann, tab, bob].map((client) => react(client, room, '👏'));
    expect(await Promise.all(all)).toEqual(all.map(() => ({})));
    expect((await counted(room)).toSorted()).toEqual([
      ['ann', '👏'],
      ['bob', '👏'],
    ]);
    expect((await heard(bob, room, 2)).sum).toEqual({ '👏': 2 });
    const begin = performance.now();
    while ((await counted(room)).length === 2 && performance.now() - begin < 10_000) await react(ann, room, '👏');
    expect(await counted(room)).toHaveLength(3);
  });

  it('tells a second of reactions once, the totals of what counted, and nothing when nothing comes', async () => {
    const room = await createRoom();
    const people = await Promise.all(Array.from({ length: 20 }, (_, n) => enter(`person-${n}`, room)));
    const names = people.map(listen);
    await Promise.all(people.flatMap((one) => ['👏', heart, '👏'].map((emoji) => react(one, room, emoji))));
    for (const one of people) {
      const { frames, sum } = await heard(one, room, 40);
      expect(sum).toEqual({ '👏': 20, [heart]: 20 });
      // More than one tick only where the machine took longer than a second for all.
      expect(frames).toBeLessThanOrEqual(3);
    }
    expect(await counted(room)).toHaveLength(40);
    const [first, ...others] = people;
    if (!first) throw new Error('nobody');
    await react(first, room, '😮');
    for (const one of people) expect((await heard(one, room, 1)).sum).toEqual({ '😮': 1 });
    for (const [n, one] of others.entries()) await namesSoFar(one, names[n] ?? []);
    expect(new Set(names.map((all) => all.filter((name) => name === 'room.reaction').length)).size).toBe(1);
  });

  it('is carried out once when it is sent again with its command_id, and an id serves one action', async () => {
    const room = await createRoom();
    const ann = await connectAs(server, 'ann');
    for (let n = 0; n < 3; n++) expect(await react(ann, room, '👏', { command_id: 'r-1' })).toEqual({});
    // The same id again is not even looked at: it answers what it did the first time.
    expect(await react(ann, room, '🙈', { command_id: 'r-1' })).toEqual({});
    const other = ann.call('room.schedule', { room, schedule_data: null, command_id: 'r-1' });
    expect(await codeOf(other)).toBe('protocol.invalid');
    expect(await codeOf(react(ann, room, '🙈', { command_id: 'r-2' }))).toBe('room.unknown_reaction');
    expect(await react(ann, room, '👍', { command_id: 'r-2' })).toEqual({});
    expect(await counted(room)).toEqual([
      ['ann', '👏'],
      ['ann', '👍'],
    ]);
  });
});

describe('what people hear of reactions', () => {
  it('is of their own world and room, as long as they may view it', async () => {
    const elsewhere = await connectAs(server, 'admin', ['admin'], { world: 'elsewhere' });
    const other = await createRoom({}, elsewhere);
    await elsewhere.call('room.enter', { room: other });
    const [room, next] = [await createRoom(), await createRoom()];
    const [ann, bob, eve] = [await enter('ann', room), await enter('bob', next), await enter('eve', room)];
    const deaf = [elsewhere, bob].map(listen);
    await eve.call('room.leave', { room });
    const left = listen(eve);
    await react(bob, room, '👏');
    expect((await heard(ann, room, 1)).sum).toEqual({ '👏': 1 });
    for (const [n, client] of [elsewhere, bob].entries()) {
      expect(await namesSoFar(client, deaf[n] ?? [])).not.toContain('room.reaction');
    }
    expect(await namesSoFar(eve, left)).not.toContain('room.reaction');
  });

  it('ends with the permission, also in the middle of a second', async () => {
    const boss = await connectAs(server, 'admin', ['admin'], { world: 'gated' });
    const room = await createRoom({}, boss);
    for (const user of ['ann', 'eve']) await boss.call('room.grant', { room, user, role: 'viewer' });
    const [ann, eve] = [await enter('ann', room, 'gated'), await enter('eve', room, 'gated')];
    const names = listen(eve);
    await react(eve, room, '👏');
    await boss.call('room.revoke', { room, user: 'eve', role: 'viewer' });
    expect((await heard(ann, room, 1)).sum).toEqual({ '👏': 1 });
    expect(await namesSoFar(eve, names)).not.toContain('room.reaction');
    expect(await codeOf(react(eve, room, '👍'))).toBe('protocol.denied');
    expect(await codeOf(react(eve, room, '👍', { command_id: 'sent before?' }))).toBe('protocol.denied');
    expect(await counted(room)).toEqual([['eve', '👏']]);
    // Permission comes before the rules.
    expect(await codeOf(react(eve, room, '🙈'))).toBe('protocol.denied');
  });
});

describe('after kill -9', () => {
  it('every reaction that was acknowledged is in the log once, and the timeline is the log', async () => {
    const own = await temporaryServers();
    try {
      let target = await own.start({ env });
      const boss = await connectAs(target, 'admin', ['admin']);
      const room = await createRoom({}, boss);
      const acknowledged: string[] = [];
      let kill: Promise<unknown> | undefined;
      const people = await Promise.all(Array.from({ length: 30 }, (_, n) => connectAs(target, `p${n}`)));
      await Promise.all(
        people.map(async (client, n) => {
          for (const emoji of ['👏', heart, '👍', '🤣', '😮']) {
            try {
              await react(client, room, emoji);
              acknowledged.push(`p${n} ${emoji}`);
            } catch {
              return;
            }
            if (acknowledged.length === 70) kill = target.kill9();
          }
        }),
      );
      await kill;
      expect(acknowledged.length).toBeGreaterThanOrEqual(70);
      target = await own.start({ env });
      await target.ready();
      expect(await target.stop()).toBe(0);
      const events = await eventsOf(own.dataDir);
      const stored = events.flatMap(({ type, data }) =>
        type === 'ReactionAdded' ? [`${data['userId']} ${data['emoji']}`] : [],
      );
      expect(new Set(stored).size).toBe(stored.length);
      expect(acknowledged.filter((one) => !stored.includes(one))).toEqual([]);
      expect(await readModelProblems(own.dataDir, events)).toEqual([]);
    } finally {
      await own.remove();
    }
  });
});
