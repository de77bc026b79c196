import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child, compileStore } from '../event-store/child.js';
import { hasStrace, stepsOf } from './strace.js';

const SEQUENTIAL = 25;
const CONCURRENT = 500;
const note = hasStrace ? '' : ' (skipped: strace is not installed)';

const markIn = (call: string): string => /^write\(1<.*"mark (.)\\n"/.exec(call)?.[1] ?? '';

describe('an acknowledged append is on disk', () => {
  let compiled: Awaited<ReturnType<typeof compileStore>>;
  let dir: string;
  beforeAll(async () => {
    compiled = await compileStore();
    dir = await mkdtemp(join(tmpdir(), 'log-'));
  });
  afterAll(() => Promise.all([compiled.dir, dir].map((path) => rm(path, { recursive: true }))));

  async function flushes(): Promise<void> {
    const source = `
      import { writeSync } from 'node:fs';
      import { openEmbeddedEventStore } from '${compiled.url('embedded/embedded-event-store.js')}';
      const store = await openEmbeddedEventStore({ dir: ${JSON.stringify(join(dir, 'log'))} });
      const event = (n) => [{ id: 'event-' + n, type: 'Written', data: {}, metadata: {} }];
      const mark = (letter) => writeSync(1, 'mark ' + letter + '\\n');
      mark('S');
      for (let n = 0; n < ${SEQUENTIAL}; n++) {
        await store.append('room-1', 'any', event(n));
        mark('A');
      }
      mark('C');
      await Promise.all(Array.from({ length: ${CONCURRENT} }, async (_, n) => {
        await store.append('room-' + n, 'any', event('c' + n));
        mark('a');
      }));
      mark('E');
      await store.close();
    `;
    const file = join(dir, 'trace');
    const calls = 'trace=openat,fdatasync,fsync,msync,pwrite64,write';
    const child = new Child(source, ['strace', '-f', '-y', '-e', calls, '-o', file, process.execPath]);
    expect(await child.exited).toEqual({ code: 0, signal: null });
    const trace = await readFile(file, 'utf8');
    const writtenThrough = /data\.mdb", [^)]*O_DSYNC[^)]*\) = (\d+)/.exec(trace)?.[1];
    const all = stepsOf(trace, writtenThrough, markIn);

    const [, sequential = ''] = /S([^C]*)C/.exec(all) ?? [];
    const answers = sequential.split('A').slice(0, -1);
    expect(answers).toHaveLength(SEQUENTIAL);
    for (const before of answers) expect(before).toMatch(/f+m+$/);
    expect(all.slice(all.indexOf('S'))).not.toContain('v');

    const [, concurrent = ''] = /C([^E]*)E/.exec(all) ?? [];
    expect(concurrent.replaceAll(/[^a]/g, '')).toHaveLength(CONCURRENT);
    expect(concurrent).toMatch(/^f+m/);
    expect(concurrent.replaceAll(/[^f]/g, '').length).toBeLessThan(CONCURRENT / 20);
  }

  (hasStrace ? it : it.skip)(`flushes before each of the answers, and once for many appends at a time${note}`, flushes);
});
