import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { PointerDocument } from '../../projections/engine/collections.js';
import { startProjections } from '../../projections/engine/engine.js';
import type { Projections, ProjectionsOptions } from '../../projections/engine/engine.js';
import type { Progress } from '../../projections/engine/projection.js';
import { ProjectionReader } from '../../projections/engine/reader.js';
import type { Log } from '../../projections/engine/session.js';
import { openStores } from './stores.js';
import type { Stores } from './stores.js';
import { tally } from './tally.js';
import type { TallyEvent } from './tally.js';

const note = (text: string, ...boxes: string[]): TallyEvent => ({ type: 'Noted', data: { boxes, note: text } });

/** Resolves when the process reads the collection. */
async function reads(projections: Projections, collection: string): Promise<void> {
  while ((await projections.collection('tally')).collectionName !== collection) await nextTurn();
}

describe('a rebuild', () => {
  let stores: Stores;
  let running: Projections[];

  beforeEach(async () => {
    stores = await openStores();
    running = [];
  });
  afterEach(async () => {
    await Promise.all(running.map((projections) => projections.stop()));
    await stores.close();
  });

  function start(version = 1, options: Partial<ProjectionsOptions> = {}): Projections {
    const { store, read } = stores;
    const models = [tally(version)];
    const projections = startProjections({ store, db: read.db, models, exclusive: true, pointerMs: 20, ...options });
    running.push(projections);
    return projections;
  }

  const pointer = () => stores.read.db.collection<PointerDocument>('projections').findOne({ _id: 'tally' });

  async function names(): Promise<string[]> {
    const all = await stores.read.db.listCollections().toArray();
    return all.map(({ name }) => name).filter((name) => name.startsWith('tally'));
  }

  /** A log that hands out history one event at a time, and asks before each. */
  function gated(beforeOne: () => Promise<void>): Log {
    const { store } = stores;
    return {
      epoch: store.epoch,
      head: () => store.head(),
      readAll: (options) => store.readAll(options),
      readStream: (stream, options) => store.readStream(stream, options),
      async *subscribeToAll(options) {
        for await (const message of store.subscribeToAll(options)) {
          if (message.type !== 'events') {
            yield message;
            continue;
          }
          for (const event of message.events) {
            await beforeOne();
            yield { type: 'events', events: [event] };
          }
        }
      },
    };
  }

  it('makes new rows beside the old, and readers anywhere see a full model at every moment', async () => {
    await stores.append('tally-1', ...Array.from({ length: 50 }, (_, index) => note(`n${index}`, `box${index}`)));
    const reader = new ProjectionReader({ db: stores.read.db, log: stores.store, models: [tally()], pointerMs: 0 });
    const counts: number[] = [];
    const look = async () => {
      for (const asked of running.length > 0 ? [reader, ...running] : []) {
        counts.push(await (await asked.collection('tally')).countDocuments());
      }
    };
    let isRebuilding = false;
    const projections = start(1, { store: gated(async () => (isRebuilding ? look() : undefined)), catchUpRows: 1 });
    await projections.caughtUp(5000);
    isRebuilding = true;
    const progress: Progress[] = [];
    await projections.rebuild('tally', (now) => progress.push(now));
    await look();
    expect(new Set(counts)).toEqual(new Set([50]));
    expect(counts.length).toBeGreaterThan(100);
    expect((await projections.collection('tally')).collectionName).toBe('tally_v2');
    expect((await reader.collection('tally')).collectionName).toBe('tally_v2');
    expect(progress.length).toBeGreaterThan(2);
    const head = await stores.store.head();
    expect(progress.at(-1)).toEqual({ model: 'tally', position: head, head });
    await projections.wait('tally', await stores.append('tally-1', note('later', 'box0')), 5000);
    expect(await (await projections.collection('tally')).findOne({ _id: 'box0' })).toMatchObject({
      notes: ['n0', 'later'],
    });
  });

  it('keeps the previous rows for a rollback and drops older ones', async () => {
    const projections = start();
    await projections.wait('tally', await stores.append('tally-1', note('n', 'a')), 5000);
    await projections.rebuild('tally');
    await projections.rebuild('tally');
    while ((await names()).includes('tally_v1')) await nextTurn();
    expect((await names()).toSorted()).toEqual(['tally_v2', 'tally_v3']);
    expect(await pointer()).toMatchObject({ active: { n: 3 }, previous: { n: 2 } });
  });

  it('happens by itself when the version changed, and a rollback of the code goes back to the rows it had', async () => {
    const first = start(1);
    await first.wait('tally', await stores.append('tally-1', note('n1', 'a')), 5000);
    await first.stop();
    const second = start(2);
    await reads(second, 'tally_v2');
    expect(await pointer()).toMatchObject({ active: { version: 2 }, previous: { version: 1 } });
    await second.wait('tally', await stores.append('tally-1', note('n2', 'a')), 5000);
    await second.stop();
    const back = start(1);
    await reads(back, 'tally_v1');
    await back.caughtUp(5000);
    const rows = await back.collection('tally');
    expect(await rows.findOne({ _id: 'a' })).toMatchObject({ notes: ['n1', 'n2'] });
  });

  it('happens by itself when the log is another one', async () => {
    const first = start();
    await first.wait('tally', await stores.append('tally-1', note('n1', 'a')), 5000);
    await first.stop();
    const restored = { ...gated(() => Promise.resolve()), epoch: 'restored' };
    const second = start(1, { store: restored });
    await reads(second, 'tally_v2');
    expect(await pointer()).toMatchObject({ active: { epoch: 'restored' } });
  });

  it('goes on after a crash', async () => {
    await stores.append('tally-1', ...Array.from({ length: 10 }, (_, index) => note(`n${index}`, 'a')));
    const first = start();
    await first.caughtUp(5000);
    await first.stop();
    let folded = 0;
    const atFive = new AbortController();
    const freed = new AbortController();
    const store = gated(async () => {
      folded += 1;
      if (folded !== 5) return;
      atFive.abort();
      await once(freed.signal, 'abort');
    });
    const second = start(1, { store, catchUpRows: 1, writeEveryMs: 0 });
    await second.caughtUp(5000);
    const isAtFive = once(atFive.signal, 'abort');
    const given = second.rebuild('tally').catch((error: Error) => error.name);
    await isAtFive;
    const stopping = second.stop();
    freed.abort();
    await stopping;
    expect(await given).toBe('NotProjecting');
    expect(await pointer()).toMatchObject({ active: { n: 1 }, building: { n: 2 } });
    const third = start();
    await reads(third, 'tally_v2');
    const row = await (await third.collection('tally')).findOne({ _id: 'a' });
    expect(row).toMatchObject({ notes: ['n0', 'n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7', 'n8', 'n9'] });
  });
});
