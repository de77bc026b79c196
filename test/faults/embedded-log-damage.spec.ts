import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { copyFile, mkdtemp, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedEventStore, openEmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import { verifyLog } from '../../src/event-store/embedded/verify-log.js';
import { CorruptEvent, StoreUnavailable } from '../../src/event-store/event-store.js';
import { collect, follow, someEvent, someEvents } from '../contract/event-store-helpers.js';

const PAGE = 4096;

/** Reads what is there: all of it, or an error by name. */
async function readAndClose(store: EmbeddedEventStore): Promise<void> {
  const read = await collect(store.readAll()).catch((error: unknown) => error);
  expect(read instanceof CorruptEvent || (Array.isArray(read) && read.length === 602)).toBe(true);
  await store.close();
}

describe('a damaged embedded log', () => {
  let root: string;
  let dir: string;
  let file: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'log-'));
    dir = join(root, 'log');
    file = join(dir, 'data.mdb');
  });
  afterEach(() => rm(root, { recursive: true }));

  /** Writes 20 streams of 30 events, and one event that says `marker-of-the-event` at position 600. */
  async function writeLog(path = dir): Promise<void> {
    const store = await openEmbeddedEventStore({ dir: path });
    for (let n = 0; n < 20; n++) await store.append(`room-${n}`, 'no_stream', someEvents(30));
    await store.append('marked', 'no_stream', [someEvent('Marked', { text: 'marker-of-the-event' }), someEvent()]);
    await store.close();
  }

  /** Changes the bytes of the file wherever `marker` stands in it (old pages keep copies). */
  async function overwrite(marker: Buffer, change: (bytes: Buffer, at: number) => void): Promise<void> {
    const bytes = await readFile(file);
    expect(bytes.indexOf(marker)).toBeGreaterThan(0);
    for (let at = bytes.indexOf(marker); at >= 0; at = bytes.indexOf(marker, at + 1)) change(bytes, at);
    await writeFile(file, bytes);
  }

  async function zero(start: number, length: number): Promise<void> {
    const handle = await open(file, 'r+');
    await handle.write(Buffer.alloc(length), 0, length, start);
    await handle.close();
  }

  async function expectRefusal(reason: string | RegExp): Promise<void> {
    const opened = openEmbeddedEventStore({ dir });
    await expect(opened).rejects.toThrow(StoreUnavailable);
    await expect(opened).rejects.toThrow(file);
    await expect(opened).rejects.toThrow(reason);
  }

  it('never serves a changed event, and names its position, however it is read', async () => {
    await writeLog();
    await overwrite(Buffer.from('marker-of-the-event'), (bytes, at) => bytes.write('n', at));
    const store = await openEmbeddedEventStore({ dir });
    const damaged = { name: 'CorruptEvent', position: 600n };
    await expect(collect(store.readStream('marked'))).rejects.toMatchObject(damaged);
    await expect(collect(store.readStream('marked', { direction: 'backwards' }))).rejects.toThrow(CorruptEvent);
    await expect(collect(store.readAll())).rejects.toMatchObject(damaged);
    await expect(follow(store, {}, () => false)).rejects.toMatchObject(damaged);
    expect(await collect(store.readStream('room-1'))).toHaveLength(30);
    expect(await collect(store.readAll({ limit: 600 }))).toHaveLength(600);
    await store.close();
    const { problems, events } = await verifyLog(dir);
    expect(events).toBe(601);
    expect(problems[0]).toMatchObject({ position: 600n, problem: expect.stringContaining('checksum') });
  });

  it('does not take another event for the one the stream index names', async () => {
    await writeLog();
    const entry = Buffer.concat([Buffer.from('\0\x06marked'), Buffer.alloc(8)]);
    await overwrite(entry, (bytes, at) => bytes.writeBigUInt64BE(7n, at + entry.length));
    const store = await openEmbeddedEventStore({ dir });
    await expect(collect(store.readStream('marked'))).rejects.toMatchObject({ name: 'CorruptEvent', position: 7n });
    await store.close();
    const { problems } = await verifyLog(dir);
    expect(problems.map(({ position, stream }) => ({ position, stream }))).toEqual([
      { position: 600n, stream: 'marked' },
      { position: 7n, stream: 'marked' },
    ]);
  });

  it('is refused when its file is missing, emptied, cut or zeroed, also after a clean stop', async () => {
    await writeLog();
    const whole = join(root, 'whole');
    await copyFile(file, whole);
    const { size } = await stat(file);
    await rm(file);
    await expectRefusal('is missing, it held events up to position 601');
    await writeFile(file, '');
    await expectRefusal('is empty, it held events up to position 601');
    await copyFile(whole, file);
    await truncate(file, size - PAGE);
    await expectRefusal(`its end is missing`);
    await writeFile(file, Buffer.alloc(size));
    await expectRefusal('is damaged');
    await copyFile(whole, file);
    await zero(2 * PAGE, size - 2 * PAGE);
    await expectRefusal('is damaged');
    await copyFile(whole, file);
    const store = await openEmbeddedEventStore({ dir });
    expect(await store.head()).toBe(601n);
    await store.close();
  });

  it('is refused or read as far as it is intact when a page is zeroed, and never ends the process', async () => {
    await writeLog();
    const whole = join(root, 'whole');
    await copyFile(file, whole);
    const pages = (await stat(file)).size / PAGE;
    let refused = 0;
    let opened = 0;
    let tried = 0;
    for (let page = 2; page < pages; page += Math.ceil(pages / 12)) {
      tried++;
      await copyFile(whole, file);
      await zero(page * PAGE, PAGE);
      const store = await openEmbeddedEventStore({ dir }).catch((error: unknown) => error);
      if (store instanceof StoreUnavailable) refused++;
      else if (store instanceof EmbeddedEventStore) {
        opened++;
        await readAndClose(store);
      }
    }
    expect(refused).toBeGreaterThan(3);
    expect(refused + opened).toBe(tried);
  });

  it('is refused when it is an older copy or another log', async () => {
    await writeLog();
    const older = join(root, 'older');
    await copyFile(file, older);
    const store = await openEmbeddedEventStore({ dir });
    const { epoch } = store;
    // An update in place: the file's size stays, only the head tells the difference.
    await store.append('marked', 1n, someEvents(1));
    await store.close();
    const { size } = await stat(file);
    await copyFile(older, file);
    await truncate(file, size);
    await expectRefusal('ends at position 601, it held events up to position 602');
    const other = join(root, 'other');
    await writeLog(other);
    await copyFile(join(other, 'data.mdb'), file);
    await truncate(file, size);
    await expectRefusal('is another log');
    await rm(join(dir, 'log.json'));
    const foreign: { epoch: string } = JSON.parse(await readFile(join(other, 'log.json'), 'utf8'));
    const accepted = await openEmbeddedEventStore({ dir });
    expect(await accepted.head()).toBe(601n);
    expect([epoch, foreign.epoch]).not.toContain(accepted.epoch);
    await accepted.close();
  });
});
