import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import { verifyLog } from '../../src/event-store/embedded/verify-log.js';
import { collect } from '../contract/event-store-helpers.js';
import { Child, compileStore } from '../event-store/child.js';

const hasPrlimit = spawnSync('prlimit', ['--version']).status === 0;
const note = hasPrlimit ? '' : ' (skipped: prlimit is not installed)';

describe('an embedded log that cannot grow', () => {
  let compiled: Awaited<ReturnType<typeof compileStore>>;
  let root: string;
  beforeAll(async () => {
    compiled = await compileStore();
    root = await mkdtemp(join(tmpdir(), 'log-'));
  });
  afterAll(() => Promise.all([compiled.dir, root].map((path) => rm(path, { recursive: true }))));

  async function goesOn(): Promise<void> {
    const dir = join(root, 'log');
    const child = new Child(`
      import { createInterface } from 'node:readline';
      import { openEmbeddedEventStore } from '${compiled.url('embedded/embedded-event-store.js')}';
      const store = await openEmbeddedEventStore({ dir: ${JSON.stringify(dir)} });
      const event = (id) => [{ id, type: 'Written', data: { text: 'x'.repeat(100_000) }, metadata: {} }];
      const append = (stream, expected, id) => store.append(stream, expected, event(id)).then(
        ({ revision, position }) => revision + '@' + position, (error) => error.name);
      console.log(await append('room-1', 'no_stream', 'a'));
      for await (const line of createInterface({ input: process.stdin })) {
        if (line === 'close') break;
        console.log((await Promise.all([append('room-1', 0n, 'b'), append('room-2', 'no_stream', 'c')])).join());
      }
      await store.close();
      process.exit();
    `);
    expect(await child.line()).toBe('0@0');
    const { size } = await stat(join(dir, 'data.mdb'));
    execFileSync('prlimit', ['--pid', String(child.pid), `--fsize=${size}:unlimited`]);
    child.say('append');
    expect(await child.line()).toBe('StoreUnavailable,StoreUnavailable');
    execFileSync('prlimit', ['--pid', String(child.pid), '--fsize=unlimited']);
    child.say('append');
    expect(await child.line()).toBe('1@1,0@2');
    child.say('close');
    expect(await child.exited).toEqual({ code: 0, signal: null });
    const store = await openEmbeddedEventStore({ dir });
    expect((await collect(store.readAll())).map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    await store.close();
    expect(await verifyLog(dir)).toEqual({ events: 3, streams: 2, head: 2n, problems: [] });
  }

  const title = `rejects what it could not write, and goes on without a gap when there is room again${note}`;
  (hasPrlimit ? it : it.skip)(title, goesOn);
});
