import { Module } from '@nestjs/common';
import { ProjectionReader } from '../../projections/engine/reader.js';
import type { EventStore } from '../event-store/event-store.js';
import { EventRegistry } from '../eventsourcing/registry.js';
import { LiveFacts } from '../identity/live-facts.js';
import { EVENT_STORE } from '../nest/injection.js';
import { Viewers } from './viewers.js';

/** The view of all nodes. What depends on the process's subscription to the log is put together by the gateway. */
@Module({
  providers: [
    {
      provide: Viewers,
      inject: [ProjectionReader, EventRegistry, EVENT_STORE, LiveFacts],
      useFactory: (reader: ProjectionReader, registry: EventRegistry, { epoch }: EventStore, facts: LiveFacts) =>
        Viewers.open(reader, registry, epoch, {
          worldOf: (room) => facts.rooms.get(room)?.world,
          isOpen: (room) => facts.rooms.get(room)?.status === 'open',
        }),
    },
  ],
  exports: [Viewers],
})
export class PresenceModule {}
