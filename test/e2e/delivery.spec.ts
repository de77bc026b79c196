import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { heardBy as heardFrom, openGatedWorld, type Heard } from './hearing.js';
import { codeOf } from './outcomes.js';
import { RawSocket } from './raw-socket.js';
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

type Config = Record<string, unknown> & { readonly id: string; readonly permissions?: readonly string[] };
type WorldConfig = {
  readonly world: object;
  readonly permissions: readonly string[];
  readonly rooms: readonly Config[];
};
const namesIn = (body: unknown): unknown[] => (body as WorldConfig).rooms.map(({ name }) => name);

describe('an event', () => {
  it('goes once to every socket it concerns, and to no other', async () => {
    const admin = await signIn('admin', ['admin']);
    const [inside, tab, outside, left] = [
      await signIn('inside'),
      await signIn('inside'),
      await signIn('outside'),
      await signIn('left'),
    ];
    const foreign = await signIn('inside', ['admin'], 'other');
    const stranger = await RawSocket.open(server);
    const everyone = [admin, inside, tab, outside, left];

    const { room, ...config } = await admin.call<Config>('room.create', { name: 'Hall', description: 'Main' });
    expect(await heardBy('demo', ...everyone)).toEqual(everyone.map(() => [['room.create', config]]));

    for (const one of [inside, tab, left]) {
      expect(await one.call('room.enter', { room })).toEqual({});
      expect(await one.call('room.enter', { room })).toEqual({});
    }
    expect(await left.call('room.leave', { room })).toEqual({});
    expect(await left.call('room.leave', { room })).toEqual({});
    const schedule_data = { session: 1, title: 'Öffnung 🎉' };
    expect(await admin.call('room.schedule', { room, schedule_data })).toEqual({});
    await admin.call('room.schedule', { room, schedule_data: null });
    const scheduled = [schedule_data, null].map((data) => ['room.schedule', { room, schedule_data: data }]);
    const few = ['world.user_count_change', { room, users: 'few' }];
    const inRoom = [few, ...scheduled];
    expect(await heardBy('demo', ...everyone)).toEqual([[few], inRoom, inRoom, [few], [few]]);

    await admin.call('room.config.patch', { room, name: 'Aula' });
    const updates = await heardBy('demo', ...everyone);
    for (const heard of updates) {
      expect(heard.map(([name]) => name)).toEqual(['world.updated']);
      expect(namesIn(heard[0]?.[1])).toEqual(['Aula']);
    }
    await admin.call('room.config.reorder', []);
    expect((await heardBy('demo', ...everyone)).map((heard) => heard.map(([name]) => name))).toEqual(
      everyone.map(() => ['world.updated']),
    );
    await admin.call('room.grant', { room, user: 'outside', role: 'speaker' });
    await admin.call('room.delete', { room });
    expect(await heardBy('demo', ...everyone)).toEqual(everyone.map(() => [['room.delete', { id: room }]]));

    expect(await heardBy('other', foreign)).toEqual([[]]);
    expect(await stranger.ask(['ping', 1])).toEqual(['pong', 1]);
    expect(stranger.frames).toEqual([['pong', 1]]);
  });

  it('of a refused or resent command goes to nobody', async () => {
    const admin = await signIn('admin', ['admin']);
    const { room } = await admin.call<Config>('room.create', { name: 'Quiet', command_id: 'quiet' });
    await admin.call('room.enter', { room });
    await admin.call('room.schedule', { room, schedule_data: null, command_id: 'quiet 2' });
    await heardBy('demo', admin);
    await admin.call('room.create', { name: 'Quiet', command_id: 'quiet' });
    await admin.call('room.schedule', { room, schedule_data: null, command_id: 'quiet 2' });
    await codeOf(admin.call('room.schedule', { room, schedule_data: { x: 1 } }));
    await codeOf(admin.call('room.create', { name: 'quiet' }));
    expect(await heardBy('demo', admin)).toEqual([[]]);
  });
});

describe('world.config', () => {
  it('is each user’s own, with exactly the stated fields', async () => {
    const admin = await signIn('admin', ['admin'], 'gated');
    const attendee = await signIn('attendee', [], 'gated');
    const vip = await signIn('vip', ['vip', 'green'], 'gated');
    const open = await admin.call<Config>('room.create', { name: 'Open', trait_grants: { viewer: [] } });
    const closed = await admin.call<Config>('room.create', { name: 'Closed' });
    const both = { participant: ['vip', ['red', 'green']] };
    const lounge = await admin.call<Config>('room.create', { name: 'Lounge', trait_grants: both });
    // Created rooms are told to those who may view them.
    const created = (heard: Heard[]): unknown[] => heard.map(([name, body]) => [name, (body as Config).id]);
    const told = (await heardBy('gated', admin, attendee, vip)).map(created);
    const of = (...rooms: Config[]): unknown[] => rooms.map(({ id }) => ['room.create', id]);
    expect(told).toEqual([of(open, closed, lounge), of(open), of(open, lounge)]);

    await admin.call('room.config.patch', { room: closed.id, description: 'secret' });
    const [forAdmin, forAttendee, forVip] = (await heardBy('gated', admin, attendee, vip)).map(([first]) => first?.[1]);
    expect([forAdmin, forAttendee, forVip].map(namesIn)).toEqual([
      ['Open', 'Closed', 'Lounge'],
      ['Open'],
      ['Open', 'Lounge'],
    ]);
    const { room: _room, ...config } = open;
    expect(forAttendee).toEqual({
      world: { id: 'gated', title: 'gated' },
      permissions: ['world:view'],
      rooms: [{ ...config, permissions: ['world:view', 'room:view'] }],
    });
    expect((forVip as WorldConfig).rooms[1]?.permissions).toEqual(['world:view', 'room:view', 'room:session.join']);
    expect((forAdmin as WorldConfig).permissions).toContain('world:update');
    // The same at sign-in.
    for (const [user, traits, expected] of [
      ['attendee', [], forAttendee],
      ['vip', ['vip', 'green'], forVip],
      ['admin', ['admin'], forAdmin],
    ] as const) {
      const again = await signIn(user, traits, 'gated');
      expect(await again.welcome).toEqual({ 'user.config': { id: user, profile: {} }, 'world.config': expected });
      await again.close();
    }
    // A user with a grant of its own is not taken for one with the same traits.
    const friend = await signIn('friend', [], 'gated');
    await admin.call('room.grant', { room: closed.id, user: 'friend', role: 'viewer' });
    await admin.call('room.config.patch', { room: closed.id, description: 'more' });
    const fresh = await heardBy('gated', attendee, friend);
    expect(fresh.map((heard) => namesIn(heard.at(-1)?.[1]))).toEqual([['Open'], ['Open', 'Closed']]);
  });
});
