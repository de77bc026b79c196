import { spawn } from 'node:child_process';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** How long a check may take before the file counts as damaged: reading 1 GB takes a few seconds. */
const timeLimitMs = 120_000;

/**
 * Reads every page of the main database and commits one write, which goes through the list of free pages.
 * Arguments: path of the lmdb package, folder.
 */
const readAndWrite = `
const [, lmdb, path] = process.argv;
const root = require(lmdb).open(path, { encoding: 'binary', keyEncoding: 'binary', overlappingSync: false });
let sum = 0;
for (const { value } of root.getRange({ snapshot: true })) for (let i = 0; i < value.length; i += 512) sum += value[i];
const key = Buffer.from([255, 0]);
root.put(key, Buffer.alloc(8192, sum & 255)).then(() => root.remove(key)).then(() => root.close()).catch((error) => {
  process.stdout.write(String(error));
  process.exit(1);
});
`;

/** Whether an LMDB file that nobody has open can be read and written: what is wrong, undefined when nothing is. */
export function findLmdbDamage(dir: string): Promise<string | undefined> {
  return runCheck(readAndWrite, dir);
}

/**
 * Runs a check of an LMDB folder in a child process, because a structurally damaged file ends the process that touches it
 * with a signal. The script is CommonJS text, so it runs whether this module was compiled or not; its arguments are the
 * path of the lmdb package and the folder. Answers what it printed before it failed, undefined when it did not.
 */
export function runCheck(script: string, dir: string): Promise<string | undefined> {
  const lmdb = createRequire(import.meta.url).resolve('lmdb');
  const child = spawn(process.execPath, ['-e', script, '--', lmdb, dir], {
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeLimitMs,
    killSignal: 'SIGKILL',
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (said += bytes.toString()));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve(undefined);
      else if (signal !== null) resolve(`reading it ends a process with ${signal}`);
      else resolve(reasonIn(said) || `the check ended with code ${code}`);
    });
  });
}

/** What the script printed, as one line: of an error it did not catch, the message without the stack. */
function reasonIn(said: string): string {
  const lines = said.trim().split('\n');
  return (lines.find((line) => /^\w*Error: /.test(line)) ?? lines[0] ?? '').slice(0, 1_000);
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
