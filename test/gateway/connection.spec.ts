import { afterEach, describe, expect, it } from '@jest/globals';
import { Harness, until } from './harness.js';
import { defaultLimits } from '../../src/gateway/limits.js';

let harness: Harness;
afterEach(() => harness.stop());

describe('frames', () => {
  it('are handled one at a time in the order sent, whatever each takes', async () => {
    harness = await Harness.start();
    const client = await harness.client('alice');
    client.send(
      ['wait', 1, { n: 1 }],
      ['echo', 2, { n: 2 }],
      ['ping', 3],
      'no JSON',
      ['wait', 'x', { n: 4 }],
      ['echo', 5, []],
    );
    await until(() => harness.handler.gate.length === 1);
    // The pong of the protocol comes from ws, beside the queue: by then every frame has been received.
    const pong = new Promise((resolve) => client.ws.once('pong', resolve));
    client.ws.ping();
    await pong;
    expect(harness.handler.calls).toEqual(['wait']);
    harness.handler.gate.shift()?.();
    await until(() => harness.handler.gate.length === 1);
    harness.handler.gate.shift()?.();
    const frames = await client.take(6);
    expect(frames.map((frame) => (frame as unknown[]).slice(0, 2))).toEqual([
      ['success', 1],
      ['success', 2],
      ['pong', 3],
      ['error', null],
      ['success', 'x'],
      ['success', 5],
    ]);
  });

  it('answers every kind of failure without stack or payload, and logs only the unexpected', async () => {
    harness = await Harness.start();
    const client = await harness.client('alice');
    client.send(['refuse', 1, {}], ['down', 2, {}], ['crash', 3, {}], ['bigint', 4, {}], ['nothing', 5, {}]);
    expect(await client.take(5)).toEqual([
      [
        'error',
        1,
        { code: 'config.invalid', message: 'No.', details: [{ field: 'name', message: '1–300 characters' }] },
      ],
      ['error', 2, expect.objectContaining({ code: 'server.unavailable' })],
      ['error', 3, { code: 'server.fatal', message: 'Something went wrong on the server.' }],
      ['error', 4, expect.objectContaining({ code: 'server.fatal' })],
      ['error', 5, expect.objectContaining({ code: 'protocol.unknown_command' })],
    ]);
    expect(harness.logged).toHaveLength(2);
    expect(harness.logged[0]?.context).toMatchObject({ action: 'crash', err: { message: 'secret of the server' } });
  });

  it('refuses binary messages and stays open', async () => {
    harness = await Harness.start();
    const client = await harness.client('alice');
    client.ws.send(Buffer.from('["ping",1]'));
    client.send(['ping', 2]);
    const message = 'Send text messages; binary ones are not accepted.';
    expect(await client.next()).toEqual(['error', null, { code: 'protocol.invalid', message }]);
    expect(await client.next()).toEqual(['pong', 2]);
  });

  it('takes 64 KiB and closes with 1009 above', async () => {
    harness = await Harness.start();
    const client = await harness.client('alice');
    const text = 'x'.repeat(64 * 1024 - '["ping",""]'.length);
    client.send(['ping', text]);
    expect(await client.next()).toEqual(['pong', text]);
    client.send(['ping', `${text}x`]);
    expect((await client.closed).code).toBe(1009);
  });

  it('limits their rate, answering with the id of the caller', async () => {
    harness = await Harness.start({ rate: { framesPerSecond: 20, burst: 50, socketsPerUser: 50 } });
    const client = await harness.client('alice');
    for (let n = 0; n < 60; n++) client.send(['echo', n, {}]);
    const frames = (await client.take(60)) as [string, number, { code?: string }][];
    expect(frames.map(([, id]) => id)).toEqual(frames.map((_frame, n) => n));
    expect(frames.slice(0, 50).every(([kind]) => kind === 'success')).toBe(true);
    expect(frames[59]).toEqual(['error', 59, expect.objectContaining({ code: 'rate_limited' })]);
    const since = Date.now();
    await until(() => Date.now() > since + 100);
    client.send(['echo', 60, {}]);
    expect(await client.next()).toEqual(['success', 60, {}]);
  });

  it('does not limit it where that is switched off', async () => {
    const { rate: _off, ...limits } = defaultLimits;
    harness = await Harness.start({}, { limits });
    const client = await harness.client('alice');
    for (let n = 0; n < 2_000; n++) client.send(['ping', n]);
    const frames = await client.take(2_000);
    expect(frames.every((frame) => (frame as string[])[0] === 'pong')).toBe(true);
  });

  it('stops reading a socket for which too many wait, and loses none', async () => {
    harness = await Harness.start({ maxQueuedFrames: 10, pingEveryMs: 50, pongWithinMs: 400, rate: undefined });
    const client = await harness.client('alice');
    client.send(['wait', 0, {}]);
    await until(() => harness.handler.gate.length === 1);
    // More than the buffers of the kernel hold, so that the client notices.
    const text = 'x'.repeat(60_000);
    for (let n = 1; n <= 250; n++) client.send(['echo', n, { text }]);
    const started = Date.now();
    await until(() => Date.now() > started + 600); // longer than a pong may take: what we do not read is not missed
    expect(client.ws.bufferedAmount).toBeGreaterThan(1_000_000);
    harness.handler.gate.shift()?.();
    const frames = (await client.take(251)) as [string, number][];
    expect(frames.map(([, id]) => id)).toEqual(frames.map((_frame, n) => n));
  });

  it('lets one who asks faster than it reads wait for its replies', async () => {
    harness = await Harness.start();
    const client = await harness.client('alice');
    for (let n = 0; n < 400; n++) client.send(['big', n, { size: 50_000 }]);
    const frames = (await client.take(400)) as [string, number][];
    expect(frames.map(([kind, id]) => [kind, id])).toEqual(frames.map((_frame, n) => ['success', n]));
  });

  it('are dropped where the server closes the connection, which can then join nothing', async () => {
    harness = await Harness.start({ maxQueuedFrames: 2, closeMs: 60_000 });
    const client = await harness.client('alice');
    client.send(['wait', 1, {}]);
    for (let n = 2; n < 10; n++) client.send(['echo', n, {}]);
    await until(() => client.ws.bufferedAmount === 0 && harness.handler.gate.length === 1);
    const connection = harness.connectionOf('alice');
    connection.close(4401, 'revoked');
    expect(await client.closed).toEqual({ code: 4401, reason: 'revoked' });
    await until(() => harness.sockets.connections.size === 0);
    harness.handler.gate.shift()?.();
    await until(() => harness.handler.gone.length === 1);
    expect(harness.handler.calls).toEqual(['wait']);
    harness.broadcast.join(connection, 't');
    expect(harness.broadcast.members('t').size).toBe(0);
  });

  it('carries out what a client sent before it hung up, then tells the handler once', async () => {
    harness = await Harness.start();
    const client = await harness.client('alice');
    client.send(['wait', 1, {}], ['join', 2, { topic: 't' }], ['echo', 3, {}]);
    await until(() => harness.handler.gate.length === 1);
    client.ws.close();
    await client.closed;
    expect(harness.handler.gone).toEqual([]);
    harness.handler.gate.shift()?.();
    await until(() => harness.handler.gone.length > 0);
    expect(harness.handler.calls).toEqual(['wait', 'join', 'echo']);
    expect(harness.handler.gone).toEqual(['alice']);
    expect(harness.broadcast.members('t').size).toBe(0);
  });
});

describe('heartbeat', () => {
  it('destroys a socket that does not pong and keeps the others', async () => {
    harness = await Harness.start({ pingEveryMs: 50, pongWithinMs: 50 });
    const silent = await harness.client('silent', { autoPong: false });
    const alive = await harness.client('alive');
    let pings = 0;
    alive.ws.on('ping', () => (pings += 1));
    expect((await silent.closed).code).toBe(1006);
    await until(() => pings >= 4);
    alive.send(['ping', 1]);
    expect(await alive.next()).toEqual(['pong', 1]);
    expect(harness.handler.gone).toEqual(['silent']);
  });

  it('does not miss a pong behind frames that it does not read', async () => {
    harness = await Harness.start({ pingEveryMs: 20, pongWithinMs: 100, maxQueuedFrames: 5, drainMs: 20 });
    const client = await harness.client('alice', { autoPong: false });
    await new Promise((resolve) => client.ws.once('ping', resolve));
    for (let n = 0; n < 10; n++) client.send(['wait', n, {}]);
    const connection = harness.connectionOf('alice');
    const started = Date.now();
    await until(() => Date.now() > started + 250);
    expect(connection.closed).toBe(false);
  });
});
