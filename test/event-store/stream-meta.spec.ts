import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { open } from 'lmdb';
import { openEmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import { verifyLog } from '../../src/event-store/embedded/verify-log.js';
import { StoreUnavailable } from '../../src/event-store/event-store.js';
import { collect, someEvent, someEvents } from '../contract/event-store-helpers.js';

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'log-'));
});

afterEach(() => rm(dir, { recursive: true }));

/** Changes what is kept of streams behind the store's back. */
async function tamper(change: (metas: ReturnType<typeof openMetas>) => Promise<unknown>): Promise<void> {
  const root = open({ path: dir, encoding: 'binary', keyEncoding: 'binary' });
  await change(openMetas(root));
  await root.close();
}

function openMetas(root: ReturnType<typeof open>) {
  return root.openDB<Buffer, Buffer>({ name: 'stream-metas', encoding: 'binary', keyEncoding: 'binary' });
}

describe('what the embedded log keeps of a stream beside its events', () => {
  const metadata = {
    ...someEvent('$metadata', { $maxCount: 3 }),
    stream: '$$räume',
    revision: 7n,
    position: 2n ** 60n,
  };

  it('is there after a restart and for readers, and in no event', async () => {
    const store = await openEmbeddedEventStore({ dir });
    await store.append('räume', 'no_stream', someEvents(2));
    expect(store.streams.get('räume')).toEqual({});
    await store.streams.set('räume', { metadata, deletedTo: 1n });
    await store.streams.set('other', { tombstone: true });
    const reader = await openEmbeddedEventStore({ dir, readOnly: true });
    expect(reader.streams.get('räume')).toEqual({ metadata, deletedTo: 1n });
    await expect(reader.streams.set('räume', {})).rejects.toThrow(StoreUnavailable);
    await reader.close();
    await store.close();
    const again = await openEmbeddedEventStore({ dir });
    expect(again.streams.get('räume')).toEqual({ metadata, deletedTo: 1n });
    expect(again.streams.get('other')).toEqual({ tombstone: true });
    expect([again.streams.lastRevision('räume'), again.streams.lastRevision('other')]).toEqual([1n, -1n]);
    expect(await collect(again.readAll())).toHaveLength(2);
    await again.close();
    expect(await verifyLog(dir)).toMatchObject({ events: 2, streams: 1, problems: [] });
  });

  it('is on disk before a close that follows at once', async () => {
    const store = await openEmbeddedEventStore({ dir });
    const set = store.streams.set('räume', { deletedTo: 5n });
    await store.close();
    await set;
    const again = await openEmbeddedEventStore({ dir });
    expect(again.streams.get('räume')).toEqual({ deletedTo: 5n });
    await again.close();
  });

  it('is refused when it is not what was written', async () => {
    const store = await openEmbeddedEventStore({ dir });
    await store.streams.set('räume', { deletedTo: 5n });
    await store.close();
    await tamper(async (metas) => {
      const bytes = Buffer.from(metas.get(Buffer.from('räume')) ?? '');
      bytes[bytes.indexOf('5')] = '4'.charCodeAt(0);
      await metas.put(Buffer.from('räume'), bytes);
    });
    const again = await openEmbeddedEventStore({ dir });
    expect(() => again.streams.get('räume')).toThrow(/räume .*is damaged/);
    await again.close();
  });

  it('is part of what is checked when the structure of the file is', async () => {
    const store = await openEmbeddedEventStore({ dir });
    await store.append('room', 'no_stream', someEvents(2));
    for (let n = 100; n < 400; n++) await store.streams.set(`other-${n}`, { deletedTo: 1n });
    await store.close();
    expect(await verifyLog(dir)).toMatchObject({ problems: [] });
    const file = await readFile(join(dir, 'data.mdb'));
    const page = 4096;
    for (let at = file.indexOf('other-250'); at >= 0; at = file.indexOf('other-250', at)) {
      const start = at - (at % page);
      file.fill(0xff, start, start + page);
    }
    await writeFile(join(dir, 'data.mdb'), file);
    expect((await verifyLog(dir)).problems).toEqual([
      expect.objectContaining({ problem: expect.stringMatching(/the data file is damaged/) }),
    ]);
  });

  it('may be missing altogether in a log of an earlier version', async () => {
    const store = await openEmbeddedEventStore({ dir });
    await store.append('räume', 'no_stream', someEvents(2));
    await store.close();
    await tamper((metas) => metas.drop());
    expect(await verifyLog(dir)).toMatchObject({ events: 2, problems: [] });
    const reader = await openEmbeddedEventStore({ dir, readOnly: true });
    expect(reader.streams.get('räume')).toEqual({});
    await reader.close();
    const again = await openEmbeddedEventStore({ dir });
    await again.streams.set('räume', { deletedTo: 1n });
    expect(again.streams.get('räume')).toEqual({ deletedTo: 1n });
    await again.close();
  });
});
