import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import type { EmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import { verifyLog } from '../../src/event-store/embedded/verify-log.js';
import { EventTooLarge } from '../../src/event-store/event-store.js';
import { collect, idsOf, someEvent, someEvents } from '../contract/event-store-helpers.js';

describe('limits and upkeep of the embedded store', () => {
  let dir: string;
  let store: EmbeddedEventStore;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'log-'));
    store = await openEmbeddedEventStore({ dir });
  });
  afterEach(async () => {
    await store.close();
    await rm(dir, { recursive: true });
  });

  it('refuses what it cannot keep as it is, and nothing of the batch is stored', async () => {
    const tooLarge = someEvent('Large', { text: 'x'.repeat(2 * 1024 * 1024) });
    await expect(store.append('room-1', 'no_stream', [someEvent(), tooLarge])).rejects.toThrow(EventTooLarge);
    await expect(store.append('', 'no_stream', someEvents(1))).rejects.toThrow(RangeError);
    await expect(store.append('r'.repeat(1_025), 'no_stream', someEvents(1))).rejects.toThrow('1 to 1024 bytes');
    await expect(store.append('room-\ud800', 'no_stream', someEvents(1))).rejects.toThrow('surrogate');
    await expect(store.append('room-1', 'no_stream', [someEvent('')])).rejects.toThrow('event type');
    await expect(store.append('room-1', 'no_stream', [])).rejects.toThrow('no event');
    expect(await store.head()).toBe(-1n);
  });

  it('keeps streams apart whatever bytes their names hold', async () => {
    const name = fc.string({ unit: fc.constantFrom('a', '\0', '\u0001', 'ÿ', '🎉'), minLength: 1, maxLength: 6 });
    const names = fc.uniqueArray(name, { minLength: 2, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(names, async (streams) => {
        const prefix = `${await store.head()}:`;
        for (const stream of [...streams, ...streams]) {
          await store.append(prefix + stream, 'any', [someEvent('Named', { stream })]);
        }
        for (const stream of streams) {
          const read = await collect(store.readStream(prefix + stream));
          expect(read.map(({ data, revision }) => [data.stream, revision])).toEqual([
            [stream, 0n],
            [stream, 1n],
          ]);
        }
      }),
      { numRuns: 15 },
    );
    const long = 'é'.repeat(512);
    await store.append(long, 'no_stream', someEvents(3));
    expect(await collect(store.readStream(long, { direction: 'backwards', limit: 2 }))).toHaveLength(2);
  });

  it('answers a resend although any revision was expected', async () => {
    const sent = someEvents(2);
    const [first, twin] = await Promise.all([
      store.append('reactions-1', 'any', sent),
      store.append('reactions-1', 'any', sent),
    ]);
    expect(twin).toEqual(first);
    await store.append('reactions-1', 'any', someEvents(1));
    expect(await store.append('reactions-1', 'any', sent)).toEqual(first);
  });

  it('reads large events in chunks, in order', async () => {
    const events = Array.from({ length: 12 }, (_, n) => someEvent('Large', { n, text: 'x'.repeat(400_000) }));
    await Promise.all(events.map((event) => store.append(`room-1`, 'any', [event])));
    expect(idsOf(await collect(store.readStream('room-1')))).toEqual(idsOf(events));
    expect(idsOf(await collect(store.readAll({ direction: 'backwards' })))).toEqual(idsOf(events).toReversed());
  });

  it('is verified beside the writer, with the hash chain if asked', async () => {
    for (let n = 0; n < 5; n++) await store.append(`room-${n}`, 'no_stream', someEvents(500));
    const progress: number[] = [];
    const calls: string[] = [];
    const writing = store.append('room-0', 499n, someEvents(10));
    const report = await verifyLog(dir, {
      onProgress: (done, total) => progress.push(done / total),
      chainOf: ({ stream, revision }, previousHash) => {
        calls.push(previousHash);
        return stream === 'room-3' && revision === 7n ? 'its hash differs' : undefined;
      },
    });
    await writing;
    expect(report.problems).toEqual([{ position: 1_507n, stream: 'room-3', problem: 'its hash differs' }]);
    expect(report.streams).toBe(5);
    expect(report.events).toBe(Number(report.head + 1n));
    expect(progress.at(-1)).toBe(1);
    expect(calls).toHaveLength(report.events);
    await expect(verifyLog(join(dir, 'none'))).rejects.toThrow('there is no event log');
  });

  it('says which file it cannot read', async () => {
    await store.close();
    const state = join(dir, 'log.json');
    const before = await readFile(state, 'utf8');
    await writeFile(state, before.slice(0, 20));
    await expect(openEmbeddedEventStore({ dir })).rejects.toThrow(`cannot read ${state}`);
    await writeFile(state, before);
    store = await openEmbeddedEventStore({ dir });
  });
});
