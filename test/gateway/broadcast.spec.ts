import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { WebSocket, WebSocketServer } from 'ws';
import { textFrames } from '../../src/gateway/frames.js';
import { Harness, until } from './harness.js';

let harness: Harness;
afterEach(() => harness?.stop());

const said = (n: number): unknown => ['said', expect.objectContaining({ n })];

describe('fan-out', () => {
  it('brings everyone the same events in the order published, across topics and mixed with replies', async () => {
    harness = await Harness.start();
    const names = ['a', 'b', 'c', 'd', 'e'];
    const clients = await Promise.all(names.map((name) => harness.client(name)));
    for (const name of names) {
      harness.broadcast.join(harness.connectionOf(name), 'x');
      harness.broadcast.join(harness.connectionOf(name), 'y');
    }
    for (let round = 0; round < 20; round++) {
      for (let n = 0; n < 10; n++) {
        harness.broadcast.publish(n % 3 === 0 ? 'x' : 'y', 'said', { n: round * 10 + n, text: '👏 é'.repeat(n * 40) });
      }
      for (const client of clients) client.send(['ping', round]);
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const client of clients) {
      const frames = (await client.take(220)) as [string, { n: number; text: string }][];
      const events = frames.filter(([name]) => name === 'said');
      expect(events.map(([, { n }]) => n)).toEqual(events.map((_event, n) => n));
      expect(events.every(([, { n, text }]) => text === '👏 é'.repeat((n % 10) * 40))).toBe(true);
      expect(frames.filter(([name]) => name === 'pong').map(([, round]) => round)).toEqual([...Array(20).keys()]);
    }
  });

  it('leaves out one person, but not the invited one of the same id', async () => {
    harness = await Harness.start();
    const [plain, invited] = [await harness.client('client:x'), await harness.client('client:x#hall')];
    for (const connection of harness.sockets.connections) harness.broadcast.join(connection, 't');
    harness.broadcast.publish('t', 'said', { n: 1 }, undefined, 'client:x');
    harness.broadcast.publish('t', 'said', { n: 2 });
    expect(await plain.take(1)).toEqual([said(2)]);
    expect(await invited.take(2)).toEqual([said(1), said(2)]);
  });

  it('asks for permission at delivery, per connection; a throw is a no', async () => {
    harness = await Harness.start();
    const [alice, bob] = [await harness.client('alice'), await harness.client('bob')];
    for (const name of ['alice', 'bob']) harness.broadcast.join(harness.connectionOf(name), 't');
    let banned = '';
    harness.broadcast.publish('t', 'said', { n: 1 }, ({ userId }) => userId !== banned);
    harness.broadcast.publish('t', 'said', { n: 2 }, () => {
      throw new Error('a broken check');
    });
    harness.broadcast.publish('t', 'said', { n: 3 });
    banned = 'bob'; // revoked after publishing, before delivery
    expect(await alice.take(2)).toEqual([said(1), said(3)]);
    expect(await bob.next()).toEqual(said(3));
    expect(harness.logged).toHaveLength(2);
  });

  it('gives a member what was published from its joining to its leaving, to the event', async () => {
    harness = await Harness.start();
    const [early, late, left] = [
      await harness.client('early'),
      await harness.client('late'),
      await harness.client('left'),
    ];
    const { broadcast } = harness;
    broadcast.join(harness.connectionOf('early'), 't');
    broadcast.join(harness.connectionOf('left'), 't');
    broadcast.publish('t', 'said', { n: 1 });
    broadcast.join(harness.connectionOf('late'), 't');
    broadcast.publish('t', 'said', { n: 2 });
    broadcast.leave(harness.connectionOf('left'), 't');
    await new Promise((resolve) => setImmediate(resolve));
    broadcast.publish('t', 'said', { n: 3 });
    left.send(['ping', 1]);
    expect(await early.take(3)).toEqual([said(1), said(2), said(3)]);
    expect(await late.take(2)).toEqual([said(2), said(3)]);
    expect(await left.next()).toEqual(['pong', 1]);
  });

  it('leaves out for a person what is about them, on all their connections, those that just joined included', async () => {
    harness = await Harness.start();
    const [alice, bob, late] = [
      await harness.client('alice'),
      await harness.client('bob'),
      await harness.client('late'),
    ];
    const { broadcast } = harness;
    const everyone = (): boolean => true;
    for (const name of ['alice', 'bob']) broadcast.join(harness.connectionOf(name), 't');
    const about = ['alice', 'bob', undefined, 'late', 'alice', 'late', undefined];
    about.forEach((name, n) => {
      if (n === 2) broadcast.join(harness.connectionOf('late'), 't');
      broadcast.publish('t', 'said', { n }, everyone, name);
    });
    const of = (name: string, from = 0): unknown[] =>
      about.flatMap((one, n) => (n < from || one === name ? [] : [said(n)]));
    expect(await alice.take(5)).toEqual(of('alice'));
    expect(await bob.take(6)).toEqual(of('bob'));
    expect(await late.take(3)).toEqual(of('late', 2));
    for (const client of [alice, bob, late]) {
      client.send(['ping', 1]);
      expect(await client.next()).toEqual(['pong', 1]);
    }
  });

  it('leaves out an event that cannot be encoded, and only that one', async () => {
    harness = await Harness.start();
    const client = await harness.client('alice');
    harness.broadcast.join(harness.connectionOf('alice'), 't');
    for (const n of [1, 2n, 3]) harness.broadcast.publish('t', 'said', { n });
    expect(await client.take(2)).toEqual([said(1), said(3)]);
    expect(harness.logged).toHaveLength(1);
  });

  it('cuts off a reader that does not read, while the others hear everything', async () => {
    harness = await Harness.start({ closeMs: 100 });
    const client = await harness.client('alice');
    await harness.rawClient('stuck');
    await until(() => harness.sockets.connections.size === 2);
    const stuck = harness.connectionOf('stuck');
    for (const connection of harness.sockets.connections) harness.broadcast.join(connection, 't');
    const text = 'x'.repeat(50_000);
    let published = 0;
    for (; !stuck.closed; published++) {
      harness.broadcast.publish('t', 'said', { n: published, text });
      expect(await client.next()).toEqual(said(published));
      expect(published * text.length).toBeLessThan(64 * 2 ** 20);
    }
    await until(() => harness.handler.gone.includes('stuck')); // destroyed: it never answers the close
    expect(harness.broadcast.members('t').size).toBe(1);
    harness.broadcast.publish('t', 'said', { n: published });
    expect(await client.next()).toEqual(said(published));
  });

  it('tells a slow reader why, once it reads again', async () => {
    harness = await Harness.start({ maxBacklogBytes: 100_000 });
    const client = await harness.client('alice');
    const connection = harness.connectionOf('alice');
    client.ws.pause();
    for (let n = 0; !connection.closed; n++) {
      connection.sendEvent('said', { n, text: 'x'.repeat(50_000) });
      await new Promise((resolve) => setImmediate(resolve));
    }
    client.ws.resume();
    expect((await client.closed).code).toBe(4408);
  });

  it('lets a long history wait for the reader', async () => {
    harness = await Harness.start();
    const client = await harness.client('alice');
    const connection = harness.connectionOf('alice');
    client.ws.pause();
    const text = 'x'.repeat(50_000);
    const sent = (async () => {
      for (let n = 0; n < 200; n++) {
        connection.sendEvent('said', { n, text });
        await connection.drained();
      }
    })();
    client.ws.resume();
    expect(await client.take(200)).toEqual([...Array(200).keys()].map(said));
    await sent;
  });
});

describe('what is taken for granted of ws', () => {
  it('writes its own frames whole and at once to the socket of the upgrade, so ours fit between them', async () => {
    const http = createServer();
    const server = new WebSocketServer({ noServer: true, perMessageDeflate: false });
    http.on('upgrade', (request, socket, head) => {
      server.handleUpgrade(request, socket, head, (ws) => {
        for (const n of sizes) {
          socket.write(textFrames([text(n)]));
          ws.ping(`${n}`);
          ws.send(text(n));
          ws.pong(`${n}`);
        }
        socket.write(textFrames(['last']));
        ws.close(4401, 'over');
      });
    });
    await once(http.listen(0, '127.0.0.1'), 'listening');
    const ws = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`);
    const received: string[] = [];
    for (const kind of ['message', 'ping', 'pong']) ws.on(kind, (data: Buffer) => received.push(data.toString()));
    expect((await once(ws, 'close'))[0]).toBe(4401);
    const expected = sizes.flatMap((n) => [text(n), `${n}`, text(n), `${n}`]);
    expect(received).toEqual([...expected, 'last']);
    http.close();
  });
});

/** Around the limits of the three ways to write a length, in bytes. */
const sizes = [0, 1, 125, 126, 127, 65_535, 65_536, 200_000];
const text = (size: number): string => 'é'.repeat(size / 2) + 'x'.repeat(size % 2);
