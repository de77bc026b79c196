import { join } from 'node:path';
import { Global, Module, type DynamicModule } from '@nestjs/common';
import type { Logger } from 'pino';
import { startProjections, Projections } from '../projections/engine/engine.js';
import { ProjectionReader } from '../projections/engine/reader.js';
import { readModels } from '../projections/read-models.js';
import type { Config } from './config/config.js';
import { openEmbeddedEventStore } from './event-store/embedded/embedded-event-store.js';
import type { EventStore } from './event-store/event-store.js';
import { eventRegistry } from './event-registry.js';
import { CommandLoop } from './eventsourcing/handle.js';
import { EventRegistry } from './eventsourcing/registry.js';
import { CONFIG, EVENT_STORE, LOGGER, READ_STORE } from './nest/injection.js';
import { Checkpoints } from './read-store/checkpoints.js';
import { connectReadStore } from './read-store/connect.js';
import type { ReadStore } from './read-store/read-store.js';

const providers = [
  { provide: EventRegistry, useValue: eventRegistry },
  {
    provide: EVENT_STORE,
    inject: [CONFIG],
    useFactory: ({ dataDir }: Config) => openEmbeddedEventStore({ dir: join(dataDir, 'log') }),
  },
  {
    provide: READ_STORE,
    // After the log: its lock is the one that keeps a second process out of the data folder.
    inject: [CONFIG, LOGGER, EVENT_STORE],
    useFactory: async ({ dataDir, mongodbUrl, readStorePort }: Config, logger: Logger): Promise<ReadStore> => {
      const store = await connectReadStore({ mongodbUrl, dir: join(dataDir, 'read-store'), port: readStorePort });
      if (store.rebuilt) logger.warn(store.rebuilt, 'the read store was damaged and is rebuilt from the log');
      return store;
    },
  },
  {
    provide: CommandLoop,
    inject: [EVENT_STORE, EventRegistry],
    useFactory: (store: EventStore, registry: EventRegistry) => new CommandLoop(store, registry),
  },
  {
    provide: Projections,
    inject: [EVENT_STORE, READ_STORE, EventRegistry, LOGGER],
    useFactory: (store: EventStore, { db }: ReadStore, registry: EventRegistry, logger: Logger) =>
      startProjections({
        store,
        db,
        models: readModels,
        // Whoever holds the embedded log's lock is the only one to project from it.
        exclusive: true,
        upcast: (event) => registry.read(event),
        logger,
      }),
  },
  { provide: ProjectionReader, useExisting: Projections },
  {
    provide: Checkpoints,
    inject: [READ_STORE, EVENT_STORE],
    useFactory: ({ db }: ReadStore, { epoch }: EventStore) => new Checkpoints(db, epoch),
  },
];

/** The log, the read store, and what runs directly on them. */
@Global()
@Module({})
export class StoresModule {
  static with(config: Config, logger: Logger): DynamicModule {
    const values = [
      { provide: CONFIG, useValue: config },
      { provide: LOGGER, useValue: logger },
    ];
    const all = [...values, ...providers];
    return { module: StoresModule, providers: all, exports: all.map(({ provide }) => provide) };
  }
}
