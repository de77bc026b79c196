import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { connectAs, temporaryServers, type ServerProcess, type SocketClient } from '../e2e/support/server.js';
import { Ledger } from './ledger.js';
import { followUpProblems, ledgerProblems, logProblems, readLog, readModelProblems } from './oracle.js';
import { randomFrom, Workload, type Random } from './workload.js';

const rounds = Number(process.env.FAULT_ROUNDS ?? 5);
const seed = Number(process.env.FAULT_SEED ?? randomInt(2 ** 32));
const writers = 20;
const env = { RATE_LIMIT: 'off' };

describe('a server killed under load', () => {
  it(
    // The seed is in the title, so that it is told however the test fails.
    `keeps what it acknowledged, once, and finishes what it began (FAULT_SEED=${seed})`,
    async () => {
      const servers = await temporaryServers();
      try {
        const problems = await killAndRestart(servers, randomFrom(seed));
        expect(problems.slice(0, 20)).toEqual([]);
      } finally {
        await servers.remove();
      }
    },
    30_000 + 15_000 * rounds,
  );
});

async function killAndRestart(
  { dataDir, start }: Awaited<ReturnType<typeof temporaryServers>>,
  random: Random,
): Promise<string[]> {
  let killAt = Infinity;
  let enough: () => void = () => undefined;
  const ledger = new Ledger((count) => count >= killAt && enough());
  const workload = new Workload(ledger, random);
  const started: ServerProcess[] = [];
  const startOnce = async (): Promise<ServerProcess> => {
    const server = await start({ env });
    started.push(server);
    return server;
  };
  const startUp = async (): Promise<ServerProcess> => {
    if (random(3) === 0) {
      // Killed again while it recovers.
      const interrupted = await startOnce();
      await delay(random(30));
      await interrupted.kill9();
    }
    const server = await startOnce();
    await server.ready();
    return server;
  };

  let server = await startUp();
  for (let round = 1; round <= rounds; round++) {
    const clients = await connectAll(server);
    const reached = new Promise<void>((resolve) => (enough = resolve));
    killAt = ledger.in('acknowledged').length + 100 + random(300);
    const writing = clients.map((client, i) => workload.write(client, `writer-${i}`));
    await reached;
    await delay(random(20));
    await server.kill9();
    await Promise.all(writing);

    server = await startUp();
    await sendAgain(await connectAll(server), ledger, random);
  }
  const code = await server.stop();

  const events = await readLog(dataDir);
  return [
    ...(code === 0 ? [] : [`the server ended with ${code}`]),
    ...started.flatMap(loggedErrors),
    ...ledger.problems,
    ...(await logProblems(dataDir, events)),
    ...followUpProblems(events),
    ...ledgerProblems(ledger.entries, events),
    ...(await readModelProblems(dataDir, events)),
  ];
}

const connectAll = (server: ServerProcess): Promise<SocketClient[]> =>
  Promise.all(Array.from({ length: writers }, (_one, i) => connectAs(server, `writer-${i}`, ['admin'])));

/** Two thirds of what is open, so that some is left to the server alone, and a sample of what was acknowledged. */
async function sendAgain(clients: readonly SocketClient[], ledger: Ledger, random: Random): Promise<void> {
  const open = ledger.in('open').filter(() => random(3) > 0);
  const acknowledged = ledger.in('acknowledged').toSorted(() => random(3) - 1);
  await Promise.all(
    clients.map(async (client, i) => {
      const mine = [...open, ...acknowledged.slice(0, 60)].filter(({ actor }) => actor === `writer-${i}`);
      for (const entry of mine) await ledger.sendAgain(client, entry);
      await client.close();
    }),
  );
}

/** What a server wrote of errors: nothing here is more than a refusal. */
const loggedErrors = ({ stdout, stderr }: ServerProcess): string[] => [
  ...stderr,
  ...stdout.filter((line) => /^\{"level":(?:40|50|60)/.test(line)),
];
