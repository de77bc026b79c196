import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MongoClient } from 'mongodb';
import type { CheckpointDocument } from '../../projections/engine/lease.js';
import { ProjectionReader } from '../../projections/engine/reader.js';
import { readModels } from '../../projections/read-models.js';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import { connectAs, type ServerProcess, type SocketClient } from '../e2e/support/server.js';
import { clusterStage, type Worker } from './cluster-stage.js';
import { Ledger } from './ledger.js';
import { followUpProblems, ledgerProblems, logProblems, readLog, readModelProblems } from './oracle.js';
import { randomFrom, Workload } from './workload.js';

const writersPerApi = 8;
/** Over the protocol positions begin at 1, since 0 stands for the beginning of the log. */
const servedAhead = 1n;

/** Processes that hold the lease of a read model, or held it last. */
async function holders(mongo: MongoClient): Promise<string[]> {
  const leases = await mongo.db('convoke').collection<CheckpointDocument>('projection_checkpoints').find().toArray();
  return leases.map(({ owner }) => owner.split(':')[1] ?? '');
}

/** A worker that projects; another one stands by for it. */
async function projecting(mongo: MongoClient, workers: readonly Worker[]): Promise<Worker> {
  const [holder] = await holders(mongo);
  const found = workers.find(({ pid }) => holder === String(pid));
  if (!found) throw new Error(`no worker projects, ${holder} does`);
  return found;
}

const isTakenOver = async (mongo: MongoClient, workers: readonly Worker[]): Promise<boolean> =>
  (await holders(mongo)).every((holder) => workers.some(({ pid }) => holder === String(pid)));

/** What nobody knows the outcome of, each by its own writer; the writers are numbered from `from`. */
async function sendOpenAgain(ledger: Ledger, from: number, clients: readonly SocketClient[]): Promise<void> {
  await Promise.all(
    clients.map(async (client, i) => {
      for (const entry of ledger.in('open')) {
        if (entry.actor === `writer-${from + i}`) await ledger.sendAgain(client, entry);
      }
    }),
  );
}

function overtakenByDeletion({ type, id, data }: RecordedEvent, events: readonly RecordedEvent[]): boolean {
  return (
    type === 'RoomRelisted' &&
    !events.some(({ metadata }) => metadata.causationId === id) &&
    events.some((event) => event.type === 'RoomDeleted' && event.data.roomId === data.roomId)
  );
}

describe('two servers and two projection workers on one served log', () => {
  let stage: Awaited<ReturnType<typeof clusterStage>>;
  let mongo: MongoClient;
  let apis: ServerProcess[];
  let workers: Worker[];

  beforeAll(async () => {
    stage = await clusterStage();
    workers = [await stage.startWorker(), await stage.startWorker()];
    apis = await Promise.all([stage.startApi(), stage.startApi()]);
    await Promise.all(apis.map((api) => api.ready()));
    mongo = await MongoClient.connect(stage.env.MONGODB_URL);
  });

  afterAll(async () => {
    await mongo.close();
    await stage.close();
    await stage.remove();
  });

  it('lose nothing when a worker and a server are killed under load, and everyone hears of everything', async () => {
    // Two servers that write to one stream without end may each lose three times in a row.
    const ledger = new Ledger(undefined, ['concurrency.conflict'], true);
    const workload = new Workload(ledger, randomFrom(20));
    const [first, second] = apis;
    if (!first || !second) throw new Error('two servers are needed');
    let stopping = false;
    const writers = (api: ServerProcess, from: number): Promise<{ clients: SocketClient[]; done: Promise<unknown> }> =>
      Promise.all(
        Array.from({ length: writersPerApi }, (_one, i) => connectAs(api, `writer-${from + i}`, ['admin'])),
      ).then((clients) => ({
        clients,
        done: Promise.all(clients.map((client, i) => workload.write(client, `writer-${from + i}`, () => stopping))),
      }));

    const reader = new ProjectionReader({ db: mongo.db('convoke'), log: stage.log, models: readModels });
    const caughtUp = async (): Promise<void> => {
      const head = (await stage.log.head()) + servedAhead;
      await Promise.all(readModels.map(({ name }) => reader.wait(name, head, 15_000)));
    };
    const reached = async (count: number): Promise<void> => {
      while (ledger.acknowledged < count) await new Promise((tick) => setTimeout(tick, 5));
    };

    const [atFirst, atSecond] = await Promise.all([writers(first, 0), writers(second, 100)]);
    await reached(200);
    await caughtUp();

    const victim = await projecting(mongo, workers);
    await victim.kill9();
    const killedAt = performance.now();
    const others = workers.filter((worker) => worker !== victim);
    while (!(await isTakenOver(mongo, others))) await new Promise((tick) => setTimeout(tick, 50));
    expect(performance.now() - killedAt).toBeLessThan(10_000);
    await caughtUp();
    await reached(ledger.acknowledged + 100);
    await caughtUp();

    const survivor = await connectAs(second, 'listener', ['admin']);
    await first.kill9();
    await atFirst.done;
    const third = await stage.startApi();
    await third.ready();
    const back = await writers(third, 0);
    await sendOpenAgain(ledger, 0, back.clients);
    await reached(ledger.acknowledged + 200);
    stopping = true;
    await Promise.all([atSecond.done, back.done]);
    await sendOpenAgain(ledger, 0, back.clients);
    await sendOpenAgain(ledger, 100, atSecond.clients);
    expect(ledger.in('open')).toEqual([]);

    // What one server is told, the sockets of the other hear.
    const [teller] = back.clients;
    const { room } = (await teller?.call<{ room: string }>('room.create', { name: 'heard everywhere' })) ?? {};
    await survivor.waitFor(({ name, body }) => name === 'room.create' && (body as { id?: string }).id === room);

    await caughtUp();
    expect([
      await third.stop(),
      await second.stop(),
      ...(await Promise.all(workers.filter((worker) => worker !== victim).map((worker) => worker.stop()))),
    ]).toEqual([0, 0, 0]);
    await mongo.close();
    await stage.close();
    const events = await readLog(stage.dataDir);
    // A room may be deleted over one server while another still brings its stream along: the patch is then for nobody.
    const kept = events.filter((event) => !overtakenByDeletion(event, events));
    const commands = kept.filter(({ metadata, data }) => metadata.actorId !== 'convoke' && data.roomId !== room);
    const served = events.map((event) => ({ ...event, position: event.position + servedAhead }));
    const problems = [
      ...ledger.problems,
      ...(await logProblems(stage.dataDir, events)),
      ...followUpProblems(kept),
      ...ledgerProblems(ledger.entries, commands),
      ...(await readModelProblems(stage.dataDir, served)),
    ];
    expect(problems.slice(0, 20)).toEqual([]);
  }, 120_000);
});
