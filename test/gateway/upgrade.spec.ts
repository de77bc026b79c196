import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, it } from '@jest/globals';
import { WebSocket } from 'ws';
import { Refused } from '../../src/eventsourcing/refused.js';
import { arrayDialect } from '../../src/gateway/dialects/array.js';
import { Client, errorOf, Harness, until } from './harness.js';

let harness: Harness;
afterEach(() => harness.stop());

const good = { authorization: 'Bearer alice' };

describe('the upgrade', () => {
  it.each([
    ['an unknown path', '/ws/elsewhere/demo', {}, 404, 'path.unknown'],
    ['no world', '/ws/world/', {}, 404, 'path.unknown'],
    ['more than a world', '/ws/world/demo/x', {}, 404, 'path.unknown'],
    ['a name no world has', '/ws/world/d%20e', {}, 404, 'path.unknown'],
    ['a name too long', `/ws/world/${'d'.repeat(65)}`, {}, 404, 'path.unknown'],
    ['timestamps of another kind', '/ws/world/demo?timestamps=iso', {}, 400, 'protocol.invalid'],
    ['timestamps of two kinds', '/ws/world/demo?timestamps=epoch&timestamps=x', {}, 400, 'protocol.invalid'],
    ['deprecated events in another way', '/ws/network/demo?deprecated=true', {}, 400, 'protocol.invalid'],
    ['bad percent-encoding', '/ws/world/%E0%A4%A', {}, 400, 'protocol.invalid'],
    ['a foreign origin', '/ws/world/demo', { origin: 'https://evil.example' }, 403, 'auth.denied'],
    [
      'an origin that starts alike',
      '/ws/world/demo',
      { origin: 'https://app.example.evil.example' },
      403,
      'auth.denied',
    ],
    ['an allowed origin on another port', '/ws/world/demo', { origin: 'https://app.example:444' }, 403, 'auth.denied'],
    ['an opaque origin', '/ws/world/demo', { origin: 'null' }, 403, 'auth.denied'],
    ['an origin that is none', '/ws/world/demo', { origin: 'http://' }, 403, 'auth.denied'],
    ['a bad token', '/ws/world/demo', { authorization: 'Bearer bad' }, 401, 'auth.invalid_token'],
    ['a token of another world', '/ws/world/demo', { authorization: 'Bearer elsewhere' }, 401, 'auth.wrong_world'],
    ['another scheme', '/ws/world/demo', { authorization: 'Basic YTpi' }, 401, 'auth.invalid_token'],
    ['no token in the header', '/ws/world/demo', { authorization: 'Bearer ' }, 401, 'auth.missing_token'],
    ['a store that is down', '/ws/world/demo', { authorization: 'Bearer down' }, 503, 'server.unavailable'],
  ])('refuses %s', async (_case, path, headers, status, code) => {
    harness = await Harness.start();
    expect(await harness.refused(path, headers)).toEqual({ status, body: { code, message: expect.any(String) } });
    expect(harness.sockets.connections.size).toBe(0);
  });

  it('accepts the own host, a listed origin and no origin', async () => {
    harness = await Harness.start();
    for (const origin of [`http://${harness.host}`, `https://${harness.host}`, 'https://app.example', undefined]) {
      const client = await harness.client('alice', origin === undefined ? {} : { origin });
      client.send(['ping', 1]);
      expect(await client.next()).toEqual(['pong', 1]);
    }
  });

  it('answers a good header with authenticated unasked, and keeps what the query chooses', async () => {
    harness = await Harness.start();
    const client = await harness.client(
      undefined,
      { headers: good },
      '/ws/world/%64emo?deprecated=1&x=2&timestamps=epoch',
    );
    expect(await client.next()).toEqual(['authenticated', { user: 'alice' }]);
    const connection = harness.connectionOf('alice');
    expect(connection.world).toBe('demo');
    expect(connection.dialect).toBe(arrayDialect.with({ epoch: true, deprecated: true }));
    expect(connection.dialect.deprecated).toBe(true);
  });

  it('never takes a token from the URL', async () => {
    harness = await Harness.start();
    const client = await harness.client(undefined, {}, '/ws/world/demo?token=alice&access_token=alice');
    client.send(['echo', 1, {}]);
    expect(errorOf(await client.next()).code).toBe('protocol.unauthenticated');
  });

  it('does not compress, whatever the client offers', async () => {
    harness = await Harness.start();
    const client = await harness.client('alice', { perMessageDeflate: true });
    expect(client.ws.extensions).toBe('');
  });

  it('serves Socket.IO only where that is asked for', async () => {
    harness = await Harness.start({}, { socketIo: undefined });
    expect(await harness.refused('/socket.io/?EIO=4&transport=websocket')).toMatchObject({ status: 404 });
  });

  it('survives a socket that breaks while its token is looked at', async () => {
    harness = await Harness.start();
    const broken = new Promise<Duplex>((resolve) => {
      harness.http.once('upgrade', (_request, socket: Duplex) => resolve(socket));
    });
    harness.handler.signInByToken = async () => {
      const socket = await broken;
      await new Promise((resolve) => socket.once('close', resolve).destroy(new Error('reset by peer')));
      throw new Refused('auth.invalid_token');
    };
    const client = new Client(new WebSocket(`ws://${harness.host}/ws/world/demo`, { headers: good }));
    expect((await client.closed).code).toBe(1006);
    expect(harness.logged).toEqual([]);
  });

  it('survives a client that vanishes while it is signed in', async () => {
    harness = await Harness.start();
    const signIns: (() => void)[] = [];
    harness.handler.signInByToken = (userId, world = 'demo') =>
      new Promise((resolve) => signIns.push(() => resolve({ userId, world, traits: [], profile: {} })));
    const ws = new WebSocket(`ws://${harness.host}/ws/world/demo`, { headers: good });
    const client = new Client(ws);
    await until(() => signIns.length === 1);
    ws.terminate();
    await client.closed;
    signIns[0]?.();
    await until(() => harness.handler.gone.length === 1);
    expect(harness.sockets.connections.size).toBe(0);
  });
});

describe('a graceful stop', () => {
  it('finishes the frames received, closes with 1012, refuses upgrades, and tells the handler', async () => {
    harness = await Harness.start();
    const [busy, idle] = [await harness.client('busy'), await harness.client('idle')];
    const unauthenticated = await harness.client();
    const { gone } = harness.handler;
    harness.handler.closed = async (_connection, { userId }) => {
      for (let n = 0; n < 5; n++) await new Promise((resolve) => setImmediate(resolve));
      gone.push(userId);
    };
    busy.send(['join', 0, { topic: 't' }], ['wait', 1, {}], ['say', 2, { topic: 't' }]);
    await until(() => harness.handler.gate.length === 1);
    await new Promise((resolve) => busy.ws.once('pong', resolve).ping());
    const stopped = harness.sockets.shutdown();
    expect(await harness.refused('/ws/world/demo', good)).toMatchObject({ status: 503 });
    busy.send(['echo', 3, {}]); // too late: neither carried out nor answered
    await new Promise((resolve) => busy.ws.once('pong', resolve).ping());
    harness.handler.gate.shift()?.();
    expect(await busy.take(4)).toEqual([
      ['success', 0, {}],
      ['success', 1, {}],
      ['success', 2, {}],
      ['said', expect.anything()],
    ]);
    for (const client of [busy, idle, unauthenticated]) expect((await client.closed).code).toBe(1012);
    await stopped;
    expect(harness.handler.calls).toEqual(['join', 'wait', 'say']);
    expect(harness.handler.gone.toSorted()).toEqual(['busy', 'idle']);
    expect(harness.sockets.connections.size).toBe(0);
  });

  it('takes a bounded time, whatever hangs', async () => {
    harness = await Harness.start({ drainMs: 50, closeMs: 50 });
    const client = await harness.client('alice');
    await harness.rawClient('stuck');
    client.send(['wait', 1, {}]);
    await until(() => harness.handler.gate.length === 1);
    const started = Date.now();
    await harness.sockets.shutdown();
    expect(Date.now() - started).toBeLessThan(2_000);
    expect((await client.closed).code).toBe(1012);
  });
});
