import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Double, Long, MongoClient } from 'mongodb';
import { connectReadStore } from '../../src/read-store/connect.js';
import type { ConnectedReadStore } from '../../src/read-store/connect.js';
import { openEmbeddedReadStore } from '../../src/read-store/embedded/embedded-read-store.js';
import { compileStore, ended, startServer } from './child.js';
import { temporaryFolder } from './folder.js';

describe('the embedded read store on disk', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  /** Closed after each test even where an expectation fails; closing twice is harmless. */
  const opened: ConnectedReadStore[] = [];
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
    await folder.remove();
  });

  const connect = async (): Promise<ConnectedReadStore> => {
    const store = await connectReadStore({ dir: folder.path, port: 0 });
    opened.push(store);
    return store;
  };
  const dataFile = () => join(folder.path, 'data.mdb');

  async function fill(rows: number): Promise<void> {
    const store = await connect();
    await store.db.collection('rows').createIndex({ n: 1 }, { unique: true });
    await store.db
      .collection('rows')
      .insertMany(Array.from({ length: rows }, (_, n) => ({ n, text: 'x'.repeat(200) })));
    await store.close();
  }

  it('has everything again after a restart: documents with their types and order, collections, indexes', async () => {
    const first = await connect();
    const rows = first.db.collection<{ _id: number; v?: unknown }>('rows');
    await rows.insertMany([{ _id: 3, v: Long.fromNumber(1) }, { _id: 1, v: new Double(2) }, { _id: 2 }]);
    await rows.createIndex({ v: -1 }, { sparse: true });
    await rows.deleteOne({ _id: 2 });
    await first.db.createCollection('empty');
    await first.db.collection('old').insertOne({ a: 1 });
    await first.db.collection('old').rename('renamed');
    await first.db.collection('gone').insertOne({ a: 1 });
    await first.db.collection('gone').drop();
    await first.close();

    const second = await connect();
    expect(second.rebuilt).toBeUndefined();
    expect((await second.db.listCollections().toArray()).map(({ name }) => name)).toEqual(['empty', 'renamed', 'rows']);
    const again = second.db.collection<{ _id: number; v?: unknown }>('rows');
    expect(await again.find({}, { promoteValues: false }).toArray()).toMatchObject([
      { v: Long.fromNumber(1) },
      { v: new Double(2) },
    ]);
    expect(await again.indexes()).toEqual([
      { v: 2, key: { _id: 1 }, name: '_id_' },
      { v: 2, key: { v: -1 }, name: 'v_-1', sparse: true },
    ]);
    await again.insertOne({ _id: 0 });
    expect(
      await again
        .find()
        .map(({ _id }) => _id)
        .toArray(),
    ).toEqual([3, 1, 0]);
    await second.close();
  });

  it('keeps every acknowledged write when the process is killed', async () => {
    const compiled = await compileStore(folder.parent);
    const { process: server, url } = await startServer(compiled, folder.path);
    const client = await new MongoClient(url, { retryWrites: false }).connect();
    const acknowledged: number[] = [0, 0, 0, 0];
    const writer = async (lane: number): Promise<void> => {
      const rows = client.db('convoke').collection<{ _id: string; position: number }>('rows');
      for (let position = 1; ; position++) {
        // The row first, then the checkpoint: what a projection does.
        await rows.updateOne({ _id: `row-${lane}-${position}` }, { $set: { position } }, { upsert: true });
        await rows.updateOne({ _id: `checkpoint-${lane}` }, { $set: { position } }, { upsert: true });
        acknowledged[lane] = position;
        if (lane === 0 && position === 150) server.kill('SIGKILL');
      }
    };
    const gone = ended(server);
    await Promise.allSettled(acknowledged.map((_, lane) => writer(lane)));
    await gone;
    await client.close();

    const store = await connect();
    expect(store.rebuilt).toBeUndefined();
    const rows = store.db.collection<{ _id: string; position: number }>('rows');
    for (const [lane, last] of acknowledged.entries()) {
      const checkpoint = (await rows.findOne({ _id: `checkpoint-${lane}` }))?.position ?? 0;
      expect(checkpoint).toBeGreaterThanOrEqual(last);
      // No checkpoint without the rows before it.
      expect(await rows.countDocuments({ _id: { $regex: `^row-${lane}-` }, position: { $lte: checkpoint } })).toBe(
        checkpoint,
      );
    }
    expect(acknowledged[0]).toBeGreaterThanOrEqual(149);
    await store.close();
  });

  /** Opens the damaged store, then once more. */
  async function reopen(): Promise<string | undefined> {
    const store = await connect();
    const reason = store.rebuilt?.reason;
    expect(await store.db.listCollections().toArray()).toEqual([]);
    await store.db.collection('rows').insertOne({ a: 1 });
    await store.close();
    const aside = (await readdir(folder.parent)).filter((name) => name.startsWith('read-store.damaged-'));
    expect(aside).toHaveLength(1);
    const again = await connect();
    expect(again.rebuilt).toBeUndefined();
    expect(await again.db.collection('rows').countDocuments()).toBe(1);
    await again.close();
    return reason;
  }

  it('moves a cut file aside and begins empty', async () => {
    await fill(5000);
    const file = await open(dataFile(), 'r+');
    await file.truncate(3 * 4096);
    await file.close();
    expect(await reopen()).toMatch(/./);
  });

  it('moves a file with overwritten pages aside and begins empty', async () => {
    await fill(5000);
    const bytes = await readFile(dataFile());
    bytes.fill(0xa5, 8 * 4096);
    await writeFile(dataFile(), bytes);
    expect(await reopen()).toMatch(/./);
  });

  it('never serves a document of which one byte was changed', async () => {
    await fill(50);
    const bytes = await readFile(dataFile());
    for (let at = bytes.indexOf('xxxxxxxx'); at >= 0; at = bytes.indexOf('xxxxxxxx', at + 150)) bytes[at] = 121;
    await writeFile(dataFile(), bytes);
    expect(await reopen()).toMatch(/checksum/);
  });

  it('does not take the port of another, and leaves the folder usable', async () => {
    const store = await openEmbeddedReadStore({ dir: folder.path, port: 0 });
    const port = Number(new URL(store.url).port);
    await expect(openEmbeddedReadStore({ dir: join(folder.parent, 'other'), port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    await store.close();
    await rm(join(folder.path, 'clean'));
    const again = await openEmbeddedReadStore({ dir: folder.path, port });
    expect(again.rebuilt).toBeUndefined();
    await again.close();
  });
});
