import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import fastify, { type FastifyInstance } from 'fastify';
import { history } from '../../src/audit/history.js';
import { batchesOf } from '../../src/audit/page.js';
import type { EventStore, LogMessage, SubscribeOptions } from '../../src/event-store/event-store.js';
import { hangUp, linesOf } from '../../src/rest/ndjson.js';
import { chained, emptyLog, type TestLog } from './logs.js';

const total = 2_000;
const eventBytes = 16_384;

let log: TestLog;
/** What is read: the log, or what a test puts in its place. */
let source: EventStore;
let app: FastifyInstance;
let port: number;
/** What the server read of the log, and what it answers with. */
let read: number;
let ended: Promise<void>;
let response: ServerResponse | undefined;
const sockets: Socket[] = [];

beforeEach(async () => {
  log = await emptyLog();
  source = log.store;
  const data = { note: 'x'.repeat(eventBytes) };
  const events = chained(
    'hall-1',
    'demo',
    Array.from({ length: total }, () => ({ type: 'HallOpened', data })),
  );
  for (let first = 0; first < total; first += 100) {
    const expected = first === 0 ? 'no_stream' : BigInt(first - 1);
    await log.store.append('hall-1', expected, events.slice(first, first + 100));
  }
  read = 0;
  let finish = (): void => undefined;
  ended = new Promise((resolve) => (finish = resolve));
  app = fastify();
  app.get('/events', (_request, reply) => {
    response = reply.raw;
    return linesOf(reply, counted(source, hangUp(reply), finish));
  });
  port = Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port);
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await app.close();
  await log.remove();
});

async function* counted(store: EventStore, signal: AbortSignal, finish: () => void) {
  try {
    for await (const events of batchesOf(history(store, { world: 'demo' }, { signal }))) {
      read += events.length;
      yield events.map(({ id, data }) => ({ id, data }));
    }
  } finally {
    finish();
  }
}

function ask(): Socket {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  socket.write('GET /events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  return socket;
}

/** Resolves when nothing has been read for 200 turns of the event loop. */
async function standstill(): Promise<void> {
  for (let quiet = 0, before = -1; quiet < 200;) {
    await new Promise(setImmediate);
    quiet = read > 0 && read === before ? quiet + 1 : 0;
    before = read;
  }
}

it('a reader that stops makes the server wait with at most a few MiB, and gets the rest when it goes on', async () => {
  const socket = ask();
  socket.pause();
  await once(socket, 'ready');
  await standstill();
  const inHand = read * eventBytes;
  expect(read).toBeLessThan(total);
  expect(inHand).toBeLessThan(16 * 1024 * 1024);
  expect(response?.writableLength).toBeLessThan(2 * 1024 * 1024);
  let lines = 0;
  for await (const line of createInterface(socket)) if (line.startsWith('{"id":')) lines += 1;
  expect([lines, read]).toEqual([total, total]);
  await ended;
});

it('a reader that hangs up ends the read', async () => {
  const socket = ask();
  await once(socket, 'data');
  socket.destroy();
  await ended;
  expect(read).toBeLessThan(total);
});

it('a reader that hangs up ends a read that finds nothing', async () => {
  let started = (): void => undefined;
  const reading = new Promise<void>((resolve) => (started = resolve));
  async function* nothing({ signal }: SubscribeOptions): AsyncGenerator<LogMessage, void> {
    started();
    if (signal) await once(signal, 'abort');
    yield { type: 'checkpoint', position: 0n };
  }
  source = Object.create(log.store, { subscribeToAll: { value: nothing } });
  const socket = ask();
  await reading;
  socket.destroy();
  await ended;
  expect(read).toBe(0);
});
