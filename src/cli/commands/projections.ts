import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { startProjections } from '../../../projections/engine/engine.js';
import { showProgress } from '../../../projections/engine/progress.js';
import { ProjectionReader, type Lag } from '../../../projections/engine/reader.js';
import type { ReadModel } from '../../../projections/engine/read-model.js';
import { readModels } from '../../../projections/read-models.js';
import { readConfig } from '../../config/config.js';
import type { EventStore } from '../../event-store/event-store.js';
import { openEventStore, projectsAlone } from '../../event-store/open.js';
import { eventRegistry } from '../../event-registry.js';
import { connectReadStore } from '../../read-store/connect.js';
import type { ReadStore } from '../../read-store/read-store.js';
import { Failure } from '../failure.js';

const catchUpMs = 3_600_000;

/** `convoke projections`: looks after the read models of a stopped server. */
export function addProjections(program: Command): void {
  const projections = program.command('projections').description('look after the read models of a stopped server');
  projections
    .command('list')
    .description('show how far each read model is')
    .action(() =>
      withStores(async (log, { db }) => {
        const lag = await new ProjectionReader({ db, log, models: readModels }).lag();
        process.stdout.write(table(lag));
      }),
    );
  projections
    .command('rebuild')
    .argument('<name>', readModels.map(({ name }) => name).join(', '))
    .description('fold the whole log again beside the old rows, then switch to the new ones')
    .action((name: string) => {
      const model = readModels.find((one) => one.name === name);
      if (!model) throw new Failure(`there is no read model ${name}; there are ${namesOf(readModels)}`, 2);
      return withStores((log, stores) => rebuild(model, log, stores));
    });
}

interface Stores {
  readonly db: ReadStore['db'];
  readonly exclusive: boolean;
}

async function rebuild(model: ReadModel, store: EventStore, { db, exclusive }: Stores): Promise<void> {
  const running = startProjections({
    store,
    db,
    models: [model],
    exclusive,
    upcast: (event) => eventRegistry.read(event),
  });
  const display = showProgress();
  try {
    await running.rebuild(model.name, (progress) => display.show(progress));
    await running.caughtUp(catchUpMs);
    const [lag] = await running.lag();
    process.stdout.write(`${model.name} is rebuilt up to position ${lag?.position} and read from ${lag?.build}\n`);
  } finally {
    display.done();
    await running.stop();
  }
}

/** The locks of the embedded stores keep this from running beside a server; on EventStoreDB and MongoDB it may. @throws StoreUnavailable */
async function withStores(work: (log: EventStore, stores: Stores) => Promise<void>): Promise<void> {
  const config = readConfig(process.env);
  const { dataDir, mongodbUrl, readStorePort, eventStore } = config;
  if (!eventStore && !existsSync(join(dataDir, 'log'))) throw new Failure(`there is no event log in ${dataDir}`);
  const log = await openEventStore(config);
  try {
    const readStore = await connectReadStore({ mongodbUrl, dir: join(dataDir, 'read-store'), port: readStorePort });
    try {
      await work(log, { db: readStore.db, exclusive: projectsAlone(config) });
    } finally {
      await readStore.close();
    }
  } finally {
    await log.close();
  }
}

function table(lag: readonly Lag[]): string {
  const rows = [
    ['read model', 'rows in', 'position', 'log', 'parked streams'],
    ...lag.map(({ model, build, position, head, parked }) => [model, build, `${position}`, `${head}`, `${parked}`]),
  ];
  const widths = rows[0]?.map((_title, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('');
}

const namesOf = (models: readonly ReadModel[]): string => models.map(({ name }) => name).join(', ');
