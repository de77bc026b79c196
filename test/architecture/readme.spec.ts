import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startServer, tokenFor, type ServerProcess } from '../e2e/support/server.js';
import { copyOf, repository, type Copy } from './support/copy.js';
import { fenced, markdown } from './support/markdown.js';

let folder: Copy;
let server: ServerProcess;

beforeAll(async () => {
  folder = await copyOf([]);
  await symlink(join(repository, 'node_modules'), join(folder.dir, 'node_modules'), 'dir');
  await mkdir(join(folder.dir, 'data'));
  server = await startServer({ dataDir: join(folder.dir, 'data') });
});

afterAll(async () => {
  await server.stop();
  await folder.remove();
});

it('the first session of the README goes as it says', async () => {
  const [script = ''] = fenced(await markdown('README.md'), 'js');
  expect(script).toContain('127.0.0.1:3000');
  await folder.write('hello.mjs', script.replace('127.0.0.1:3000', `127.0.0.1:${server.port}`));
  const token = await tokenFor('alice', ['admin']);
  const children = ['Hall', 'Stage', 'HALL'].map((name) => ({
    name,
    run: () =>
      spawn(process.execPath, ['hello.mjs', token, name], { cwd: folder.dir, stdio: ['ignore', 'pipe', 'inherit'] }),
  }));
  const running = [];
  try {
    for (const { name, run } of children) {
      const child = run();
      running.push(child);
      const wanted =
        name === 'HALL' ? ['authenticated', 'room.invalid.name_taken'] : ['authenticated', 'success', 'room.create'];
      const missing = new Set(wanted);
      for await (const line of createInterface(child.stdout)) {
        for (const one of missing) if (line.includes(one)) missing.delete(one);
        if (missing.size === 0) break;
      }
      expect([name, ...missing]).toEqual([name]);
    }
  } finally {
    for (const child of running) child.kill();
  }
});
