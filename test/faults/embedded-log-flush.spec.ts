import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child, compileStore } from '../event-store/child.js';

const SEQUENTIAL = 25;
const CONCURRENT = 500;
/** The first two pages of the data file say which version of the data is the valid one. */
const META_PAGES = 2 * 4096;
const hasStrace = spawnSync('strace', ['-V']).status === 0;
const note = hasStrace ? '' : ' (skipped: strace is not installed)';

/**
 * What a traced process did to the log, in order: `f` data flushed (fdatasync or fsync returned), `m` the page that
 * makes the commit visible written through (on a descriptor opened with O_DSYNC), `v` that page written without (the
 * commit would be seen before it is safe), and its own marks as they are.
 */
function steps(trace: string): string {
  const writtenThrough = /data\.mdb", [^)]*O_DSYNC[^)]*\) = (\d+)/.exec(trace)?.[1];
  const started = new Map<string, string>();
  let done = '';
  for (const line of trace.split('\n')) {
    const [, thread = '', call = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? [];
    const mark = /^write\(1<.*"mark (.)\\n"/.exec(call)?.[1];
    if (mark !== undefined) done += mark;
    let kind: string | undefined;
    if (/^(fdatasync|fsync)\(\d+<[^>]*data\.mdb>/.test(call)) kind = 'f';
    else if (call.startsWith(`pwrite64(${writtenThrough}<`)) kind = 'm';
    else if (Number(/^pwrite64\(\d+<[^>]*data\.mdb>, .*, (\d+)(\)| <unf)/.exec(call)?.[1]) < META_PAGES) kind = 'v';
    else if (call.startsWith('<...')) kind = started.get(thread);
    if (call.includes('<unfinished')) started.set(thread, kind ?? '');
    else if (kind !== undefined && !/= -1/.test(call)) done += kind;
  }
  return done;
}

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
    const all = steps(await readFile(file, 'utf8'));

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
