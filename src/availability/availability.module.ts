import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { ProjectionReader } from '../../projections/engine/reader.js';
import { GatewayModule } from '../gateway/gateway.module.js';
import { LiveLog } from '../gateway/live-log.js';
import { SlotsController } from '../rest/slots.controller.js';
import { Agendas } from './agendas.js';
import { SetUserAvailabilityHandler } from './availability.handlers.js';
import { availabilityQueries } from './availability.queries.js';
import { OwnAvailability } from './own-availability.js';
import { SlotSearch } from './slot-search.js';
import { slotsQueries } from './slots.queries.js';
import { StoredPeople } from './stored-people.js';

/** The gateway's module lends the process's place in the log. */
@Module({
  imports: [CqrsModule, GatewayModule],
  controllers: [SlotsController],
  providers: [
    {
      provide: StoredPeople,
      inject: [ProjectionReader],
      useFactory: (reader: ProjectionReader) => new StoredPeople(reader),
    },
    {
      provide: OwnAvailability,
      inject: [StoredPeople],
      useFactory: (stored: StoredPeople) => new OwnAvailability(stored),
    },
    {
      provide: SlotSearch,
      inject: [StoredPeople, LiveLog],
      useFactory: (stored: StoredPeople, live: LiveLog) => new SlotSearch(stored, new Agendas(stored, live), live),
    },
    SetUserAvailabilityHandler,
    ...availabilityQueries,
    ...slotsQueries,
  ],
})
export class AvailabilityModule {}
