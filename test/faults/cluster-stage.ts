import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { openEmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import { serveProtocol } from '../../src/event-store/protocol/serve-protocol.js';
import { openEmbeddedReadStore } from '../../src/read-store/embedded/embedded-read-store.js';
import { startServer, type ServerProcess } from '../e2e/support/server.js';

/** A projections worker in a process of its own. */
export interface Worker {
  readonly pid: number | undefined;
  readonly stdout: string[];
  kill9(): Promise<void>;
  stop(): Promise<number | null>;
}

/** One log and one read store, served over their protocols by this process, and the programs that run on them. */
export async function clusterStage() {
  const dataDir = await mkdtemp(join(tmpdir(), 'convoke-cluster-'));
  const log = await openEmbeddedEventStore({ dir: join(dataDir, 'log') });
  const protocol = await serveProtocol(log, { port: 0, host: '127.0.0.1' });
  const readStore = await openEmbeddedReadStore({ dir: join(dataDir, 'read-store'), port: 0 });
  const env = {
    EVENTSTORE_URL: `esdb://127.0.0.1:${protocol.port}?tls=false`,
    MONGODB_URL: `${readStore.url}/?directConnection=true`,
    PROJECTIONS: 'external',
    RATE_LIMIT: 'off',
  };
  const servers: ServerProcess[] = [];
  const workers: ChildProcess[] = [];
  let named = 0;
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.kill9()));
    for (const worker of workers) worker.kill('SIGKILL');
    await protocol.close();
    await log.close();
    await readStore.close();
  };

  return {
    dataDir,
    log,
    env,
    /** Another API process; each has a data folder of its own, as on another machine. */
    async startApi(other: Readonly<Record<string, string>> = {}): Promise<ServerProcess> {
      const server = await startServer({ dataDir: join(dataDir, `api-${++named}`), env: { ...env, ...other } });
      servers.push(server);
      return server;
    },
    /** Resolves when the worker projects or stands by. */
    async startWorker(): Promise<Worker> {
      const child = spawn(process.execPath, [resolve('dist/projections/main.js')], {
        env: { ...process.env, ...env, DATA_DIR: join(dataDir, `worker-${++named}`), LOG_LEVEL: 'info' },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      workers.push(child);
      const stdout: string[] = [];
      await new Promise<void>((started, failed) => {
        child.once('close', (code) => failed(new Error(`the worker ended with ${code}`)));
        createInterface(child.stdout).on('line', (line) => {
          stdout.push(line);
          if (line.includes('Convoke is projecting')) started();
        });
      });
      const end = async (signal: NodeJS.Signals): Promise<number | null> => {
        if (child.exitCode === null && child.signalCode === null) {
          const closed = once(child, 'close');
          child.kill(signal);
          await closed;
        }
        return child.exitCode;
      };
      return {
        pid: child.pid,
        stdout,
        kill9: async () => {
          await end('SIGKILL');
        },
        stop: () => end('SIGTERM'),
      };
    },
    /** Ends what serves the stores, so that they can be looked at. */
    close: (): Promise<void> => (closing ??= close()),
    remove: (): Promise<void> => rm(dataDir, { recursive: true, force: true }),
  };
}
