import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { open } from 'lmdb';
import { verifyChain } from '../../src/audit/verify-chain.js';
import { openEmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import type { EmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import { encodeRecords, readRecord, scavenged } from '../../src/event-store/embedded/record.js';
import { verifyLog } from '../../src/event-store/embedded/verify-log.js';
import type { NewEvent } from '../../src/eventsourcing/events.js';
import { chain, chainProblem } from '../../src/eventsourcing/hash-chain.js';
import { collect, someEvents } from '../contract/event-store-helpers.js';

const day = 24 * 60 * 60;
/** Epoch milliseconds, so many days after the first events. */
const after = (days: number): number => Date.parse('2026-01-01T00:00:00.000Z') + days * day * 1_000;

/** Events of that time. */
const of = (days: number, count: number): NewEvent[] =>
  someEvents(count).map((event) => ({
    ...event,
    metadata: { ...event.metadata, at: new Date(after(days)).toISOString() },
  }));

let dir: string;
let store: EmbeddedEventStore;

/** Changes the records behind the store's back. */
async function tamper(change: (log: ReturnType<typeof openLog>) => Promise<unknown>): Promise<void> {
  await store.close();
  const root = open({ path: dir, encoding: 'binary', keyEncoding: 'binary' });
  await change(openLog(root));
  await root.close();
}

function openLog(root: ReturnType<typeof open>) {
  return root.openDB<Buffer, Buffer>({ name: 'log', encoding: 'binary', keyEncoding: 'binary' });
}

const keyOf = (position: number): Buffer => {
  const key = Buffer.alloc(8);
  key.writeBigUInt64BE(BigInt(position));
  return key;
};

describe('what is left of scavenged events', () => {
  const verified = () => verifyLog(dir, { chainOf: (event, previous) => chainProblem(previous, event) });

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'log-'));
    store = await openEmbeddedEventStore({ dir });
    await store.retain('reactions-1', { maxAgeSeconds: day });
    await store.append('reactions-1', 'any', of(0, 3));
    await store.append('room-1', 'no_stream', chain('', of(0, 2)));
    await store.scavenge(after(2));
  });

  it('is checked like an event', async () => {
    await tamper(async (log) => {
      const bytes = Buffer.from(log.get(keyOf(2)) ?? '');
      bytes[bytes.length - 1] = 0x78;
      await log.put(keyOf(2), bytes);
    });
    expect((await verified()).problems).toMatchObject([{ position: 2n }]);
    store = await openEmbeddedEventStore({ dir });
    await expect(collect(store.readAll())).rejects.toThrow('event at position 2 is damaged');
    await store.close();
  });

  /** Makes events look scavenged. */
  const take = (...positions: number[]) =>
    tamper(async (log) => {
      for (const position of positions) {
        const bytes = Buffer.from(log.get(keyOf(position)) ?? '');
        const [record] = encodeRecords([scavenged(readRecord(BigInt(position), bytes))]);
        await log.put(keyOf(position), record?.bytes ?? Buffer.alloc(0));
      }
    });

  afterEach(async () => {
    await store.close();
    await rm(dir, { recursive: true });
  });

  it('does not excuse an event of a hash chain that is gone', async () => {
    // The last event of room-1, then the whole of it.
    await take(4);
    expect((await verified()).problems).toMatchObject([
      { position: 4n, stream: 'room-1', problem: expect.stringContaining('from a hash chain') },
    ]);
    await take(3);
    const problem = 'the event is missing (revision 0): it was scavenged from a stream that keeps its events';
    expect((await verified()).problems).toEqual([{ position: 3n, stream: 'room-1', problem }]);
  });

  it('does not excuse the beginning of a hash chain, whatever its stream says of retention', async () => {
    await store.retain('room-1', { maxAgeSeconds: day });
    await take(3);
    const problem = 'the events of its hash chain up to revision 0 are missing';
    expect((await verified()).problems).toEqual([{ position: 4n, stream: 'room-1', problem }]);
  });

  it('is the beginning of its stream: what is gone between events is missing', async () => {
    await store.append('reactions-1', 'any', of(2, 4));
    await take(6);
    const problem = 'the event is missing (revision 4): it was scavenged, but not the one before it';
    expect((await verified()).problems).toEqual([{ position: 6n, stream: 'reactions-1', problem }]);
    store = await openEmbeddedEventStore({ dir });
    const { problem: found } = await verifyChain(store.readAll(), { store });
    await store.close();
    expect(found).toMatchObject({ position: 7n, reason: 'revision 5 follows revision 3' });
  });
});
