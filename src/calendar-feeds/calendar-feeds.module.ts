import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { ProjectionReader } from '../../projections/engine/reader.js';
import { GatewayModule } from '../gateway/gateway.module.js';
import { LiveLog } from '../gateway/live-log.js';
import { CalendarFeedController } from '../rest/calendar-feed.controller.js';
import { calendarLinks, GetCalendarLinkHandler, ResetCalendarLinkHandler } from './calendar-links.js';
import { CalendarFiles } from './calendar-files.js';
import { CalendarRows } from './calendar.queries.js';

/** The gateway's module lends the process's place in the log. */
@Module({
  imports: [CqrsModule, GatewayModule],
  controllers: [CalendarFeedController],
  providers: [
    calendarLinks,
    {
      provide: CalendarFiles,
      inject: [ProjectionReader, LiveLog],
      useFactory: (reader: ProjectionReader, live: LiveLog) => new CalendarFiles(new CalendarRows(reader, live)),
    },
    GetCalendarLinkHandler,
    ResetCalendarLinkHandler,
  ],
})
export class CalendarFeedsModule {}
