import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rename, rm, symlink, unlink } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreUnavailable } from '../event-store/event-store.js';

/** A Unix socket's path has 107 usable bytes on Linux, 103 elsewhere. */
const MAX_SOCKET_PATH = 103;
/** A process that accepts a connection but says nothing for so many milliseconds is alive and busy: it holds the lock. */
const ANSWER_TIMEOUT = 2_000;
/** How long to wait for another starter to decide, in milliseconds. */
const START_TIMEOUT = 10_000;
const SOCKET_NAME = /^writer-[0-9a-f]{16}\.sock$/;

type Rival = { readonly state: 'starting' | 'held'; readonly pid?: number } | 'dead';

/**
 * Lets one process write to a directory, and dies with it: the lock is a listening Unix socket, closed by the kernel
 * whatever ends the process. LMDB itself lets a second writer in.
 *
 * Each starter listens on a socket of its own, visible only once it listens, so one that refuses connections is a dead
 * one's and may be removed by anyone. Then it looks at the others: a holder means refusal; of two starters the one with
 * the smaller name goes first and waits for the other to give up (or to turn out the holder, had it looked too early to
 * see its rival).
 */
export class WriterLock {
  private state: 'starting' | 'held' = 'starting';
  private readonly name = `writer-${randomBytes(8).toString('hex')}.sock`;
  private readonly server: Server;

  private constructor(
    private readonly dir: string,
    private readonly what: string,
  ) {
    this.server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.end(JSON.stringify({ state: this.state, pid: process.pid }));
    });
    this.server.unref();
  }

  /** `what` names the content in the refusal. @throws StoreUnavailable when the directory has a writer. */
  static async acquire(dir: string, what: 'event log' | 'read store'): Promise<WriterLock> {
    const lock = new WriterLock(resolve(dir), what);
    await lock.listen();
    try {
      await lock.contend();
    } catch (error) {
      await lock.release();
      throw error;
    }
    return lock;
  }

  async release(): Promise<void> {
    await rm(join(this.dir, this.name), { force: true });
    await new Promise<void>((done) => this.server.close(() => done()));
  }

  private async listen(): Promise<void> {
    const hidden = `${this.name}.new`;
    await withSocketPath(this.dir, hidden, async (path) => {
      await new Promise<void>((listening, failed) => {
        this.server.once('error', failed);
        this.server.listen(path, () => {
          this.server.off('error', failed);
          listening();
        });
      });
      await rename(join(this.dir, hidden), join(this.dir, this.name));
    });
  }

  private async contend(): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT;
    for (const name of await readdir(this.dir)) {
      if (!SOCKET_NAME.test(name) || name === this.name) continue;
      let rival = await ask(this.dir, name);
      while (rival !== 'dead' && rival.state === 'starting' && this.name < name && Date.now() < deadline) {
        await sleep(5);
        rival = await ask(this.dir, name);
      }
      if (rival !== 'dead') throw this.refusal(rival.pid);
      await rm(join(this.dir, name), { force: true });
    }
    this.state = 'held';
  }

  private refusal(pid: number | undefined): StoreUnavailable {
    const holder = pid === process.pid ? 'this process' : pid === undefined ? 'another process' : `process ${pid}`;
    return new StoreUnavailable(`the ${this.what} in ${this.dir} is already open for writing by ${holder}`);
  }
}

/** Asks the process behind a socket; a busy one (no answer in time) counts as the holder. */
function ask(dir: string, name: string): Promise<Rival> {
  return withSocketPath(dir, name, (path) => {
    return new Promise<Rival>((answer) => {
      let received = '';
      const socket = connect(path);
      socket.setTimeout(ANSWER_TIMEOUT, () => {
        socket.destroy();
        answer({ state: 'held' });
      });
      socket.setEncoding('utf8');
      socket.on('data', (text: string) => (received += text));
      socket.on('end', () => answer(rivalOf(received)));
      socket.on('error', ({ code }: NodeJS.ErrnoException) => {
        answer(code === 'ECONNREFUSED' || code === 'ENOENT' ? 'dead' : { state: 'held' });
      });
    });
  });
}

/** A process that died while answering is seen as the holder; the next start finds its socket dead. */
function rivalOf(answer: string): Rival {
  try {
    const { state, pid }: { state: 'starting' | 'held'; pid: number } = JSON.parse(answer);
    return { state, pid };
  } catch {
    return { state: 'held' };
  }
}

/** Calls `use` with a path to the socket that is short enough, through a temporary symbolic link where it has to be. */
async function withSocketPath<T>(dir: string, name: string, use: (path: string) => Promise<T>): Promise<T> {
  const direct = join(dir, name);
  if (Buffer.byteLength(direct) <= MAX_SOCKET_PATH) return use(direct);
  const folder = await mkdtemp(join(tmpdir(), 'log-'));
  const link = join(folder, 'd');
  try {
    await symlink(dir, link);
    return await use(join(link, name));
  } finally {
    await unlink(link);
    await rm(folder, { recursive: true });
  }
}
