import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { openGatedWorld } from '../e2e/hearing.js';
import { connectAs, temporaryServers, type ServerProcess, type SocketClient } from '../e2e/support/server.js';
import { audienceProblems, join, type Span } from './audience.js';
import { Ledger } from './ledger.js';
import { followUpProblems, ledgerProblems, logProblems, readLog, readModelProblems } from './oracle.js';
import { scale } from './scale.js';
import { randomFrom, Workload, type Random } from './workload.js';

const rounds = scale.kills;
const firstSeed = Number(process.env.FAULT_SEED ?? randomInt(2 ** 32 - scale.killSeries));
/** Each series has a log of its own: what clients are told grows with the rooms there are. */
const seeds = Array.from({ length: scale.killSeries }, (_, n) => firstSeed + n);
const env = { RATE_LIMIT: 'off' };
/** Who prepares the stage: not in the ledger. */
const stagehands = new Set(['test', 'stage']);

describe('a server killed under load', () => {
  // The seed is in the title, so that it is told however the test fails.
  it.each(seeds)(
    'keeps what it acknowledged, once, finishes what it began, and tells everyone theirs (FAULT_SEED=%i)',
    async (seed) => {
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
  const errors: string[] = [];
  const spans: Span[] = [];
  const startUp = async (): Promise<ServerProcess> => {
    if (random(5) === 0) {
      // Killed again while it recovers.
      const interrupted = await start({ env });
      await delay(random(30));
      await interrupted.kill9();
      errors.push(...loggedErrors(interrupted));
    }
    const server = await start({ env });
    await server.ready();
    return server;
  };

  for (const world of ['demo', 'other']) await openGatedWorld(dataDir, world);
  for (let round = 1; round <= rounds + 1; round++) {
    const server = await startUp();
    await setStage(server, round);
    const clients = await connectAll(server);
    await sendAgain(clients, ledger, random);
    const writing = clients.map((client, i) => workload.write(client, `writer-${i}`));
    const joined = await join(server, round, () => ledger.entries.length);
    const reached = new Promise<void>((resolve) => (enough = resolve));
    killAt = ledger.acknowledged + 50 + random(150);
    await reached;
    await delay(random(20));
    if (round <= rounds) await server.kill9();
    else if ((await server.stop()) !== 0) errors.push('the last stop was not clean');
    await Promise.all([...writing, ...joined.map(({ ended }) => ended)]);
    spans.push(...joined);
    errors.push(...loggedErrors(server));
  }

  const events = await readLog(dataDir);
  // Coming and going is no command of the ledger: presence-storm.spec.ts looks at that.
  const commands = events.filter(({ stream, metadata }) => {
    return !stagehands.has(metadata.actorId) && !stream.startsWith('presence-');
  });
  const ids = ledger.entries.map(({ id }) => id);
  return [
    ...errors,
    ...ledger.problems,
    ...(await logProblems(dataDir, events)),
    ...followUpProblems(events),
    ...ledgerProblems(ledger.entries, commands),
    ...audienceProblems(spans, events, ids, rounds + 1),
    ...(await readModelProblems(dataDir, events)),
  ];
}

/** Lets the moderator see everything, and makes something happen in the other world. */
async function setStage(server: ServerProcess, round: number): Promise<void> {
  const stage = (world: string): Promise<SocketClient> => connectAs(server, 'stage', ['admin'], { world });
  const [here, there] = await Promise.all([stage('demo'), stage('other')]);
  if (round === 1) await here.call('world.grant', { user: 'moderator', role: 'moderator' });
  const { room } = await there.call<{ room: string }>('room.create', {
    name: `stage ${round}`,
    trait_grants: { viewer: [] },
  });
  await here.close();
  // Told while others listen, until the server is gone.
  const goOn = async (): Promise<void> => {
    for (let n = 0; there.open; n++) {
      await there.call('room.schedule', { room, schedule_data: { title: `${round} ${n}` } }).catch(() => undefined);
      await delay(5);
    }
  };
  void goOn();
}

const connectAll = (server: ServerProcess): Promise<SocketClient[]> =>
  Promise.all(Array.from({ length: scale.writers }, (_one, i) => connectAs(server, `writer-${i}`, ['admin'])));

/** Two thirds of what is open, so that some is left to the server alone, and a sample of what was acknowledged. */
async function sendAgain(clients: readonly SocketClient[], ledger: Ledger, random: Random): Promise<void> {
  const open = ledger.in('open').filter(() => random(3) > 0);
  const known = ledger.in('acknowledged');
  const sample = known.length === 0 ? [] : Array.from({ length: 25 }, () => known[random(known.length)]);
  const all = new Set([...open, ...sample]);
  await Promise.all(
    clients.map(async (client, i) => {
      for (const entry of all) if (entry?.actor === `writer-${i}`) await ledger.sendAgain(client, entry);
    }),
  );
}

/** What a server wrote of errors: nothing here is more than a refusal. */
const loggedErrors = ({ stdout, stderr }: ServerProcess): string[] => [
  ...stderr,
  ...stdout.filter((line) => /^\{"level":(?:40|50|60)/.test(line)),
];
