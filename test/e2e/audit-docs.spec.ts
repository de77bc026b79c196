import { execFile, spawnSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fenced, markdown } from '../architecture/support/markdown.js';
import { secret, temporaryServers, type ServerProcess } from './support/server.js';

/** The examples ask with curl, which not every machine has. */
const hasCurl = spawnSync('curl', ['--version']).status === 0;

let place: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;

beforeAll(async () => {
  place = await temporaryServers();
  server = await place.start();
});

afterAll(() => place.remove());

(hasCurl ? describe : describe.skip)('docs/audit.md', () => {
  it('has commands that run as printed', async () => {
    const blocks = fenced(await markdown('docs/audit.md'), 'sh');
    const cli = `"${process.execPath}" "${resolve('dist/src/cli/main.js')}"`;
    const script = blocks
      .join('')
      .replaceAll('npm run --silent convoke --', cli)
      .replaceAll('npm run --silent token --', `${cli} token`)
      .replaceAll('http://127.0.0.1:3000', server.url);
    expect(script).not.toContain('npm');
    const cwd = join(place.dataDir, 'auditor');
    await mkdir(cwd);
    const env = { ...process.env, DATA_DIR: place.dataDir, AUTH_SECRET: secret };
    const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], { cwd, env });
    expect(stdout.match(/every hash chain is intact/g)).toHaveLength(6);
  });
});
