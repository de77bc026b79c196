import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Collections } from '../../projections/engine/collections.js';
import { startProjections } from '../../projections/engine/engine.js';
import { LeaseLost, NotProjecting } from '../../projections/engine/errors.js';
import { Lease } from '../../projections/engine/lease.js';
import { MongoSink } from '../../projections/engine/mongo-sink.js';
import { openStores } from './stores.js';
import type { Stores } from './stores.js';
import { tally } from './tally.js';

const model = tally();

describe('the lease on a build', () => {
  let stores: Stores;
  let collections: Collections;

  beforeEach(async () => {
    stores = await openStores();
    collections = new Collections(stores.read.db);
  });
  afterEach(() => stores.close());

  function lease(owner: string, { exclusive = false, durationMs = 60_000 } = {}) {
    return new Lease({ checkpoints: collections.checkpoints, id: 'tally_v1', owner, durationMs, exclusive });
  }

  const holder = async () => (await collections.checkpoints.findOne({ _id: 'tally_v1' }))?.owner.split('/')[0];

  it('has one holder, and goes to the next when it is let go or expired', async () => {
    const first = lease('first', { durationMs: 60_000 });
    expect(await first.acquire()).toBe(-1n);
    await first.saveCheckpoint(7n);
    expect(await lease('second').acquire()).toBeUndefined();
    await first.release();
    expect(await lease('third', { durationMs: 0 }).acquire()).toBe(7n);
    expect(await lease('fourth').acquire()).toBe(7n);
    expect(await lease('fifth').acquire()).toBeUndefined();
    expect(await lease('owner of the folder', { exclusive: true }).acquire()).toBe(7n);
  });

  it('stops the checkpoint, the rows and the renewal of a holder that was replaced', async () => {
    const stale = lease('stale');
    await stale.acquire();
    await stale.saveCheckpoint(5n);
    const next = lease('holder', { exclusive: true });
    await next.acquire();
    await next.saveCheckpoint(9n);
    await expect(stale.saveCheckpoint(20n)).rejects.toThrow(LeaseLost);
    await expect(stale.renew()).rejects.toThrow(LeaseLost);
    expect(await collections.checkpoints.findOne()).toMatchObject({
      position: '00000000000000000009',
      owner: 'holder',
    });
    const build = { n: 1, version: 1, epoch: 'e' };
    const sink = new MongoSink(collections, model, build, stale);
    const row = new Map([['a', { row: { notes: [] }, position: 20n }]]);
    await expect(sink.writeRows(row)).rejects.toThrow(LeaseLost);
    await expect(sink.overwriteRows(row)).rejects.toThrow(LeaseLost);
    expect(await collections.rows('tally_v1').countDocuments()).toBe(0);
  });

  it('does not let an older row replace a newer one', async () => {
    const held = lease('holder');
    await held.acquire();
    const sink = new MongoSink(collections, model, { n: 1, version: 1, epoch: 'e' }, held);
    await sink.writeRows(new Map([['a', { row: { notes: ['new'] }, position: 10n }]]));
    await sink.writeRows(
      new Map([
        ['a', { row: { notes: ['old'] }, position: 9n }],
        ['b', { row: { notes: ['first'] }, position: 9n }],
      ]),
    );
    const rows = await sink.loadRows(['a', 'b', 'c']);
    expect([...rows]).toEqual([
      ['a', { row: { notes: ['new'] }, position: 10n }],
      ['b', { row: { notes: ['first'] }, position: 9n }],
    ]);
  });

  it('lets one of two processes project, and the other take over', async () => {
    const options = { store: stores.store, db: stores.read.db, models: [model], leaseMs: 300 };
    const first = startProjections({ ...options, owner: 'first' });
    await first.caughtUp(5000);
    await first.wait(
      model,
      await stores.append('tally-1', { type: 'Noted', data: { boxes: ['a'], note: 'n1' } }),
      5000,
    );
    const second = startProjections({ ...options, owner: 'second' });
    await second.caughtUp(5000);
    expect(await holder()).toBe('first');
    await expect(second.retry('tally', 'tally-1')).rejects.toThrow(NotProjecting);
    await first.stop();
    await second.wait(
      model,
      await stores.append('tally-1', { type: 'Noted', data: { boxes: ['a'], note: 'n2' } }),
      5000,
    );
    expect(await holder()).toBe('second');
    const rows = await second.collection(model);
    expect((await rows.findOne({ _id: 'a' }))?.notes).toEqual(['n1', 'n2']);
    await second.stop();
  });

  it('makes a process that lost it stand by', async () => {
    const options = { store: stores.store, db: stores.read.db, models: [model], leaseMs: 150 };
    const first = startProjections({ ...options, owner: 'first' });
    await first.caughtUp(5000);
    const second = startProjections({ ...options, owner: 'second', exclusive: true });
    await second.caughtUp(5000);
    // It finds out by itself, with nothing to write: a retry of nothing is refused from then on.
    const isProjecting = () =>
      first.retry('tally', 'none').then(
        () => true,
        () => false,
      );
    while (await isProjecting()) await nextTurn();
    const position = await stores.append('tally-1', { type: 'Noted', data: { boxes: ['a'], note: 'n1' } });
    await Promise.all([first.wait(model, position, 5000), second.wait(model, position, 5000)]);
    await second.stop();
    const later = await stores.append('tally-1', { type: 'Noted', data: { boxes: ['a'], note: 'n2' } });
    await first.wait(model, later, 5000);
    expect(await holder()).toBe('first');
    const rows = await first.collection(model);
    expect((await rows.findOne({ _id: 'a' }))?.notes).toEqual(['n1', 'n2']);
    await first.stop();
  });
});
