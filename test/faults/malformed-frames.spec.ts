import * as fc from 'fast-check';
import { describe, expect, it } from '@jest/globals';
import { bad, broken } from '../e2e/bad-frames.js';
import { RawSocket } from '../e2e/raw-socket.js';
import { headOf } from '../e2e/stored-log.js';
import { connectAs, temporaryServers, tokenFor, type ServerProcess } from '../e2e/support/server.js';
import { isLong, scale } from './scale.js';

const seed = 20_260_101;
/** Collects garbage and writes how much is in use, on SIGUSR2. */
const heapProbe = `data:text/javascript,${encodeURIComponent(`
  import { setFlagsFromString } from 'node:v8';
  import { runInNewContext } from 'node:vm';
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc');
  process.on('SIGUSR2', () => { gc(); gc(); console.log('heap ' + process.memoryUsage().heapUsed); });
`)}`;
const env = { RATE_LIMIT: 'off', NODE_OPTIONS: `--import=${heapProbe}` };

const valid = bad.map(([action, payload], n) => JSON.stringify([action, n, payload]));
const place = fc.nat({ max: 400 });
/** Calls with wrong payloads, cut, spliced and mistyped ones, other JSON, other text. What is valid by chance is denied. */
const frames: fc.Arbitrary<string> = fc
  .oneof(
    fc.constantFrom(...valid, ...broken.map(([text]) => text)),
    fc.tuple(fc.constantFrom(...valid), place).map(([text, at]) => text.slice(0, at % text.length)),
    fc.tuple(fc.constantFrom(...valid), fc.constantFrom(...valid), place).map(([a, b, at]) => a.slice(0, at) + b),
    fc.tuple(fc.constantFrom(...valid), place, fc.string({ unit: 'binary', maxLength: 3 })).map(([text, at, noise]) => {
      return text.slice(0, at % text.length) + noise + text.slice((at % text.length) + noise.length);
    }),
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.json({ maxDepth: 4 }),
    fc.jsonValue().map((payload) => JSON.stringify(['room.config.patch', 1, payload])),
    fc.integer({ min: 33, max: 5_000 }).map((depth) => `["room.create",1,${'['.repeat(depth)}${']'.repeat(depth)}]`),
  )
  .map((text) => Buffer.from(text).toString());

async function heapOf(server: ServerProcess): Promise<number> {
  const before = server.stdout.length;
  process.kill(server.pid ?? 0, 'SIGUSR2');
  for (;;) {
    const line = server.stdout.slice(before).find((one) => one.startsWith('heap '));
    if (line !== undefined) return Number(line.slice('heap '.length));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('malformed frames', () => {
  it(`are answered, change nothing and leave nothing behind (seed ${seed})`, async () => {
    const { dataDir, start, remove } = await temporaryServers();
    try {
      const server = await start({ env });
      const admin = await connectAs(server, 'admin', ['admin']);
      await admin.call('room.create', { name: 'Hall' });
      await server.ready();
      const headers = { authorization: `Bearer ${await tokenFor('mallory')}` };
      let socket = await RawSocket.open(server, undefined, { headers });
      // Signed in: who that is, is in the log by now.
      await socket.next();
      const head = await headOf(dataDir);
      let sent = 0;
      let warm: number | undefined;
      const some = fc.sample(frames, { numRuns: 1_000, seed });
      for (let round = 0; sent < scale.malformedFrames; round++) {
        // Each round other frames: the numbers in them, and what stands beside them, are shifted.
        const batch = round === 0 ? some : fc.sample(frames, { numRuns: 1_000, seed: seed + round });
        for (const text of batch) socket.ws.send(text);
        sent += batch.length;
        socket.ws.send(JSON.stringify(['ping', `end ${round}`]));
        const closed = await ended(socket, round);
        if (closed) socket = await RawSocket.open(server, undefined, { headers });
        // What is made once (code, caches) is there after the first rounds.
        if (sent >= scale.malformedFrames / 5) warm ??= await heapOf(server);
        socket.frames.length = 0;
      }
      expect(await admin.call('room.config.list')).toMatchObject([{ name: 'Hall' }]);
      expect(await headOf(dataDir)).toBe(head);
      expect(server.stderr).toEqual([]);
      expect(server.stdout.filter((line) => /^\{"level":(?:40|50|60)/.test(line))).toEqual([]);
      const heap = await heapOf(server);
      if (isLong) process.stdout.write(`heap in use: ${warm} bytes, then ${heap} bytes\n`);
      expect(heap / (warm ?? 0)).toBeLessThan(scale.maxHeapGrowth);
      expect(await server.stop()).toBe(0);
    } finally {
      await remove();
    }
  }, 240_000);
});

/** Resolves when the round's ping was answered; true when the server closed the connection instead. */
async function ended(socket: RawSocket, round: number): Promise<boolean> {
  const closed = socket.closed.then(() => true);
  const answered = new Promise<boolean>((resolve) => {
    const look = (): void => {
      const last = socket.frames.at(-1);
      if (!Array.isArray(last) || last[0] !== 'pong' || last[1] !== `end ${round}`) return;
      socket.ws.off('message', look);
      resolve(false);
    };
    socket.ws.on('message', look);
  });
  return Promise.race([closed, answered]);
}
