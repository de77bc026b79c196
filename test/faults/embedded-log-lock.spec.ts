import { afterEach, beforeAll, afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import { WriterLock } from '../../src/lmdb/writer-lock.js';
import { StoreUnavailable } from '../../src/event-store/event-store.js';
import { collect, eventsOf, follow, idsOf, someEvents } from '../contract/event-store-helpers.js';
import { Child, compileStore } from '../event-store/child.js';

describe('the embedded log has one writer', () => {
  let compiled: Awaited<ReturnType<typeof compileStore>>;
  let root: string;
  let dir: string;
  const children: Child[] = [];

  beforeAll(async () => {
    compiled = await compileStore();
  });
  afterAll(() => rm(compiled.dir, { recursive: true }));
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'log-'));
    dir = join(root, 'log');
  });
  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.kill()));
    await rm(root, { recursive: true });
  });

  /** Opens the log in a child, which then says `open` or `refused: …` and stays. */
  function opener(path = dir): Child {
    const child = new Child(`
      import { openEmbeddedEventStore } from '${compiled.url('embedded/embedded-event-store.js')}';
      await openEmbeddedEventStore({ dir: ${JSON.stringify(path)} }).then(
        () => console.log('open'),
        (error) => console.log('refused: ' + error.message),
      );
      setInterval(() => {}, 1000);
    `);
    children.push(child);
    return child;
  }

  it('refuses a second process by name of directory and holder, until kill -9 frees it', async () => {
    const holder = opener();
    expect(await holder.line()).toBe('open');
    const refused = openEmbeddedEventStore({ dir });
    await expect(refused).rejects.toThrow(StoreUnavailable);
    await expect(refused).rejects.toThrow(`${dir} is already open for writing by process ${holder.pid}`);
    await holder.kill();
    const store = await openEmbeddedEventStore({ dir });
    await store.close();
    expect((await readdir(dir)).filter((name) => name.endsWith('.sock'))).toEqual([]);
  });

  it('refuses a second open in the same process, and lets go on close', async () => {
    const store = await openEmbeddedEventStore({ dir });
    await expect(openEmbeddedEventStore({ dir })).rejects.toThrow('open for writing by this process');
    await store.append('room-1', 'no_stream', someEvents(1));
    await store.close();
    await (await openEmbeddedEventStore({ dir })).close();
  });

  it('lets one of several starters win that all find the socket of a dead one', async () => {
    const dead = opener();
    expect(await dead.line()).toBe('open');
    await dead.kill();
    for (let round = 0; round < 2; round++) {
      const starters = Array.from({ length: 4 }, () => opener());
      const answers = await Promise.all(starters.map((starter) => starter.line()));
      expect(answers.filter((answer) => answer === 'open')).toHaveLength(1);
      await Promise.all(starters.map((starter) => starter.kill()));
    }
  });

  it('is won by exactly one of those who look for others at the same moment', async () => {
    await mkdir(dir);
    for (let round = 0; round < 10; round++) {
      const attempts = await Promise.allSettled(Array.from({ length: 6 }, () => WriterLock.acquire(dir, 'event log')));
      const winners = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
      expect(winners).toHaveLength(1);
      await Promise.all(winners.map((lock) => lock.release()));
    }
  });

  it('works in a directory whose path is too long for a socket', async () => {
    const long = join(root, 'd'.repeat(120), 'log');
    await mkdir(long, { recursive: true });
    const holder = opener(long);
    expect(await holder.line()).toBe('open');
    await expect(openEmbeddedEventStore({ dir: long })).rejects.toThrow(`process ${holder.pid}`);
  });

  it('welcomes readers beside the writer, which follow it live', async () => {
    const writer = new Child(`
      import { openEmbeddedEventStore } from '${compiled.url('embedded/embedded-event-store.js')}';
      import { createInterface } from 'node:readline';
      const store = await openEmbeddedEventStore({ dir: ${JSON.stringify(dir)} });
      console.log('open');
      const event = (id) => ({ id, type: 'Written', data: {}, metadata: {} });
      for await (const line of createInterface({ input: process.stdin })) {
        await store.append('room-1', 'any', line.split(',').map(event));
        console.log('written');
      }
    `);
    children.push(writer);
    expect(await writer.line()).toBe('open');
    const reader = await openEmbeddedEventStore({ dir, readOnly: true });
    const seen = follow(reader, {}, (messages) => eventsOf(messages).length === 3);
    await follow(reader, {}, (messages) => messages.at(-1)?.type === 'caughtUp');
    writer.say('a,b');
    expect(await writer.line()).toBe('written');
    expect(await reader.head()).toBe(1n);
    writer.say('c');
    expect(idsOf(eventsOf(await seen))).toEqual(['a', 'b', 'c']);
    expect((await seen).filter(({ type }) => type === 'caughtUp')).toHaveLength(1);
    expect(idsOf(await collect(reader.readStream('room-1')))).toEqual(['a', 'b', 'c']);
    await expect(reader.append('room-1', 'any', someEvents(1))).rejects.toThrow('read-only');
    await reader.close();
  });

  it('has nothing to read where no log was written, and makes none', async () => {
    await expect(openEmbeddedEventStore({ dir, readOnly: true })).rejects.toThrow(`there is no event log in ${dir}`);
    expect(await readdir(root)).toEqual([]);
  });
});
