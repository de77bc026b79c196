import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Guest } from './guest.js';
import { connectAs, temporaryServers, tokenFor, type ServerProcess, type SocketClient } from './support/server.js';

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;
let worlds = 0;

beforeAll(async () => {
  servers = await temporaryServers();
  server = await servers.start();
});

afterAll(() => servers.remove());

async function limitedWorld(connection_limit: number | null) {
  const world = `w-${++worlds}`;
  const admin = await connectAs(server, 'admin', ['admin'], { world });
  const limit = (most: number | null) => admin.call('world.config.patch', { connection_limit: most });
  await limit(connection_limit);
  return { world, admin, limit, as: (user: string) => connectAs(server, user, [], { world }) };
}

/** How a connection that had to make room heard of it. */
async function replaced(client: SocketClient): Promise<unknown> {
  const { body } = await client.waitFor(({ name }) => name === 'error');
  return [(body as { code: string }).code, await client.closed];
}

const outcome = ['connection.replaced', { code: 4409, reason: 'connection.replaced' }];

it('a new sign-in takes the place of the user’s oldest connection', async () => {
  const { as } = await limitedWorld(2);
  const [first, second, other] = [await as('ann'), await as('ann'), await as('bob')];
  const third = await as('ann');
  expect(await replaced(first)).toEqual(outcome);
  expect([second.open, third.open, other.open]).toEqual([true, true, true]);
  // A place that was left is free.
  await third.close();
  const fourth = await as('ann');
  await fourth.call('room.leave', { room: 'x' });
  expect(second.open).toBe(true);
  await as('ann');
  expect(await replaced(second)).toEqual(outcome);
  expect(fourth.open).toBe(true);
});

it('a lower limit counts from the next sign-in on, no limit at once', async () => {
  const { as, limit } = await limitedWorld(null);
  const open: SocketClient[] = [];
  for (let n = 0; n < 5; n++) open.push(await as('ann'));
  await limit(2);
  await Promise.all(open.map((client) => client.call('room.leave', { room: 'x' })));
  const newest = await as('ann');
  const gone = await Promise.race([Promise.all(open.slice(0, 4).map(replaced)), open[4]?.closed]);
  expect(gone).toEqual(Array.from({ length: 4 }, () => outcome));
  await limit(null);
  const more = [await as('ann'), await as('ann')];
  for (const client of [open[4], newest, ...more]) expect(await client?.call('room.leave', { room: 'x' })).toEqual({});
});

it('renewing a token takes no place, and other worlds have limits of their own', async () => {
  const [here, there] = [await limitedWorld(1), await limitedWorld(1)];
  const token = await tokenFor('ann', [], { world: here.world });
  const ann = await Guest.signIn(server, { token }, here.world);
  const elsewhere = await there.as('ann');
  for (let n = 0; n < 3; n++) {
    expect(((await ann.socket.ask(['authenticate', { token }])) as unknown[])[0]).toBe('authenticated');
  }
  expect((await ann.call('room.leave', { room: 'x' })).code).toBe('success');
  expect(elsewhere.open).toBe(true);
});

it('somebody without a token is counted by the client_id, and one limit above the server’s own changes nothing', async () => {
  const { world, admin, limit, as } = await limitedWorld(1);
  const { room } = await admin.call<{ room: string }>('room.create', { name: 'Hall' });
  const { url } = await admin.call<{ url: string }>('room.invite.anonymous.link', { room });
  const invite_token = url.slice(-6);
  const first = await Guest.signIn(server, { client_id: 'a', invite_token }, world);
  const other = await Guest.signIn(server, { client_id: 'b', invite_token }, world);
  await Guest.signIn(server, { client_id: 'a', invite_token }, world);
  expect(await first.socket.closed).toEqual({ code: 4409, reason: 'connection.replaced' });
  expect(first.socket.frames.at(-1)).toEqual([
    'error',
    null,
    { code: 'connection.replaced', message: expect.any(String) },
  ]);
  expect((await other.call('room.enter', { room })).code).toBe('success');
  // The server allows 50 sockets of a user: at a limit of 50 an older one makes room, above it the new one is refused.
  await limit(50);
  const oldest = await as('ann');
  await Promise.all(Array.from({ length: 49 }, () => as('ann')));
  const last = await as('ann');
  expect(await replaced(oldest)).toEqual(outcome);
  await limit(51);
  await expect(as('ann')).rejects.toMatchObject({ closeCode: 1013 });
  expect(last.open).toBe(true);
});
