import { join } from 'node:path';
import { openEmbeddedEventStore } from '../src/event-store/embedded/embedded-event-store.js';
import { fillLog } from './events.js';
import { inTurns, type Sample } from './measure.js';
import { row, type Part } from './report.js';
import { Server } from './server.js';

/** Seconds from the start of the process to `/health/ready` answering 200. It is then ended as the next start is to find it. */
async function start(dataDir: string, end: 'SIGTERM' | 'SIGKILL'): Promise<Sample> {
  const own = process.cpuUsage();
  const begin = performance.now();
  const server = await Server.start(dataDir);
  await server.ready();
  const ms = performance.now() - begin;
  const { user, system } = process.cpuUsage(own);
  const { cpuMs } = await server.child.usage();
  await server.child.stop(end);
  return { value: ms / 1000, generatorCores: (user + system) / 1000 / ms, serverCores: cpuMs / ms };
}

/** How soon a server is ready again over a long log, after a clean stop and after a kill, beside one with an empty log. */
export const ready: Part = async ({ folder, quick }) => {
  const [count, rounds] = quick ? [100_000, 2] : [1_000_000, 3];
  const [dataDir, empty] = [await folder(), await folder()];
  const store = await openEmbeddedEventStore({ dir: join(dataDir, 'log') });
  await fillLog(store, count, count / 100);
  await store.close();
  // Builds the read models once; what the rounds see is a server that had caught up.
  const first = await start(dataDir, 'SIGTERM');
  // The first turn is not counted, and each finds what the one before left: a clean stop, then a kill.
  const samples = await inTurns(
    {
      afterStop: () => start(dataDir, 'SIGKILL'),
      afterKill: () => start(dataDir, 'SIGTERM'),
      empty: () => start(empty, 'SIGTERM'),
    },
    rounds,
  );
  const events = count.toLocaleString('en');
  const beside = { unit: 's', peer: 'empty log', theirs: samples.empty, ...(!quick && { valueAtMost: 3 }) };
  return [
    row({ ...beside, figure: `ready again, ${events} events, after a stop`, ours: samples.afterStop }),
    row({ ...beside, figure: `ready again, ${events} events, after kill -9`, ours: samples.afterKill }),
    row({ figure: `first start over ${events} events`, unit: 's', ours: [first] }),
  ];
};
