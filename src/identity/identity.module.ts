import { Global, Module } from '@nestjs/common';
import { ProjectionReader } from '../../projections/engine/reader.js';
import type { Config } from '../config/config.js';
import type { EventStore } from '../event-store/event-store.js';
import { EventRegistry } from '../eventsourcing/registry.js';
import { handlersFor } from '../nest/handlers-for.js';
import { CONFIG, EVENT_STORE } from '../nest/injection.js';
import { Access } from './access.js';
import { LiveFacts } from './live-facts.js';
import { tokensOf, Tokens } from './tokens.js';
import { GrantWorldRole, RevokeWorldRole } from './worlds.commands.js';
import { worldHandlers } from './worlds.handlers.js';
import { worlds } from './worlds.js';

const providers = [
  { provide: Tokens, inject: [CONFIG], useFactory: (config: Config) => tokensOf(config) },
  {
    provide: LiveFacts,
    inject: [ProjectionReader, EventRegistry, EVENT_STORE],
    useFactory: (reader: ProjectionReader, registry: EventRegistry, { epoch }: EventStore) =>
      LiveFacts.open(reader, registry, epoch),
  },
  { provide: Access, inject: [LiveFacts], useFactory: (facts: LiveFacts) => new Access(facts) },
];

@Global()
@Module({
  providers: [...providers, ...handlersFor(worlds, [GrantWorldRole, RevokeWorldRole]), ...worldHandlers],
  exports: providers.map(({ provide }) => provide),
})
export class IdentityModule {}
