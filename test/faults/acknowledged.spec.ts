import { spawn } from 'node:child_process';
import { readFile, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { connectAs, temporaryServers, type ServerProcess } from '../e2e/support/server.js';
import { scale } from './scale.js';
import { hasStrace, stepsOf } from './strace.js';

const note = hasStrace ? '' : ' (skipped: strace is not installed)';
const O_DSYNC = 0o10000;
/** Each WebSocket frame of success that is handed to the kernel. */
const successes = (call: string): string =>
  /^(write|writev|sendto|sendmsg)\(/.test(call) ? 'A'.repeat(call.match(/\[\\"success\\",/g)?.length ?? 0) : '';

/** The descriptor of the log's file whose writes return when they are on disk. */
async function writtenThrough({ pid }: ServerProcess): Promise<string | undefined> {
  for (const fd of await readdir(`/proc/${pid}/fd`)) {
    const path = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
    const info = path.endsWith('/log/data.mdb') ? await readFile(`/proc/${pid}/fdinfo/${fd}`, 'utf8') : '';
    if (Number.parseInt(/flags:\s*(\d+)/.exec(info)?.[1] ?? '0', 8) & O_DSYNC) return fd;
  }
  return undefined;
}

describe('a command acknowledged by the server', () => {
  async function flushesFirst(): Promise<void> {
    const { dataDir, start, remove } = await temporaryServers();
    try {
      const server = await start({ env: { RATE_LIMIT: 'off' } });
      const admin = await connectAs(server, 'admin', ['admin']);
      const { room } = await admin.call<{ room: string }>('room.create', { name: 'Hall' });
      const fd = await writtenThrough(server);
      const file = join(dataDir, 'trace');
      const calls = 'trace=fdatasync,fsync,msync,pwrite64,write,writev,sendto,sendmsg';
      const strace = spawn('strace', ['-f', '-y', '-s', '120', '-e', calls, '-o', file, '-p', String(server.pid)], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const ended = once(strace, 'close');
      // It says so for the process, or that it may not.
      const said = createInterface(strace.stderr);
      const [line] = (await once(said, 'line')) as [string];
      expect(line).toMatch(/attached/);
      for (let n = 0; n < scale.tracedCommands; n++) {
        await admin.call('room.schedule', { room, schedule_data: { title: `Talk ${n}` } });
      }
      await server.kill9();
      await ended;
      const all = stepsOf(await readFile(file, 'utf8'), fd, successes);
      const answers = all.split('A').slice(0, -1);
      expect(answers).toHaveLength(scale.tracedCommands);
      for (const before of answers) expect(before).toMatch(/f+m+$/);
      expect(all).not.toContain('v');
    } finally {
      await remove();
    }
  }

  (hasStrace ? it : it.skip)(`is on disk before the answer leaves${note}`, flushesFirst, 120_000);
});
