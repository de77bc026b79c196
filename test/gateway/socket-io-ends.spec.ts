import { afterEach, describe, expect, it } from '@jest/globals';
import { socketIoDialect } from '../../src/gateway/dialects/socket-io.js';
import { Harness, until } from './harness.js';
import type { SocketIoClient } from './socket-io-client.js';
import { connectRaw, connectTo, endClients, event, none, type Options } from './socket-io-parts.js';

let harness: Harness;
afterEach(async () => {
  endClients();
  await harness.stop();
});

const connect = (token: unknown, options?: Options): Promise<SocketIoClient> => connectTo(harness, token, options);

describe('a cut-off is an error event with the code, then a disconnect', () => {
  it('of one whose token is over', async () => {
    harness = await Harness.start();
    const client = await connect(`alice@${Date.now() + 200}`);
    expect(await client.next('error')).toEqual([{ code: 'auth.expired_token', message: expect.any(String) }]);
    expect(await client.disconnected).toBe('io server disconnect');
    expect(client.told).toEqual([]);
    await until(() => harness.handler.gone.length === 1);
  });

  it('of one who has to make room', async () => {
    harness = await Harness.start({}, { connectionLimit: () => 1 });
    const first = await connect('alice');
    const second = await harness.client('alice');
    expect(await first.next('error')).toEqual([{ code: 'connection.replaced', message: expect.any(String) }]);
    expect(await first.disconnected).toBe('io server disconnect');
    expect(first.told).toEqual([]);
    await connect('alice');
    expect((await second.closed).code).toBe(4409);
  });

  it('of all at a stop, who may come back by themselves', async () => {
    harness = await Harness.start();
    const [polling, ws, busy] = [
      await connect('polling', { transports: ['polling'] }),
      await connect('ws', { transports: ['websocket'] }),
      await connect('busy'),
    ];
    const answer = busy.ask('wait', { data: { n: 1 }, ...event(1) });
    await until(() => harness.handler.gate.length === 1);
    const started = performance.now();
    const stopped = harness.sockets.shutdown();
    await expect(connect('late')).rejects.toMatchObject({ name: 'ConnectError' });
    harness.handler.gate.shift()?.();
    expect(await answer).toEqual({ data: { n: 1 }, error: none });
    for (const client of [polling, ws, busy]) {
      expect(await client.next('error')).toEqual([{ code: 'server.restart', message: expect.any(String) }]);
      expect(await client.disconnected).toBe('transport close');
    }
    await stopped;
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(harness.handler.gone.toSorted()).toEqual(['busy', 'polling', 'ws']);
  });

  it('of one who does not read, while the others hear everything', async () => {
    harness = await Harness.start();
    const slow = await connectRaw(harness, 'slow');
    const client = await connect('alice', { transports: ['websocket'] });
    for (const connection of harness.sockets.connections) harness.broadcast.join(connection, 't');
    const connection = harness.connectionOf('slow');
    slow.ws.pause();
    const text = 'x'.repeat(50_000);
    let published = 0;
    for (; !connection.closed; published++) {
      harness.broadcast.publish('t', 'said', { n: published, text });
      expect(await client.next('said')).toMatchObject([{ data: { n: published } }]);
      expect(published * text.length).toBeLessThan(64 * 2 ** 20);
    }
    await until(() => harness.handler.gone.length === 1);
    expect(harness.broadcast.members('t').size).toBe(1);
    slow.ws.resume();
    let last = await slow.next();
    let heard = 0;
    for (; last.startsWith('42["said"'); last = await slow.next()) heard++;
    expect(heard).toBeLessThan(published);
    expect(last).toMatch(/^42\["error",{"code":"connection.slow_reader"/);
    expect(await slow.next()).toBe('41');
  });

  it('of one who does not poll any more', async () => {
    harness = await Harness.start({ maxBacklogBytes: 100_000, closeMs: 50 });
    const at = `http://${harness.host}/socket.io/?EIO=4&transport=polling`;
    const { sid } = JSON.parse((await (await fetch(at)).text()).slice(1)) as { sid: string };
    await fetch(`${at}&sid=${sid}`, { method: 'POST', body: '40{"token":"alice"}' });
    await until(() => harness.sockets.connections.size === 1);
    const connection = harness.connectionOf('alice');
    for (let n = 0; !connection.closed; n++) {
      connection.sendEvent('said', { n, text: 'x'.repeat(30_000) });
      expect(n).toBeLessThan(5);
    }
    await until(() => harness.handler.gone.length === 1);
    const since = Date.now();
    await until(() => Date.now() > since + 100);
    expect((await fetch(`${at}&sid=${sid}`)).status).toBe(400);
  });
});

describe('the handshake', () => {
  const handshake = (headers: Record<string, string>, query = '', method = 'GET'): Promise<Response> =>
    fetch(`http://${harness.host}/socket.io/?EIO=4&transport=polling${query}`, { headers, method });

  it('is for the own host and listed origins; CORS for the listed ones', async () => {
    harness = await Harness.start();
    const outcome = async (origin?: string): Promise<unknown> => {
      const response = await handshake(origin === undefined ? {} : { origin });
      return [response.status, response.headers.get('access-control-allow-origin')];
    };
    expect(await outcome()).toEqual([200, null]);
    expect(await outcome(`http://${harness.host}`)).toEqual([200, null]);
    expect(await outcome('https://app.example')).toEqual([200, 'https://app.example']);
    for (const origin of ['https://evil.example', 'https://app.example.evil.example', 'null', 'http://app.example']) {
      expect([origin, await outcome(origin)]).toEqual([origin, [403, null]]);
    }
    const preflight = await handshake({ origin: 'https://evil.example' }, '', 'OPTIONS');
    expect(preflight.headers.get('access-control-allow-origin')).toBeNull();
    const ofWs = { origin: 'https://evil.example' };
    expect(await harness.refused('/socket.io/?EIO=4&transport=websocket', ofWs)).toEqual({
      status: 403,
      body: { code: 'auth.denied', message: expect.any(String) },
    });
  });

  it('takes the options of its URL, and refuses others of that name', async () => {
    harness = await Harness.start();
    const client = await connect('alice', { query: { timestamps: 'epoch', deprecated: '1', x: 'y' } });
    const { dialect } = harness.connectionOf('alice');
    expect(dialect).toBe(socketIoDialect.with({ epoch: true, deprecated: true }));
    harness.connectionOf('alice').sendEvent('said', { at: new Date(5) });
    expect(await client.next('said')).toEqual([{ data: { at: 5 }, error: none }]);
    const response = await handshake({}, '&timestamps=iso');
    expect([response.status, await response.json()]).toMatchObject([400, { code: 'protocol.invalid' }]);
    expect((await harness.refused('/socket.io/?EIO=4&transport=websocket&deprecated=2')).status).toBe(400);
  });

  it('serves no JSONP, which pages of any origin could read, and no file', async () => {
    harness = await Harness.start();
    expect((await handshake({}, '&j=0')).status).toBe(400);
    expect((await fetch(`http://${harness.host}/socket.io/socket.io.js`)).status).toBe(400);
    expect((await harness.refused('/elsewhere')).status).toBe(404);
  });
});
