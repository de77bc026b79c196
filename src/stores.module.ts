import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Global, Module, type DynamicModule } from '@nestjs/common';
import type { Logger } from 'pino';
import { startProjections, Projections } from '../projections/engine/engine.js';
import { ProjectionReader } from '../projections/engine/reader.js';
import { readModels } from '../projections/read-models.js';
import type { Config } from './config/config.js';
import { EmbeddedEventStore } from './event-store/embedded/embedded-event-store.js';
import type { EventStore } from './event-store/event-store.js';
import { openEventStore, projectsAlone } from './event-store/open.js';
import { serveProtocol, type ProtocolServer } from './event-store/protocol/serve-protocol.js';
import { eventRegistry } from './event-registry.js';
import { CommandLoop } from './eventsourcing/handle.js';
import { EventRegistry } from './eventsourcing/registry.js';
import { CONFIG, EVENT_STORE, LOGGER, NODE_ID, PROTOCOL_SERVER, READ_STORE } from './nest/injection.js';
import { Checkpoints } from './read-store/checkpoints.js';
import { connectReadStore } from './read-store/connect.js';
import type { ReadStore } from './read-store/read-store.js';

const providers = [
  { provide: EventRegistry, useValue: eventRegistry },
  {
    provide: EVENT_STORE,
    inject: [CONFIG, LOGGER],
    useFactory: (config: Config, logger: Logger) => openEventStore(config, { logger }),
  },
  {
    provide: PROTOCOL_SERVER,
    inject: [CONFIG, LOGGER, EVENT_STORE],
    useFactory: async (
      { eventStoreGrpcPort: port }: Config,
      logger: Logger,
      store: EventStore,
    ): Promise<ProtocolServer | undefined> => {
      if (port === undefined || !(store instanceof EmbeddedEventStore)) return undefined;
      const server = await serveProtocol(store, { port, host: '127.0.0.1', logger });
      logger.info(
        { url: `esdb://127.0.0.1:${server.port}?tls=false` },
        'the log is served over the EventStoreDB protocol',
      );
      return server;
    },
  },
  {
    provide: NODE_ID,
    inject: [EVENT_STORE],
    useFactory: (store: EventStore): string => (store instanceof EmbeddedEventStore ? store.epoch : randomUUID()),
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
    inject: [CONFIG, EVENT_STORE, READ_STORE, EventRegistry, LOGGER],
    useFactory: (
      config: Config,
      store: EventStore,
      { db }: ReadStore,
      registry: EventRegistry,
      logger: Logger,
    ): Projections | undefined =>
      config.projections === 'external'
        ? undefined
        : startProjections({
            store,
            db,
            models: readModels,
            exclusive: projectsAlone(config),
            upcast: (event) => registry.read(event),
            logger,
          }),
  },
  {
    provide: ProjectionReader,
    inject: [Projections, EVENT_STORE, READ_STORE],
    useFactory: (running: Projections | undefined, log: EventStore, { db }: ReadStore): ProjectionReader =>
      running ?? new ProjectionReader({ db, log, models: readModels }),
  },
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
