import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { heardBy as heardFrom, openGatedWorld, type Heard } from './hearing.js';
import { codeOf } from './outcomes.js';
import { connectAs, temporaryServers, tokenFor, type ServerProcess, type SocketClient } from './support/server.js';

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;
let admin: SocketClient;
let rooms = 0;

beforeAll(async () => {
  servers = await temporaryServers();
  await openGatedWorld(servers.dataDir, 'gated');
  server = await servers.start({ env: { RATE_LIMIT: 'off' } });
  admin = await connectAs(server, 'admin', ['admin']);
});

afterAll(() => servers.remove());

const signIn = (user: string, traits: readonly string[] = [], world = 'demo'): Promise<SocketClient> =>
  connectAs(server, user, traits, { world });
const moderator = (user: string, world = 'demo'): Promise<SocketClient> => signIn(user, ['moderator'], world);

async function createRoom(by = admin, config: object = {}): Promise<string> {
  return (await by.call<{ room: string }>('room.create', { name: `Hall ${++rooms}`, ...config })).room;
}

const isPresence = ([name]: Heard): boolean => name.startsWith('room.viewer.') || name === 'world.user_count_change';
/** What each client of the world has heard of who is where since the last call. */
async function heardBy(world: string, ...clients: readonly SocketClient[]): Promise<Heard[][]> {
  return (await heardFrom(server, world, ...clients)).map((heard) => heard.filter(isPresence));
}

const enter = (client: SocketClient, room: string) => client.call('room.enter', { room });
const leave = (client: SocketClient, room: string) => client.call('room.leave', { room });
const added = (id: string): Heard => ['room.viewer.added', { user: { id, profile: {} } }];
const removed = (id: string): Heard => ['room.viewer.removed', { user_id: id }];
const count = (room: string, users: string): Heard => ['world.user_count_change', { room, users }];

/** One who leaves does not wait for it: resolves when the watcher was told. */
async function whileTold(watcher: SocketClient, [name, body]: Heard, act: () => unknown): Promise<void> {
  const told = new Promise<void>((resolve) => {
    const stop = watcher.onEvent((event) => {
      if (event.name !== name || JSON.stringify(event.body) !== JSON.stringify(body)) return;
      stop();
      resolve();
    });
  });
  await act();
  await told;
}

describe('room.enter and room.leave', () => {
  it('answer who is in the room to those with room:viewers, and nothing to the others', async () => {
    const room = await createRoom();
    const [dora, mod] = [await signIn('dora'), await moderator('mod')];
    const people = (...ids: string[]) => ({ viewers: ids.map((id) => ({ id, profile: {} })) });
    expect(await enter(dora, room)).toEqual({});
    expect(await enter(mod, room)).toEqual(people('dora', 'mod'));
    expect(await enter(mod, room)).toEqual(people('dora', 'mod'));
    await whileTold(mod, removed('dora'), () => leave(dora, room));
    const second = await moderator('second');
    expect(await enter(second, room)).toEqual(people('mod', 'second'));
    // Each has the profile of its token; an unknown room is left without complaint, and entered by nobody.
    const profile = { display_name: 'Zoë' };
    const zoe = { id: 'zoe', profile };
    const token = await tokenFor('zoe', ['moderator'], { profile });
    const withProfile = await connectAs(server, 'zoe', [], { token });
    const told = second.waitFor(({ body }) => JSON.stringify(body) === JSON.stringify({ user: zoe }));
    expect(await enter(withProfile, room)).toEqual({ viewers: [...people('mod', 'second').viewers, zoe] });
    expect((await told).name).toBe('room.viewer.added');
    expect(await leave(dora, 'nowhere')).toEqual({});
    expect(await codeOf(enter(dora, 'nowhere'))).toBe('room.unknown');
    expect(await codeOf(enter(await signIn('far', ['admin'], 'other'), room))).toBe('room.unknown');
  });

  it.each([
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ])('tell of a person with three tabs once, when they go in the order %i %i %i', async (...order) => {
    const room = await createRoom();
    const watcher = await moderator('watcher');
    await enter(watcher, room);
    const tabs = [await moderator('dora'), await moderator('dora'), await moderator('dora')];
    // Every second one hangs up, the others leave; one comes back in between.
    await Promise.all(tabs.map((tab) => enter(tab, room)));
    const [first = 0, second = 0, last = 0] = order;
    await leave(tabs[first] ?? watcher, room);
    await enter(tabs[first] ?? watcher, room);
    await leave(tabs[first] ?? watcher, room);
    await tabs[second]?.close();
    expect(await heardBy('demo', watcher)).toEqual([[count(room, 'few'), added('dora')]]);
    await whileTold(watcher, removed('dora'), () => {
      return last % 2 === 0 ? tabs[last]?.close() : leave(tabs[last] ?? watcher, room);
    });
    expect(await heardBy('demo', watcher)).toEqual([[removed('dora')]]);
    // Tabs that are open and were in the room themselves heard nothing of their own person.
    const open = tabs.filter((tab) => tab.open);
    const own = await heardBy('demo', ...open);
    expect(own.flat().filter(([name]) => name.startsWith('room.viewer.'))).toEqual([]);
    for (const client of [watcher, ...open]) await client.close();
  });

  it('tell the world how full a room is, only when that changes', async () => {
    const room = await createRoom();
    const [near, foreign] = [await signIn('near'), await signIn('near', ['admin'], 'other')];
    const people = await Promise.all(Array.from({ length: 12 }, (_one, n) => signIn(`p${n}`)));
    const heard: Heard[] = [];
    near.onEvent(({ name, body }) => void (name === 'world.user_count_change' && heard.push([name, body])));
    for (const one of people.slice(0, 10)) await enter(one, room);
    expect(heard).toEqual([count(room, 'few')]);
    for (const one of people.slice(9)) await enter(one, room);
    expect(heard).toEqual([count(room, 'few'), count(room, 'many')]);
    for (const one of people.slice(0, 1)) await leave(one, room);
    await whileTold(near, count(room, 'few'), () => people[1]?.close());
    await whileTold(near, count(room, 'none'), () => Promise.all(people.slice(2).map((one) => leave(one, room))));
    expect(heard.map(([, body]) => (body as { users: string }).users)).toEqual(['few', 'many', 'few', 'none']);
    expect(await heardBy('other', foreign)).toEqual([[]]);
  });

  it('tell nothing to people without room:viewers, outside the room, or without room:view', async () => {
    const owner = await signIn('owner', ['admin'], 'gated');
    const inWorld = (user: string, traits: string[] = []) => signIn(user, traits, 'gated');
    const hidden = await createRoom(owner, { trait_grants: { viewer: ['guest'], speaker: ['speaker'] } });
    const other = await createRoom(owner, { trait_grants: { speaker: ['speaker'] } });
    const [guest, speaker, elsewhere, stranger] = [
      await inWorld('guest', ['guest']),
      await inWorld('speaker', ['speaker']),
      await inWorld('elsewhere', ['speaker']),
      await inWorld('stranger'),
    ];
    await enter(guest, hidden);
    await enter(speaker, hidden);
    await enter(elsewhere, other);
    expect(await codeOf(enter(stranger, hidden))).toBe('protocol.denied');
    await heardBy('gated', guest, speaker, elsewhere, stranger);
    const late = await inWorld('late', ['guest']);
    await enter(late, hidden);
    await whileTold(speaker, removed('late'), () => late.close());
    expect(await heardBy('gated', guest, speaker, elsewhere, stranger)).toEqual([
      [],
      [added('late'), removed('late')],
      [],
      [],
    ]);
    await leave(elsewhere, other);
    await whileTold(speaker, removed('guest'), () => leave(guest, hidden));
    await whileTold(owner, count(hidden, 'none'), () => leave(speaker, hidden));
    // How full a room is, is for those who may view it: `guest` may view `hidden` only, `stranger` neither.
    const [toGuest, , toElsewhere, toStranger] = await heardBy('gated', guest, speaker, elsewhere, stranger);
    expect([toGuest, toStranger]).toEqual([[count(hidden, 'none')], []]);
    expect(new Map(toElsewhere?.map(([, body]) => [(body as { room: string }).room, body]))).toEqual(
      new Map([hidden, other].map((id) => [id, { room: id, users: 'none' }])),
    );
  });

  it('leave nobody in a deleted room, and tell nothing but its deletion', async () => {
    const room = await createRoom();
    const [mod, dora] = [await moderator('mod'), await signIn('dora')];
    await enter(mod, room);
    await enter(dora, room);
    await heardBy('demo', mod);
    await admin.call('room.delete', { room });
    await dora.close();
    const everything = await heardFrom(server, 'demo', mod);
    expect(everything).toEqual([[['room.delete', { id: room }]]]);
    expect(await codeOf(enter(mod, room))).toBe('room.unknown');
  });
});

describe('events of presence', () => {
  it('are followed by those with room:viewers, and by the one concerned', async () => {
    const room = await createRoom();
    const [mod, dora, eve] = [await moderator('mod'), await signIn('dora'), await signIn('eve')];
    for (const one of [mod, dora, eve]) await one.call('events.subscribe', { topics: [`room:${room}`] });
    await dora.call('events.subscribe', { topics: ['user:dora'] });
    await enter(dora, room);
    await enter(mod, room);
    await whileTold(mod, removed('dora'), () => leave(dora, room));
    const heard = await heardFrom(server, 'demo', mod, dora, eve);
    const types = heard.map((all) =>
      all.flatMap(([name, body]) => {
        const { type, data } = body as { type: string; data: { userId?: string } };
        return name === 'event' && data.userId !== undefined ? [[type, data.userId]] : [];
      }),
    );
    const [inDora, outDora] = [
      ['ViewerEntered', 'dora'],
      ['ViewerLeft', 'dora'],
    ];
    expect(types).toEqual([[inDora, ['ViewerEntered', 'mod'], outDora], [inDora, outDora], []]);
  });
});
