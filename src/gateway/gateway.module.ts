import { Module } from '@nestjs/common';
import { CommandBus, CqrsModule, QueryBus } from '@nestjs/cqrs';
import type { Logger } from 'pino';
import type { Config } from '../config/config.js';
import type { EventStore } from '../event-store/event-store.js';
import { CommandLoop } from '../eventsourcing/handle.js';
import { EventRegistry } from '../eventsourcing/registry.js';
import { Access } from '../identity/access.js';
import { LiveFacts } from '../identity/live-facts.js';
import { SignInService } from '../identity/sign-in.js';
import { Tokens } from '../identity/tokens.js';
import { CONFIG, EVENT_STORE, LOGGER } from '../nest/injection.js';
import { Broadcast } from './broadcast.js';
import { arrayDialect } from './dialects/array.js';
import { Dispatch } from './dispatch.js';
import { EventStreams } from './event-streams/event-streams.js';
import { SocketGateway } from './gateway.js';
import { defaultLimits } from './limits.js';
import { LiveLog } from './live-log.js';
import { SocketServer } from './socket-server.js';

const routes = new Map([['/ws/world/', arrayDialect]]);

@Module({
  imports: [CqrsModule],
  providers: [
    SocketGateway,
    { provide: Broadcast, inject: [LOGGER], useFactory: (logger: Logger) => new Broadcast(logger) },
    {
      provide: LiveLog,
      inject: [EVENT_STORE, EventRegistry, LiveFacts, Access, Broadcast, LOGGER],
      useFactory: (
        store: EventStore,
        registry: EventRegistry,
        facts: LiveFacts,
        access: Access,
        broadcast: Broadcast,
        logger: Logger,
      ) => new LiveLog(store, registry, facts, access, broadcast, logger),
    },
    {
      provide: EventStreams,
      inject: [EVENT_STORE, EventRegistry, Access, LiveLog, LOGGER],
      useFactory: (store: EventStore, registry: EventRegistry, access: Access, live: LiveLog, logger: Logger) =>
        new EventStreams(store, registry, access, live, logger),
    },
    {
      provide: SignInService,
      inject: [Tokens, CommandLoop, LiveFacts, LiveLog],
      useFactory: (tokens: Tokens, loop: CommandLoop, facts: LiveFacts, live: LiveLog) =>
        new SignInService(tokens, loop, facts, live),
    },
    {
      provide: Dispatch,
      inject: [CommandBus, QueryBus, SignInService, Access, LiveFacts, LiveLog, Broadcast, EventStreams],
      useFactory: (
        commands: CommandBus,
        queries: QueryBus,
        signIns: SignInService,
        access: Access,
        facts: LiveFacts,
        live: LiveLog,
        broadcast: Broadcast,
        streams: EventStreams,
      ) => new Dispatch(commands, queries, signIns, access, facts, live, broadcast, streams),
    },
    {
      provide: SocketServer,
      inject: [CONFIG, Dispatch, Broadcast, LOGGER],
      useFactory: ({ rateLimit, allowedOrigins }: Config, handler: Dispatch, broadcast: Broadcast, log: Logger) => {
        const { rate, ...unlimited } = defaultLimits;
        const limits = rateLimit && rate ? { ...unlimited, rate } : unlimited;
        return new SocketServer({ handler, broadcast, log, limits, routes, origins: allowedOrigins });
      },
    },
  ],
  exports: [LiveLog, SignInService, SocketServer],
})
export class GatewayModule {}
