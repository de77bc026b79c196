import { spawn } from 'node:child_process';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** How long a check may take before the file counts as damaged: reading 1 GB takes a few seconds. */
const timeLimitMs = 120_000;

/**
 * Reads every page of every database in the file and commits one write, which goes through the list of free pages.
 * A string because it runs in a process of its own, whether this module was compiled or not.
 */
const script = `
const { open } = (await import(process.env.CHECK_LMDB)).default;
const root = open(process.env.CHECK_DIR, { encoding: 'binary', keyEncoding: 'binary', overlappingSync: false });
let sum = 0;
const read = (db) => { for (const { value } of db.getRange({ snapshot: true })) for (let i = 0; i < value.length; i += 512) sum += value[i]; };
read(root);
for (const name of JSON.parse(process.env.CHECK_NAMES)) read(root.openDB({ name, encoding: 'binary', keyEncoding: 'binary' }));
const key = Buffer.from([255, 0]);
await root.put(key, Buffer.alloc(8192, sum & 255));
await root.remove(key);
await root.close();
`;

/**
 * Whether an LMDB file can be read without a fault. A structurally damaged one makes the process that touches it die of a
 * signal, so this happens in a child process. Nobody else may have the file open.
 * @returns what is wrong, `undefined` when nothing is
 */
export function findLmdbDamage(dir: string, databases: readonly string[] = []): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      env: {
        ...process.env,
        NODE_OPTIONS: '',
        CHECK_LMDB: createRequire(import.meta.url).resolve('lmdb'),
        CHECK_DIR: dir,
        CHECK_NAMES: JSON.stringify(databases),
      },
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: timeLimitMs,
      killSignal: 'SIGKILL',
    });
    let output = '';
    child.stderr.on('data', (chunk: Buffer) => {
      if (output.length < 4096) output += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve(undefined);
      else if (signal !== null) resolve(`reading it ended in ${signal}`);
      else resolve(/^\w*Error: .*$/m.exec(output)?.[0] ?? `the check ended with code ${code}`);
    });
  });
}

const cleanMark = (dir: string): string => join(dir, 'clean');

async function fingerprint(dir: string): Promise<string | undefined> {
  const file = await stat(join(dir, 'data.mdb')).catch(() => undefined);
  return file && `${file.size} ${file.mtimeMs}`;
}

/** Notes that the file was closed properly and how it looked then. */
export async function markClean(dir: string): Promise<void> {
  const mark = await fingerprint(dir);
  if (mark !== undefined) await writeFile(cleanMark(dir), mark);
}

/** Whether the file is as `markClean` left it. The mark is used up: a crash from here on leaves none. */
export async function takeCleanMark(dir: string): Promise<boolean> {
  const mark = await readFile(cleanMark(dir), 'utf8').catch(() => undefined);
  await rm(cleanMark(dir), { force: true });
  return mark !== undefined && mark === (await fingerprint(dir));
}
