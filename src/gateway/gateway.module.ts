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
import { InviteLookup } from '../invites/invite-lookup.js';
import { InvitesModule } from '../invites/invites.module.js';
import { CONFIG, EVENT_STORE, LOGGER, NODE_ID, READ_STORE } from '../nest/injection.js';
import { MeetingLookup } from '../meetings/meeting-lookup.js';
import { Janitor } from '../presence/janitor.js';
import { PresenceModule } from '../presence/presence.module.js';
import { Register } from '../presence/register.js';
import { Viewers } from '../presence/viewers.js';
import { Heartbeats } from '../read-store/heartbeats.js';
import type { ReadStore } from '../read-store/read-store.js';
import { KnownPeople } from '../users/known-people.js';
import { Broadcast } from './broadcast.js';
import { arrayDialect } from './dialects/array.js';
import { envelopeDialect } from './dialects/envelope.js';
import { socketIoDialect } from './dialects/socket-io.js';
import { Dispatch } from './dispatch.js';
import { EventStreams } from './event-streams/event-streams.js';
import { SocketGateway } from './gateway.js';
import { limitsOf } from './limits.js';
import { LiveLog } from './live-log.js';
import { Presence } from './presence.js';
import { RequestRate } from './request-rate.js';
import { SocketServer } from './socket-server.js';

/** Streams of people are looked at once each: they should not drive others out of the cache. */
const cachedPeople = 100;
const routes = new Map([
  ['/ws/world/', arrayDialect],
  ['/ws/network/', envelopeDialect],
]);

@Module({
  imports: [CqrsModule, PresenceModule, InvitesModule],
  providers: [
    SocketGateway,
    { provide: Broadcast, inject: [LOGGER], useFactory: (logger: Logger) => new Broadcast(logger) },
    {
      provide: LiveLog,
      inject: [EVENT_STORE, EventRegistry, LiveFacts, Access, Broadcast, LOGGER, Viewers],
      useFactory: (
        store: EventStore,
        registry: EventRegistry,
        facts: LiveFacts,
        access: Access,
        broadcast: Broadcast,
        logger: Logger,
        { position }: Viewers,
      ) => {
        const start = position < facts.position ? position : facts.position;
        return new LiveLog(store, registry, facts, access, broadcast, logger, start);
      },
    },
    {
      provide: Register,
      inject: [EVENT_STORE, EventRegistry, NODE_ID, LiveLog, LOGGER],
      useFactory: (store: EventStore, registry: EventRegistry, node: string, live: LiveLog, log: Logger) =>
        new Register({ store, registry, node, live, log }),
    },
    {
      provide: Janitor,
      inject: [EVENT_STORE, Viewers, LiveLog, READ_STORE, NODE_ID, LOGGER],
      useFactory: (store: EventStore, viewers: Viewers, live: LiveLog, { db }: ReadStore, node: string, log: Logger) =>
        new Janitor({ store, viewers, live, pulse: new Heartbeats(db), node, log }),
    },
    {
      provide: Presence,
      inject: [Register, Viewers, Janitor, NODE_ID, Access, Broadcast, LiveLog],
      useFactory: (
        register: Register,
        viewers: Viewers,
        janitor: Janitor,
        node: string,
        access: Access,
        broadcast: Broadcast,
        live: LiveLog,
      ) => new Presence(register, viewers, janitor, node, access, broadcast, live),
    },
    {
      provide: EventStreams,
      inject: [EVENT_STORE, EventRegistry, Access, LiveLog, LOGGER, CommandLoop],
      useFactory: (
        store: EventStore,
        registry: EventRegistry,
        access: Access,
        live: LiveLog,
        logger: Logger,
        loop: CommandLoop,
      ) => new EventStreams(store, registry, access, live, logger, new MeetingLookup(loop)),
    },
    {
      provide: KnownPeople,
      inject: [EVENT_STORE, EventRegistry, LiveLog],
      useFactory: (store: EventStore, registry: EventRegistry, live: LiveLog) =>
        new KnownPeople(new CommandLoop(store, registry, cachedPeople), live),
    },
    {
      provide: SignInService,
      inject: [Tokens, CommandLoop, LiveFacts, LiveLog, InviteLookup, KnownPeople],
      useFactory: (
        tokens: Tokens,
        loop: CommandLoop,
        facts: LiveFacts,
        live: LiveLog,
        invites: InviteLookup,
        people: KnownPeople,
      ) => new SignInService(tokens, loop, facts, live, invites, people),
    },
    {
      provide: Dispatch,
      inject: [
        CommandBus,
        QueryBus,
        SignInService,
        Access,
        LiveFacts,
        LiveLog,
        Broadcast,
        EventStreams,
        Presence,
        EVENT_STORE,
      ],
      useFactory: (
        commands: CommandBus,
        queries: QueryBus,
        signIns: SignInService,
        access: Access,
        facts: LiveFacts,
        live: LiveLog,
        broadcast: Broadcast,
        streams: EventStreams,
        presence: Presence,
        { epoch }: EventStore,
      ) => new Dispatch(commands, queries, signIns, access, facts, live, broadcast, streams, presence, epoch),
    },
    {
      provide: RequestRate,
      inject: [CONFIG],
      useFactory: ({ rateLimit }: Config) => new RequestRate(limitsOf(rateLimit).rate),
    },
    {
      provide: SocketServer,
      inject: [CONFIG, Dispatch, Broadcast, LiveFacts, LOGGER],
      useFactory: (
        { rateLimit, allowedOrigins }: Config,
        handler: Dispatch,
        broadcast: Broadcast,
        facts: LiveFacts,
        log: Logger,
      ) => {
        const connectionLimit = (world: string): number | null => facts.worlds.get(world)?.connection_limit ?? null;
        return new SocketServer({
          handler,
          broadcast,
          log,
          limits: limitsOf(rateLimit),
          routes,
          socketIo: socketIoDialect,
          origins: allowedOrigins,
          connectionLimit,
        });
      },
    },
  ],
  exports: [Broadcast, Presence, KnownPeople, LiveLog, RequestRate, SignInService, SocketServer],
})
export class GatewayModule {}
