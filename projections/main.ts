import { join } from 'node:path';
import { ConfigError, readConfig, type Config } from '../src/config/config.js';
import { storeError } from '../src/config/start-error.js';
import { eventRegistry } from '../src/event-registry.js';
import { openEventStore, projectsAlone } from '../src/event-store/open.js';
import { createLogger } from '../src/logging/logger.js';
import { connectReadStore } from '../src/read-store/connect.js';
import { limitStop } from '../src/stop-limit.js';
import { startProjections } from './engine/engine.js';
import { readModels } from './read-models.js';

/**
 * A worker that keeps the read models, for servers that run with PROJECTIONS=external. Several may run: one projects each
 * read model, another takes over when it ends.
 */
async function start(config: Config): Promise<void> {
  const logger = createLogger(config.logLevel);
  process.on('unhandledRejection', (err) => logger.error({ err }, 'a rejection was not handled'));
  const { mongodbUrl, dataDir, readStorePort } = config;
  const store = await openEventStore(config, { logger });
  const readStore = await connectReadStore({ mongodbUrl, dir: join(dataDir, 'read-store'), port: readStorePort });
  const running = startProjections({
    store,
    db: readStore.db,
    models: readModels,
    exclusive: false,
    upcast: (event) => eventRegistry.read(event),
    logger,
  });
  logger.info({ models: readModels.map(({ name }) => name) }, 'Convoke is projecting');
  const stop = async (signal: string): Promise<void> => {
    logger.info({ signal }, 'stopping');
    // What a store that is away keeps open is cut off: the next worker goes on from the checkpoint.
    limitStop(logger);
    try {
      await running.stop();
      await readStore.close();
      await store.close();
    } catch (err) {
      logger.error({ err }, 'the stop was not clean');
      process.exit(1);
    }
    logger.info('stopped');
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => void stop(signal));
}

try {
  const config = readConfig(process.env);
  if (projectsAlone(config)) {
    throw new ConfigError(
      'EVENTSTORE_URL and MONGODB_URL must be set for a projections worker: it cannot reach the embedded stores of a server',
    );
  }
  await start(config).catch((error: unknown) => {
    throw storeError(error, config);
  });
} catch (error) {
  process.stderr.write(`convoke: ${error instanceof ConfigError ? error.message : String((error as Error).stack)}\n`);
  process.exit(1);
}
