import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Harness, until, type Client } from '../gateway/harness.js';
import { isLong, scale } from './scale.js';

const MIB = 2 ** 20;
const text = 'x'.repeat(isLong ? 24_000 : 60_000);

let harness: Harness;
afterEach(() => harness?.stop());

/** What a reader got: numbers of the events in order, and milliseconds from their publication. */
class Heard {
  next = 0;
  readonly problems: string[] = [];

  constructor(client: Client, publishedAt: readonly number[], took: number[]) {
    // Read without parsing: hundreds of sockets get hundreds of megabytes.
    client.ws.removeAllListeners('message');
    client.ws.on('message', (data: Buffer) => {
      const n = Number(/"n":(\d+)/.exec(data.toString('latin1', 0, 60))?.[1]);
      if (n !== this.next && this.problems.length < 5) this.problems.push(`${n} came, not ${this.next}`);
      this.next = n + 1;
      took.push(performance.now() - (publishedAt[n] ?? 0));
    });
  }
}

interface Run {
  readonly problems: string[];
  readonly p99: number;
  /** Bytes that waited in the server for the reader with most. */
  readonly mostQueued: number;
  /** Milliseconds from the first bytes that waited in the server to the end of the last slow reader. */
  readonly cutOffAfter: number;
  readonly slowLeft: number;
}

async function fanOut(slow: number): Promise<Run> {
  harness = await Harness.start({ closeMs: 100 }, {});
  const sockets = new Set<Socket>();
  harness.http.on('connection', (socket: Socket) => sockets.add(socket));
  const publishedAt: number[] = [];
  const took: number[] = [];
  const readers: Heard[] = [];
  for (let n = 0; n < scale.sockets - slow; n++) {
    readers.push(new Heard(await harness.client(`reader-${n}`), publishedAt, took));
  }
  for (let n = 0; n < slow; n++) await harness.rawClient(`slow-${n}`);
  await until(() => harness.sockets.connections.size === scale.sockets);
  const connections = [...harness.sockets.connections];
  for (const connection of connections) harness.broadcast.join(connection, 't');
  const isSlow = connections.filter(({ session }) => session?.userId.startsWith('slow-'));

  let begun: number | undefined;
  let cutOffAfter = slow === 0 ? 0 : Infinity;
  let mostQueued = 0;
  for (let n = 0; n < scale.fanOutEvents || (cutOffAfter === Infinity && n < 4 * scale.fanOutEvents); n++) {
    publishedAt.push(performance.now());
    harness.broadcast.publish('t', 'said', { n, text });
    // The next one when the readers have this one: what waits for them is their kernel's business, not the server's.
    await until(() => readers.every(({ next }) => next > n));
    for (const socket of sockets) mostQueued = Math.max(mostQueued, socket.destroyed ? 0 : socket.writableLength);
    const now = performance.now();
    if (mostQueued > 0) begun ??= now;
    if (cutOffAfter === Infinity && isSlow.every(({ closed }) => closed)) cutOffAfter = now - (begun ?? now);
  }
  const problems = readers.flatMap((reader) => reader.problems);
  const sorted = took.toSorted((a, b) => a - b);
  const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? 0;
  const slowLeft = isSlow.filter(({ closed }) => !closed).length;
  await harness.stop();
  return { problems, p99, mostQueued, cutOffAfter, slowLeft };
}

describe('readers that read nothing, one in 20', () => {
  it('are cut off, with at most 1 MiB waiting for each, while the others hear everything in order', async () => {
    const p99: { without: number; with: number; cutOffAfter: number }[] = [];
    for (let run = 0; run < scale.fanOutRuns; run++) {
      const without = isLong ? await fanOut(0) : undefined;
      const slow = await fanOut(scale.sockets / 20);
      expect([...(without?.problems ?? []), ...slow.problems]).toEqual([]);
      expect(slow.slowLeft).toBe(0);
      expect(slow.mostQueued).toBeLessThanOrEqual(MIB);
      expect(slow.cutOffAfter).toBeLessThan(scale.maxCutOffMs);
      p99.push({ without: without?.p99 ?? 0, with: slow.p99, cutOffAfter: slow.cutOffAfter });
    }
    if (!isLong) return;
    const sum = (of: 'with' | 'without') => p99.reduce((total, one) => total + one[of], 0);
    process.stdout.write(`99th percentiles of delivery, and the last cut-off, in ms: ${JSON.stringify(p99)}\n`);
    expect(sum('with')).toBeLessThan(2 * sum('without'));
  }, 300_000);
});
