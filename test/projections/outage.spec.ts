import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { startProjections } from '../../projections/engine/engine.js';
import { openEmbeddedReadStore } from '../../src/read-store/embedded/embedded-read-store.js';
import { openStores } from './stores.js';
import { tally } from './tally.js';

describe('an outage of the read store', () => {
  it('is survived: the projection goes on where it was when the store is back', async () => {
    const dir = await mkdtemp(path.join(os.tmpdir(), 'convoke-outage-'));
    const { store, append, close } = await openStores();
    let server = await openEmbeddedReadStore({ dir, port: 0 });
    const options = { directConnection: true, serverSelectionTimeoutMS: 100, retryWrites: false, retryReads: false };
    const client = new MongoClient(server.url, options);
    const db = client.db('convoke');
    const failed = new AbortController();
    const failure = once(failed.signal, 'abort');
    const logger = { info: () => undefined, warn: () => failed.abort() };
    const retryMs = { first: 5, longest: 20 };
    const projections = startProjections({
      store,
      db,
      models: [tally()],
      exclusive: true,
      retryMs,
      logger,
      pointerMs: 20,
    });
    await projections.wait(
      'tally',
      await append('tally-1', { type: 'Noted', data: { boxes: ['a'], note: 'n1' } }),
      5000,
    );

    await server.close();
    const position = await append('tally-1', { type: 'Noted', data: { boxes: ['a'], note: 'n2' } });
    await failure;
    server = await openEmbeddedReadStore({ dir, port: Number(new URL(server.url).port) });
    await waitUntilReached(() => projections.wait('tally', position, 5000));
    const rows = await projections.collection<{ notes: string[] }>('tally');
    expect(await rows.findOne({ _id: 'a' })).toMatchObject({ notes: ['n1', 'n2'] });

    await projections.stop();
    await client.close();
    await server.close();
    await close();
    await rm(dir, { recursive: true, force: true });
  });
});

/** A wait that polls may itself meet the outage. */
async function waitUntilReached(wait: () => Promise<void>): Promise<void> {
  for (let tries = 0; tries < 50; tries += 1) {
    const failed = await wait().then(
      () => false,
      () => true,
    );
    if (!failed) return;
  }
  throw new Error('the projection never came back');
}
