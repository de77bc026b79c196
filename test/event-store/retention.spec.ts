import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openEmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import type { EmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import { verifyLog } from '../../src/event-store/embedded/verify-log.js';
import { StoreUnavailable, WrongExpectedRevision } from '../../src/event-store/event-store.js';
import type { NewEvent, RecordedEvent } from '../../src/eventsourcing/events.js';
import { chain, chainProblem } from '../../src/eventsourcing/hash-chain.js';
import { verifyChain } from '../../src/audit/verify-chain.js';
import {
  collect,
  eventsOf,
  follow,
  idsOf,
  reached,
  revisionsOf,
  someEvent,
  someEvents,
} from '../contract/event-store-helpers.js';

const day = 24 * 60 * 60;
const begin = Date.parse('2026-01-01T00:00:00.000Z');
/** Epoch milliseconds, so many days after the first events. */
const after = (days: number): number => begin + days * day * 1_000;

/** Events of that time. */
const of = (days: number, count = 1): NewEvent[] =>
  someEvents(count).map((event) => ({
    ...event,
    metadata: { ...event.metadata, at: new Date(after(days)).toISOString() },
  }));

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

const reopen = async (): Promise<void> => {
  await store.close();
  store = await openEmbeddedEventStore({ dir });
};

/** Two days of reactions, 700 on the first, between events of a room. */
async function someDays(): Promise<{ old: NewEvent[]; young: NewEvent[]; room: NewEvent[] }> {
  const room = [...chain('', of(0, 3))];
  const [old, young] = [of(0, 700), of(2, 5)];
  await store.retain('reactions-1', { maxAgeSeconds: day });
  await store.append('room-1', 'no_stream', room.slice(0, 1));
  await store.append('reactions-1', 'any', old.slice(0, 300));
  await store.append('room-1', 0n, room.slice(1, 2));
  await store.append('reactions-1', 'any', old.slice(300));
  await store.append('reactions-1', 'any', young);
  await store.append('room-1', 1n, room.slice(2));
  return { old, young, room };
}

describe('scavenging', () => {
  it('takes what is older than its stream keeps it, and nothing else', async () => {
    const { young, room } = await someDays();
    const head = await store.head();
    expect(await store.scavenge(after(0.9))).toBe(0);
    expect(await store.scavenge(after(1.5))).toBe(700);
    expect(await store.scavenge(after(1.5))).toBe(0);
    const left = [...room.slice(0, 2), ...young, ...room.slice(2)];
    for (const time of ['now', 'after a restart']) {
      if (time === 'after a restart') await reopen();
      expect(idsOf(await collect(store.readAll()))).toEqual(idsOf(left));
      expect(idsOf(await collect(store.readAll({ direction: 'backwards' })))).toEqual(idsOf(left).toReversed());
      expect(idsOf(await collect(store.readStream('room-1')))).toEqual(idsOf(room));
      expect(await store.head()).toBe(head);
    }
  });

  it('leaves revisions as they are, to readers of the stream in either direction, and to writers', async () => {
    const { young } = await someDays();
    await store.scavenge(after(1.5));
    const read = async (options = {}) => revisionsOf(await collect(store.readStream('reactions-1', options)));
    const kept = [700n, 701n, 702n, 703n, 704n];
    expect(await read()).toEqual(kept);
    expect(await read({ from: 1n, limit: 2 })).toEqual([700n, 701n]);
    expect(await read({ from: 702n })).toEqual([702n, 703n, 704n]);
    expect(await read({ direction: 'backwards' })).toEqual(kept.toReversed());
    expect(await read({ direction: 'backwards', from: 701n, limit: 600 })).toEqual([701n, 700n]);
    expect(await read({ direction: 'backwards', from: 700n })).toEqual([700n]);
    expect(await read({ direction: 'backwards', from: 10n })).toEqual([]);
    expect(await read({ direction: 'backwards', from: 0n })).toEqual([]);
    expect(await store.append('reactions-1', 'any', of(2))).toMatchObject({ revision: 705n });
    expect(await store.append('reactions-1', 699n, young)).toMatchObject({ revision: 704n });
  });

  it('forgets the ids with the events: to send them again is a conflict', async () => {
    const { old } = await someDays();
    expect(await store.append('reactions-1', 'no_stream', old.slice(0, 2))).toMatchObject({ revision: 1n });
    await store.scavenge(after(1.5));
    await expect(store.append('reactions-1', 'no_stream', old.slice(0, 2))).rejects.toThrow(WrongExpectedRevision);
  });

  it('may take all events of a stream, whose revisions then go on', async () => {
    await someDays();
    expect(await store.scavenge(after(9))).toBe(705);
    expect(await collect(store.readStream('reactions-1'))).toEqual([]);
    expect(await collect(store.readStream('reactions-1', { direction: 'backwards' }))).toEqual([]);
    expect(await store.append('reactions-1', 'any', of(9))).toMatchObject({ revision: 705n });
    expect(revisionsOf(await collect(store.readStream('reactions-1')))).toEqual([705n]);
  });

  it('says how far a subscription has come where everything was taken', async () => {
    await store.retain('reactions-1', { maxAgeSeconds: day });
    const { position } = await store.append('reactions-1', 'any', of(0, 700));
    await store.scavenge(after(2));
    const messages = await follow(store, {}, reached(position));
    expect(eventsOf(messages)).toEqual([]);
    const filtered = await follow(store, { filter: { types: ['SomethingHappened'] } }, reached(position));
    expect(eventsOf(filtered)).toEqual([]);
  });

  it('is told to readers in other processes too', async () => {
    const { young, room } = await someDays();
    const reader = await openEmbeddedEventStore({ dir, readOnly: true });
    expect(await collect(reader.readAll())).toHaveLength(708);
    await store.scavenge(after(1.5));
    await store.append('room-2', 'no_stream', of(3));
    expect(await collect(reader.readAll())).toHaveLength(young.length + room.length + 1);
    await expect(reader.scavenge(after(9))).rejects.toThrow(StoreUnavailable);
    await expect(reader.retain('room-1', { maxAgeSeconds: day })).rejects.toThrow(StoreUnavailable);
    await reader.close();
  });

  it('never touches a hash chain, whatever the age of its stream, and stops at what does not say when it happened', async () => {
    const room = [...chain('', of(0, 3))];
    await store.append('room-1', 'no_stream', room);
    const timeless = someEvent();
    await store.append('foreign-1', 'no_stream', [
      ...of(0, 2),
      { ...timeless, metadata: { ...timeless.metadata, at: '' } },
      ...of(0, 2),
    ]);
    for (const stream of ['room-1', 'foreign-1']) await store.retain(stream, { maxAgeSeconds: day });
    expect(await store.scavenge(after(9))).toBe(2);
    let hash = '';
    for (const event of await collect(store.readStream('room-1'))) {
      expect(chainProblem(hash, event)).toBeUndefined();
      hash = event.metadata.hash ?? '';
    }
    expect(await collect(store.readStream('room-1'))).toHaveLength(3);
    expect(revisionsOf(await collect(store.readStream('foreign-1')))).toEqual([2n, 3n, 4n]);
  });

  it('leaves a log that is in order to those who verify it', async () => {
    await someDays();
    await store.scavenge(after(1.5));
    expect(await verifyChain(store.readAll())).toMatchObject({ ok: true, events: 8, streams: 2 });
    await store.close();
    const report = await verifyLog(dir, { chainOf: (event, previous) => chainProblem(previous, event) });
    expect(report).toMatchObject({ events: 8, streams: 2, head: 707n, problems: [] });
    store = await openEmbeddedEventStore({ dir });
  });

  it('is no damage to those who verify the log meanwhile', async () => {
    await store.retain('reactions-1', { maxAgeSeconds: day });
    await store.append('reactions-1', 'any', [...of(0, 1_500), ...of(2, 5)]);
    async function* scavengedMeanwhile(): AsyncGenerator<RecordedEvent, void> {
      for await (const event of store.readAll()) {
        if (event.revision === 9n) await store.scavenge(after(1.5));
        yield event;
      }
    }
    expect(await verifyChain(scavengedMeanwhile(), { store })).toMatchObject({ ok: true, streams: 1 });
    // Between the first and the second event of its stream there is time to take both away.
    await store.retain('reactions-2', { maxAgeSeconds: day });
    await store.append('reactions-2', 'any', of(3));
    for (let n = 0; n < 16; n++) await store.append('room-1', 'any', of(3, 250));
    await store.append('reactions-2', 'any', of(3));
    let scavenging: Promise<number> | undefined;
    const onProgress = (done: number): void => {
      if (done > 1_505) scavenging ??= store.scavenge(after(9));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    };
    expect((await verifyLog(dir, { onProgress })).problems).toEqual([]);
    expect(await scavenging).toBe(7);
  });

  it('keeps the types of its records to itself', async () => {
    const [event = someEvent()] = of(0);
    await expect(store.append('reactions-1', 'any', [{ ...event, type: '$scavenged' }])).rejects.toThrow(RangeError);
  });

  it('gives the space back: as many events again need no more of the file', async () => {
    await store.retain('reactions-1', { maxAgeSeconds: day });
    const size = async (): Promise<number> => (await stat(join(dir, 'data.mdb'))).size;
    const fill = async (days: number): Promise<void> => {
      for (let n = 0; n < 40; n++) await store.append('reactions-1', 'any', of(days, 250));
    };
    await fill(0);
    const before = await size();
    await store.scavenge(after(2));
    await fill(2);
    // What stays of 10,000 events: a record of 60 bytes each, and the stream index.
    expect((await size()) / before).toBeLessThan(1.5);
  });

  it('ends when the log is closed, and goes on where it was', async () => {
    await store.retain('reactions-1', { maxAgeSeconds: day });
    await store.append('reactions-1', 'any', of(0, 2_000));
    const cut = store.scavenge(after(2)).catch((error: unknown) => error);
    await reopen();
    expect(await cut).toBeInstanceOf(StoreUnavailable);
    const left = await collect(store.readStream('reactions-1'));
    expect(left.length).toBeGreaterThan(0);
    expect(await store.scavenge(after(2))).toBe(left.length);
  });
});
