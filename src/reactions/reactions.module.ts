import { Module } from '@nestjs/common';
import type { Logger } from 'pino';
import type { EventStore } from '../event-store/event-store.js';
import { EventRegistry } from '../eventsourcing/registry.js';
import { GatewayModule } from '../gateway/gateway.module.js';
import { LiveLog } from '../gateway/live-log.js';
import { LiveFacts } from '../identity/live-facts.js';
import { EVENT_STORE, LOGGER, NODE_ID } from '../nest/injection.js';
import { ReactionCounter } from './reaction-counter.js';
import { ReactHandler } from './reactions.handlers.js';
import { roomReactions } from './room-reactions.js';

@Module({
  imports: [GatewayModule],
  providers: [
    ReactHandler,
    {
      provide: ReactionCounter,
      inject: [EVENT_STORE, EventRegistry, NODE_ID, LiveLog, LiveFacts, LOGGER],
      useFactory: (
        store: EventStore,
        registry: EventRegistry,
        node: string,
        live: LiveLog,
        facts: LiveFacts,
        log: Logger,
      ) => roomReactions({ store, registry, node, live, facts, log }),
    },
  ],
})
export class ReactionsModule {}
