import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runCli } from './support/cli.js';

describe('convoke demo', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'convoke-demo-test-'));
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('keeps every promise it shows, and leaves nothing behind', async () => {
    const { code, stdout, stderr } = await runCli(['demo'], { TMPDIR: folder });
    expect({ code, stderr, broken: stdout.split('\n').filter((line) => line.includes('✗')) }).toEqual({
      code: 0,
      stderr: '',
      broken: [],
    });
    for (const line of [
      /Lighthouse Days 2027 +5 rooms, 16 sessions/,
      /✓ all 50 attendees heard of 50 claps/,
      /✓ one of 20 bookings won/,
      /✓ both guests were told of it/,
      /✓ the slot is offered no more/,
      /✓ the list of viewers is right/,
      /✓ the effect of every acknowledged command is there/,
      /✓ the read models went on at their checkpoints/,
      /✓ each of the \d+ acknowledged commands is in it exactly once/,
      /events in the log +\d+/,
      /deliveries measured +10,000/,
      /command to delivery +p50 [\d.]+ m?s, p99 [\d.]+ m?s/,
      /recovery after kill -9 +[\d.]+ m?s/,
      /expectations +all held/,
    ]) {
      expect(stdout).toMatch(line);
    }
    // No terminal, no colour.
    expect(stdout).not.toContain('\u001b');
    expect(await readdir(folder)).toEqual([]);
  });

  it('ends its server and removes its folder when it is interrupted', async () => {
    const demo = spawn(process.execPath, [resolve('dist/src/cli/main.js'), 'demo'], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const url = await new Promise<string>((found) => {
      createInterface(demo.stdout).on('line', (line) => {
        const [, listening] = /listening on +(\S+)/.exec(line) ?? [];
        if (listening !== undefined) found(listening);
      });
    });
    demo.kill('SIGINT');
    if (demo.exitCode === null) await once(demo, 'exit');
    expect(demo.exitCode).toBe(130);
    await expect(fetch(url)).rejects.toThrow('fetch failed');
    expect(await readdir(folder)).toEqual([]);
  });

  it('does the same when nobody reads its output any more', async () => {
    const demo = spawn(process.execPath, [resolve('dist/src/cli/main.js'), 'demo'], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    demo.stdout.once('data', () => demo.stdout.destroy());
    await once(demo, 'exit');
    expect(demo.exitCode).toBe(1);
    expect(await readdir(folder)).toEqual([]);
  });

  it('refuses a file that is no schedule before anything starts', async () => {
    const { code, stdout, stderr } = await runCli(['demo', resolve('package.json')], { TMPDIR: folder });
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('schedule: an object');
  });
});
