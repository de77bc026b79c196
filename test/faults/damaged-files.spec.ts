import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, open, readdir, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connectAs, secret, startServer, type ServerProcess, type SocketClient } from '../e2e/support/server.js';
import { scale } from './scale.js';

const PAGE = 4096;
const env = { RATE_LIMIT: 'off' };

let root: string;
/** A data folder as a clean stop left it. */
let whole: string;
let size: number;
let answers: unknown;
let copies = 0;
const started: ServerProcess[] = [];

/** What the server says to everyone, and from its read models. */
async function ask(admin: SocketClient): Promise<unknown> {
  const list = await admin.call<{ id: string }[]>('room.config.list');
  const one = await admin.call('room.config.get', { room: list[0]?.id });
  return { list, one };
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'convoke-damaged-'));
  whole = join(root, 'whole');
  const server = await startServer({ dataDir: whole, env });
  const admin = await connectAs(server, 'admin', ['admin']);
  for (let n = 0; n < 40; n++) {
    const { room } = await admin.call<{ room: string }>('room.create', {
      name: `Hall ${n}`,
      description: 'd'.repeat(500),
    });
    await admin.call('room.schedule', { room, schedule_data: { title: `Talk ${n}` } });
  }
  answers = await ask(admin);
  await admin.close();
  await server.stop();
  ({ size } = await stat(join(whole, 'log', 'data.mdb')));
});
afterAll(async () => {
  await Promise.all(started.map((server) => server.kill9()));
  await rm(root, { recursive: true, force: true });
});

async function copyOfWhole(): Promise<string> {
  const dataDir = join(root, `copy-${++copies}`);
  await cp(whole, dataDir, { recursive: true, preserveTimestamps: true });
  return dataDir;
}

async function overwrite(file: string, start: number, length: number, byte: number): Promise<void> {
  const handle = await open(file, 'r+');
  await handle.write(Buffer.alloc(length, byte), 0, length, start);
  await handle.close();
}

interface Start {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly listened: boolean;
  readonly stderr: string;
}

/** Starts the server as `npm start` does, until it ends by itself or listens. */
async function startOn(dataDir: string): Promise<Start> {
  const child = spawn(process.execPath, ['dist/src/main.js'], {
    env: { PATH: process.env.PATH, DATA_DIR: dataDir, PORT: '0', AUTH_SECRET: secret },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let listened = false;
  let stderr = '';
  child.stdout.on('data', (text: Buffer) => {
    if (!text.toString().includes('Convoke is listening')) return;
    listened = true;
    child.kill('SIGTERM');
  });
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, listened, stderr };
}

/** Damages a copy of the log's data file, and starts the server on it. */
async function startDamaged(damage: (file: string) => Promise<void>): Promise<Start> {
  const dataDir = await copyOfWhole();
  await damage(join(dataDir, 'log', 'data.mdb'));
  const start = await startOn(dataDir);
  await rm(dataDir, { recursive: true });
  return start;
}

const refusal = /^convoke: refusing to open the event log: \/\S+\/log\/data\.mdb .*Restore it from a backup.*\n$/;

/** What is wrong with a refusal: it ends with 1 and one line that names the file and says what to do. */
function wrongIn({ code, signal, listened, stderr }: Start, how: string): string[] {
  const isRight = code === 1 && signal === null && !listened && refusal.test(stderr);
  return isRight ? [] : [`${how}: ended with ${signal ?? code}${listened ? ' after it listened' : ''}: ${stderr}`];
}

/** Both processors are busy, no more. */
async function inPairs<T>(all: readonly T[], work: (one: T) => Promise<string[]>): Promise<string[]> {
  const problems: string[] = [];
  for (let n = 0; n < all.length; n += 2) problems.push(...(await Promise.all(all.slice(n, n + 2).map(work))).flat());
  return problems;
}

describe('a server whose log is damaged', () => {
  it(
    'refuses to start on a missing, emptied or cut file, and says what to do',
    async () => {
      const lengths = Array.from({ length: scale.cutLengths }, (_one, n) =>
        Math.floor((size * (n + 0.7)) / scale.cutLengths),
      );
      const damages: [string, (file: string) => Promise<void>][] = [
        ['missing', (file) => rm(file)],
        ['emptied', (file) => truncate(file)],
        ...lengths.map((to): [string, (file: string) => Promise<void>] => [
          `cut to ${to}`,
          (file) => truncate(file, to),
        ]),
      ];
      expect(await inPairs(damages, async ([how, damage]) => wrongIn(await startDamaged(damage), how))).toEqual([]);
    },
    scale.damagedFilesMs,
  );

  it(
    'refuses to start on a file zeroed from any page on, and survives any zeroed page',
    async () => {
      const pages = size / PAGE;
      const cut = await inPairs([0, 2, Math.floor(pages / 2)], async (page) => {
        const start = await startDamaged((file) => overwrite(file, page * PAGE, size - page * PAGE, 0));
        return wrongIn(start, `zeroed from page ${page}`);
      });
      expect(cut).toEqual([]);
      const chosen = Array.from(
        { length: scale.zeroedPages },
        (_one, n) => 2 + Math.floor(((pages - 2) * n) / scale.zeroedPages),
      );
      const single = await inPairs(chosen, async (page) => {
        const start = await startDamaged((file) => overwrite(file, page * PAGE, PAGE, 0));
        // A page that is free, or holds records only, does not keep the log from being opened.
        return start.listened && start.code === 0 ? [] : wrongIn(start, `page ${page} zeroed`);
      });
      expect(single).toEqual([]);
    },
    scale.damagedFilesMs,
  );
});

describe('a server whose read store is damaged', () => {
  const damages: [string, (file: string) => Promise<void>][] = [
    ['flipped', (file) => flipRows(file)],
    ['cut', (file) => truncate(file, 3 * PAGE)],
    ['zeroed', async (file) => overwrite(file, 4 * PAGE, (await stat(file)).size - 4 * PAGE, 0)],
    ['emptied', (file) => truncate(file)],
    ['missing', (file) => rm(file)],
  ];

  it('builds it again from the log and answers as before', async () => {
    const problems = await inPairs(damages, async ([how, damage]) => {
      const dataDir = await copyOfWhole();
      await damage(join(dataDir, 'read-store', 'data.mdb'));
      const server = await startServer({ dataDir, env });
      started.push(server);
      await server.ready();
      const isSame = isDeepStrictEqual(await ask(await connectAs(server, 'admin', ['admin'])), answers);
      const code = await server.stop();
      const aside = (await readdir(dataDir)).filter((name) => name.startsWith('read-store.damaged-')).length;
      // A file that is gone or empty is a new one.
      const isAside = aside === (how === 'emptied' || how === 'missing' ? 0 : 1);
      return isSame && code === 0 && isAside ? [] : [`${how}: ${JSON.stringify({ isSame, code, aside })}`];
    });
    expect(problems).toEqual([]);
  });

  /** One bit of every row's description, in the pages as they are and in copies left in free ones. */
  async function flipRows(path: string): Promise<void> {
    const handle = await open(path, 'r+');
    const bytes = await handle.readFile();
    for (let at = bytes.indexOf('dddddddd'); at >= 0; at = bytes.indexOf('dddddddd', at + 400))
      bytes.writeUInt8(0x65, at);
    await handle.write(bytes, 0, bytes.length, 0);
    await handle.close();
  }
});
