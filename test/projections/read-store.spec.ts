import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { Collections } from '../../projections/engine/collections.js';
import { Lease } from '../../projections/engine/lease.js';
import { openLiveView } from '../../projections/engine/live-view.js';
import { MongoSink, fromDocument } from '../../projections/engine/mongo-sink.js';
import { Session } from '../../projections/engine/session.js';
import { defaultSettings } from '../../projections/engine/settings.js';
import { fromStored } from '../../projections/engine/stored-row.js';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import { recordedEvents } from './arbitraries.js';
import { crashAfter } from './crashing-sink.js';
import { scriptedLog } from './scripted-log.js';
import { openStores } from './stores.js';
import type { Stores } from './stores.js';
import { coldReplay, tally } from './tally.js';
import type { Box } from './tally.js';

const model = tally();
const settings = { ...defaultSettings, model, catchUpRows: 2, cachedRows: 3, writeEveryMs: 0 };
const batchSizes = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 });

describe('on the read store', () => {
  let stores: Stores;
  let collections: Collections;
  let builds = 0;

  beforeAll(async () => {
    stores = await openStores();
    collections = new Collections(stores.read.db);
  });
  afterAll(() => stores.close());

  /** Projects the events into the build, failing after each of the given numbers of writes, then without a failure. */
  async function project(
    n: number,
    events: readonly RecordedEvent[],
    sizes: readonly number[],
    failures: readonly number[],
  ) {
    const { checkpoints } = collections;
    for (const writes of failures) {
      const lease = new Lease({ checkpoints, id: `tally_v${n}`, owner: 'me', durationMs: 60_000, exclusive: true });
      const position = (await lease.acquire()) ?? -1n;
      const mongo = new MongoSink(collections, model, { n, version: 1, epoch: 'e' }, lease);
      const parked = await mongo.open();
      const log = scriptedLog(events, sizes);
      const session = new Session({ ...settings, log, position, parked, sink: crashAfter(mongo, writes) });
      const stop = new AbortController();
      const outcome = session.run(stop.signal).catch((error: Error) => error.name);
      await session.reached.whenReached(events.at(-1)?.position ?? -1n, 10_000);
      stop.abort();
      await outcome;
    }
  }

  const storedBoxes = async (n: number) => {
    const stored = await collections.rows<Box>(`tally_v${n}`).find().toArray();
    return new Map(stored.map(({ _id: key, ...one }) => [key, fromStored({ _id: key, ...one }).row]));
  };
  const parkedIn = (n: number) => collections.parked.find({ build: `tally_v${n}` }).toArray();

  it('rows are the cold replay after crashes between writes', async () => {
    const failures = fc.array(fc.nat({ max: 12 }), { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(recordedEvents, batchSizes, failures, async (events, sizes, writes) => {
        const n = (builds += 1);
        await project(n, events, sizes, [...writes, Infinity]);
        const expected = coldReplay(events);
        expect(await storedBoxes(n)).toEqual(expected.boxes);
        expect((await parkedIn(n)).map(({ stream }) => stream).toSorted()).toEqual(expected.parked);
      }),
      { numRuns: 25 },
    );
  });

  it('a live view opened at any moment and fed the rest is the cold replay', async () => {
    const moments = fc.tuple(recordedEvents, fc.nat({ max: 40 }), fc.nat({ max: 10 }));
    await fc.assert(
      fc.asyncProperty(moments, batchSizes, async ([events, projected, behind], sizes) => {
        const n = (builds += 1);
        await project(n, events.slice(0, projected), sizes, [Infinity]);
        // The checkpoint is read before the rows, so the rows may be ahead of it.
        const position = events.slice(0, projected).at(-1 - behind)?.position ?? -1n;
        const parked = (await parkedIn(n)).map(fromDocument);
        const build = { n, version: model.version, epoch: 'this' };
        const source = { collection: collections.rows<Box>(`tally_v${n}`), position, parked, build };
        const view = await openLiveView({ model, source, epoch: 'this' });
        const elsewhere = [
          await openLiveView({ model, source, epoch: 'another' }),
          await openLiveView({ model: { ...model, version: model.version + 1 }, source, epoch: 'this' }),
        ];
        for (const { rows, position: start } of elsewhere) expect([rows.size, start]).toEqual([0, -1n]);
        const before = new Map(view.rows);
        const changed = view.apply(events.filter((event) => event.position > view.position));
        const expected = coldReplay(events);
        expect(view.rows).toEqual(expected.boxes);
        expect([...view.parked].map(({ stream }) => stream).toSorted()).toEqual(expected.parked);
        expect(view.position).toBe(events.at(-1)?.position ?? -1n);
        const different = [...view.rows].filter(([key, row]) => before.get(key) !== row).map(([key]) => key);
        expect(changed.toSorted()).toEqual(different.toSorted());
      }),
      { numRuns: 25 },
    );
  });
});
