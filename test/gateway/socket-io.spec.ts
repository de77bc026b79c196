import { afterEach, describe, expect, it } from '@jest/globals';
import { defaultLimits } from '../../src/gateway/limits.js';
import { Harness, until } from './harness.js';
import type { SocketIoClient } from './socket-io-client.js';
import { connectRaw, connectTo, endClients, event, failure, none, type Options } from './socket-io-parts.js';

let harness: Harness;
afterEach(async () => {
  endClients();
  await harness.stop();
});

const connect = (token: unknown, options?: Options): Promise<SocketIoClient> => connectTo(harness, token, options);

describe.each([
  ['long polling', { transports: ['polling'] }, 'polling'],
  ['a WebSocket', { transports: ['websocket'] }, 'websocket'],
  ['polling that becomes a WebSocket', {}, 'websocket'],
] satisfies [string, Options, string][])('over %s', (_name, options, transport) => {
  it('calls are answered in the order sent, by acknowledgement or under their own name, and events are heard', async () => {
    harness = await Harness.start({ signInMs: 300 });
    const client = await connect('alice', options);
    await until(() => client.transport === transport);
    const answers = [
      client.ask('join', { data: { topic: 't' }, ...event(1) }),
      client.ask('wait', { data: { n: 2 }, ...event('two') }),
      client.ask('done', { data: { n: 3 }, ...event(3) }),
      client.ask('refuse', { data: {}, ...event(4) }),
      client.ask('nothing', event(5)),
      client.ask('ping', { data: 'x' }),
    ];
    client.socket.emit('done', { data: { n: 7 }, event: { id: 7, date: '2026-01-01T00:00:00Z' } });
    client.socket.emit('refuse', event('eight'));
    client.socket.emit('say', { data: { topic: 't', count: 3 }, ...event(9) });
    await until(() => harness.handler.gate.length === 1);
    expect(harness.handler.calls).toEqual(['join', 'wait']);
    harness.handler.gate.shift()?.();
    expect(await Promise.all(answers)).toEqual([
      { error: none },
      { data: { n: 2 }, error: none },
      { data: { n: 3 }, error: none },
      failure(400),
      failure(404),
      { data: 'x', error: none },
    ]);
    expect(await client.next('done')).toEqual([{ event: { id: 7, position: 'epoch:7' }, data: { n: 7 }, error: none }]);
    expect(await client.next('refuse')).toEqual([{ event: { id: 'eight' }, ...failure(400) }]);
    for (const n of [0, 1, 2]) {
      expect(await client.next('said')).toEqual([{ data: { by: 'alice', n, text: 'é' }, error: none }]);
    }
    expect(client.told).toEqual([{ name: 'say', args: [{ event: { id: 9 }, error: none }] }]);
    // Having signed in, it is not one of those who did not in time.
    const started = Date.now();
    await until(() => Date.now() > started + 400);
    expect(client.socket.connected).toBe(true);
  });

  it('large events arrive whole, and in the order published', async () => {
    harness = await Harness.start();
    const client = await connect('alice', options);
    await client.ask('join', { data: { topic: 't' }, ...event(1) });
    for (let n = 0; n < 40; n++) {
      harness.broadcast.publish('t', 'said', { n, text: '👏'.repeat(5_000) });
      if (n % 4 === 3) await until(() => harness.connectionOf('alice').ready);
    }
    for (let n = 0; n < 40; n++) {
      expect(await client.next('said')).toMatchObject([{ data: { n, text: '👏'.repeat(5_000) } }]);
    }
  });

  it('one who leaves is gone', async () => {
    harness = await Harness.start();
    const client = await connect('alice', options);
    client.end();
    await until(() => harness.handler.gone.length === 1);
    expect(harness.sockets.connections.size).toBe(0);
    await connect('alice', options);
  });
});

describe('messages', () => {
  it('are judged as strictly as any other JSON, one answer each, and the connection stays', async () => {
    harness = await Harness.start();
    const { ws, next } = await connectRaw(harness, 'alice');
    const deep = `${'['.repeat(40)}${']'.repeat(40)}`;
    const bad: readonly (readonly [string, string])[] = [
      ['427["echo",{"data":{"__proto__":{"x":1}},"event":{"id":1}}]', '437['],
      ['42["echo",{"data":{"a":{"constructor":{"prototype":1}}},"event":{"id":1}}]', '42["echo",'],
      ['427["echo",{"data":{"_bsontype":"ObjectId"},"event":{"id":1}}]', '437['],
      ['427["echo",{"data":{"x":"\\ud800"},"event":{"id":1}}]', '437['],
      ['427["echo",{"data":{"x":1e999},"event":{"id":1}}]', '437['],
      [`427["echo",{"data":{"x":${deep}},"event":{"id":1}}]`, '437['],
      ['427["echo",{"event":{"id":1}}', '437['],
      ['427["echo"]', '437['],
      ['427["echo",5]', '437['],
      ['427["echo",{"data":5,"event":{"id":1}}]', '437['],
      ['427["echo",{"data":{},"event":{"id":1},"ack":1}]', '437['],
      ['427["echo",{"event":{"id":1}},{}]', '437['],
      ['427[5,{"event":{"id":1}}]', '437['],
      ['427["",{"event":{"id":1}}]', '437['],
      ['427[]', '437['],
      ['427{}', '437['],
      ['42/admin,7["echo",{"event":{"id":1}}]', '437['],
      ['42["echo"', '42["echo",'],
      ['42{', '42["error",{"code":"protocol.invalid"'],
      ['42', '42["error",{"code":"protocol.invalid"'],
      ['437[]', '437['],
      ['44{}', '42["error",{"code":"protocol.invalid"'],
      ['4x', '42["error",{"code":"protocol.invalid"'],
    ];
    for (const [text, begin] of bad) {
      ws.send(text);
      const answer = await next();
      expect([text, answer.slice(0, begin.length)]).toEqual([text, begin]);
      const isCoded = answer.includes('"code":400') || answer.includes('"code":"protocol.invalid"');
      expect([text, isCoded, answer.includes('stack')]).toEqual([text, true, false]);
    }
    ws.send('429["ping",{"data":1}]');
    expect(await next()).toBe(`439[${JSON.stringify({ data: 1, error: none })}]`);
    expect(harness.handler.calls).toEqual([]);
    expect(harness.logged).toEqual([]);
    ws.terminate();
  });

  it('may hold no binary data', async () => {
    harness = await Harness.start();
    for (const transports of [['polling'], ['websocket']]) {
      const client = await connect('alice', { transports });
      const parts = { a: Buffer.from('a'), b: [Buffer.from('b')] };
      expect(await client.ask('echo', { data: parts, ...event(1) })).toEqual(failure(400));
      client.socket.emit('echo', { data: parts, ...event(1) });
      expect(await client.next('echo')).toEqual([{ event: { id: null }, ...failure(400) }]);
      expect(await client.ask('echo', { data: { a: 1 }, ...event(2) })).toEqual({ data: { a: 1 }, error: none });
      expect(client.told).toEqual([]);
    }
    const { ws, next } = await connectRaw(harness, 'bob');
    ws.send(Buffer.from('x'));
    expect(await next()).toMatch(/^42\["error",{"code":"protocol.invalid"/);
    ws.terminate();
    expect(harness.handler.calls).toEqual(['echo', 'echo']);
  });

  it('are limited in their rate', async () => {
    harness = await Harness.start({ rate: { framesPerSecond: 1, burst: 5, socketsPerUser: 50 } });
    const client = await connect('alice');
    const answers = await Promise.all([...Array(8).keys()].map((n) => client.ask('echo', { data: [n], ...event(n) })));
    expect(answers).toEqual([
      ...[0, 1, 2, 3, 4].map((n) => ({ data: [n], error: none })),
      failure(705),
      failure(705),
      failure(705),
    ]);
  });

  it('may have 64 KiB; a larger one ends the connection', async () => {
    harness = await Harness.start();
    for (const transports of [['polling'], ['websocket']]) {
      const client = await connect('alice', { transports });
      const text = 'x'.repeat(65_000);
      expect(await client.ask('echo', { data: { text }, ...event(1) })).toEqual({ data: { text }, error: none });
      client.socket.emit('echo', { data: { text: text + text }, ...event(2) });
      await client.disconnected;
    }
    await until(() => harness.handler.gone.length === 2);
  });

  it('wait unread where too many do, and none is lost', async () => {
    const { rate: _off, ...limits } = defaultLimits;
    harness = await Harness.start({}, { limits: { ...limits, maxQueuedFrames: 10 } });
    const { ws, next } = await connectRaw(harness, 'alice');
    ws.send('420["wait",{"event":{"id":0}}]');
    await until(() => harness.handler.gate.length === 1);
    // More than the buffers of the kernel hold, so that the client notices.
    const text = 'x'.repeat(60_000);
    for (let n = 1; n <= 250; n++) ws.send(`42${n}["echo",{"data":{"text":"${text}"},"event":{"id":${n}}}]`);
    const started = Date.now();
    await until(() => Date.now() > started + 400);
    expect(ws.bufferedAmount).toBeGreaterThan(1_000_000);
    harness.handler.gate.shift()?.();
    for (let n = 0; n <= 250; n++) expect([n, (await next()).startsWith(`43${n}[`)]).toEqual([n, true]);
    ws.terminate();
    // Who polls cannot be held up.
    const polling = await connect('bob', { transports: ['polling'] });
    polling.socket.emit('wait', event(0));
    await until(() => harness.handler.gate.length === 1);
    for (let n = 0; n < 30; n++) polling.socket.emit('echo', event(n));
    expect(await polling.next('error')).toMatchObject([{ code: 'rate_limited' }]);
    expect(await polling.disconnected).toBe('io server disconnect');
    harness.handler.gate.shift()?.();
  });
});
