import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SocketIoClient } from '../gateway/socket-io-client.js';
import { Guest } from './guest.js';
import { EnvelopeClient, none, SocketIoSpeaker, type Speaker } from './support/envelope.js';
import { connectAs, temporaryServers, tokenFor, tokens, type ServerProcess } from './support/server.js';

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;
beforeAll(async () => {
  servers = await temporaryServers();
  server = await servers.start({ env: { ALLOWED_ORIGINS: 'https://app.example' } });
});
afterAll(() => servers.remove());

const ask = (client: SocketIoClient, endpoint: string, data: object): Promise<unknown> =>
  client.ask(endpoint, { data, event: { id: `${endpoint} ${performance.now()}` } });

it.each([
  ['polling', { transports: ['polling'] }],
  ['websocket', { transports: ['websocket'] }],
  ['websocket', {}],
])('the official client works with %s and %j', async (transport, options) => {
  const world = `w-${JSON.stringify(options).length}`;
  const admin = await connectAs(server, 'admin', ['admin'], { world });
  const { room } = await admin.call<{ room: string }>('room.create', { name: 'Hall' });
  const token = await tokenFor('ada', [], { world, email: 'ada@example.org', profile: { firstName: 'Ada' } });
  const client = SocketIoClient.of(server.url, token, options);
  await client.connect();
  // The world is the token's.
  expect(await client.next('user_info')).toEqual([
    {
      data: {
        user: {
          id: 'ada',
          firstName: 'Ada',
          lastName: '',
          privacyMode: 0,
          avatar: '',
          companyName: '',
          companyTitle: '',
          email: 'ada@example.org',
          permissions: expect.arrayContaining(['world:view']),
        },
        network: { id: world, fullName: world },
      },
      error: none,
    },
  ]);
  if (client.transport !== transport) await new Promise((resolve) => client.socket.io.engine.once('upgrade', resolve));
  expect(await ask(client, 'room.enter', { room })).toEqual({ error: none });
  // Without an acknowledgement the answer comes under the endpoint's name.
  client.socket.emit('room.react', { data: { room, reaction: '👍' }, event: { id: 'r' } });
  expect(await client.next('room.react')).toEqual([{ event: { id: 'r', position: expect.any(String) }, error: none }]);
  expect(await client.next('room.reaction')).toEqual([{ data: { room, reactions: { '👍': 1 } }, error: none }]);
  await admin.call('room.schedule', { room, schedule_data: { title: 'é 👏' } });
  expect(await client.next('room.schedule')).toEqual([
    { data: { room, schedule_data: { title: 'é 👏' } }, error: none },
  ]);
  // It is in the room for others, until it leaves.
  await admin.call('room.enter', { room });
  client.end();
  expect((await admin.waitFor(({ name }) => name === 'room.viewer.removed')).body).toEqual({ user_id: 'ada' });
  await admin.close();
});

describe('a sign-in', () => {
  it('is refused at connect with its code', async () => {
    const cases: [token: unknown, code: string][] = [
      [undefined, 'auth.missing_token'],
      ['x', 'auth.invalid_token'],
      [{ token: 'x' }, 'auth.invalid_token'],
      [await tokens.sign({ sub: 'a', world: 'demo' }, '-1s'), 'auth.expired_token'],
    ];
    for (const [token, code] of cases) {
      await expect(SocketIoSpeaker.signedIn(server, token)).rejects.toMatchObject({ code });
    }
  });

  it('makes it one of the user’s 50 sockets; the next one is refused', async () => {
    const token = await tokenFor('many');
    const sockets: Speaker[] = [await SocketIoSpeaker.signedIn(server, token)];
    while (sockets.length < 50) sockets.push(await EnvelopeClient.signedIn(server, token));
    await expect(SocketIoSpeaker.signedIn(server, token)).rejects.toMatchObject({ code: 'rate_limited' });
    for (const one of sockets) one.close();
  });

  it('lasts as long as its token: an error event with the code, then the end', async () => {
    const { client } = await SocketIoSpeaker.signedIn(server, await tokens.sign({ sub: 'ada', world: 'demo' }, '2s'));
    const expiry = await client.next('error');
    expect(expiry).toEqual([{ code: 'auth.expired_token', message: expect.any(String) }]);
    expect(await client.disconnected).toBe('io server disconnect');
  });

  it('can be renewed while it is open', async () => {
    const { client } = await SocketIoSpeaker.signedIn(server, await tokens.sign({ sub: 'ada', world: 'demo' }, '2s'));
    const token = await tokenFor('ada', ['admin']);
    const renewed = await client.ask('authenticate', { data: { token } });
    expect(renewed).toMatchObject({
      data: { user: { id: 'ada', permissions: expect.arrayContaining(['world:update']) } },
    });
    expect(await ask(client, 'world.config.get', {})).toMatchObject({ data: { id: 'demo' } });
    client.end();
  });
});

it('a world’s limit counts all sockets of a user', async () => {
  const world = 'w-limit';
  const admin = await connectAs(server, 'admin', ['admin'], { world });
  await admin.call('world.config.patch', { connection_limit: 1 });
  const token = await tokenFor('ann', [], { world });
  const { client } = await SocketIoSpeaker.signedIn(server, token);
  const guest = await Guest.signIn(server, { token }, world);
  expect(await client.next('error')).toMatchObject([{ code: 'connection.replaced' }]);
  expect(await client.disconnected).toBe('io server disconnect');
  const second = await SocketIoSpeaker.signedIn(server, token);
  expect((await guest.socket.closed).code).toBe(4409);
  second.close();
  await admin.close();
});

it('pages of other origins are kept out, and the rest of the server is as it was', async () => {
  const at = (path: string, origin?: string): Promise<Response> =>
    fetch(`${server.url}${path}`, origin === undefined ? {} : { headers: { origin } });
  const polling = '/socket.io/?EIO=4&transport=polling';
  expect((await at(polling)).status).toBe(200);
  const allowed = await at(polling, 'https://app.example');
  expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([200, 'https://app.example']);
  const refused = await at(polling, 'https://evil.example');
  expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([403, null]);
  expect(await refused.json()).toEqual({ code: 'auth.denied', message: expect.any(String) });
  expect((await at(`${polling}&timestamps=iso`)).status).toBe(400);
  expect((await at('/health/ready')).status).toBe(200);
  expect((await at('/nothing')).status).toBe(404);
});

it('a stop tells everyone, and clients come back by themselves to the server that follows', async () => {
  const own = await temporaryServers();
  try {
    const first = await own.start();
    const token = await tokenFor('ada');
    const polling = await SocketIoSpeaker.signedIn(first, token, { transports: ['polling'] });
    const { client } = await SocketIoSpeaker.signedIn(first, token, { reconnection: true, reconnectionDelay: 50 });
    const started = performance.now();
    await first.stop();
    expect(performance.now() - started).toBeLessThan(10_000);
    for (const one of [polling.client, client]) {
      expect(await one.next('error')).toEqual([{ code: 'server.restart', message: expect.any(String) }]);
      expect(await one.disconnected).toBe('transport close');
    }
    await own.start({ port: Number(new URL(first.url).port) });
    await client.next('user_info');
    expect(await ask(client, 'ping', { a: 1 })).toEqual({ data: { a: 1 }, error: none });
    client.end();
  } finally {
    await own.remove();
  }
});
