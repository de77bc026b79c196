import { Module } from '@nestjs/common';
import type { Logger } from 'pino';
import { ProjectionReader } from '../../projections/engine/reader.js';
import type { Config } from '../config/config.js';
import { CommandLoop } from '../eventsourcing/handle.js';
import { Broadcast } from '../gateway/broadcast.js';
import { GatewayModule } from '../gateway/gateway.module.js';
import { LiveLog } from '../gateway/live-log.js';
import { LiveFacts } from '../identity/live-facts.js';
import { CONFIG, LOGGER } from '../nest/injection.js';
import { Bookings } from './bookings.js';
import { MeetingNews } from './meeting-news.js';
import { MeetingRows } from './meeting-rows.queries.js';
import { meetingHandlers } from './meetings.handlers.js';
import { meetingQueries } from './meetings.queries.js';
import { OldMeetings } from './old-meetings.js';

@Module({
  imports: [GatewayModule],
  providers: [
    {
      provide: Bookings,
      inject: [CommandLoop, CONFIG],
      useFactory: (loop: CommandLoop, { meetingConflicts }: Config) => new Bookings(loop, meetingConflicts),
    },
    {
      provide: MeetingRows,
      inject: [ProjectionReader],
      useFactory: (reader: ProjectionReader) => new MeetingRows(reader),
    },
    {
      provide: OldMeetings,
      inject: [ProjectionReader, LiveFacts],
      useFactory: (reader: ProjectionReader, facts: LiveFacts) => new OldMeetings(reader, facts),
    },
    {
      provide: MeetingNews,
      inject: [LiveLog, Broadcast, CommandLoop, OldMeetings, LOGGER],
      useFactory: (live: LiveLog, people: Broadcast, loop: CommandLoop, old: OldMeetings, log: Logger) =>
        new MeetingNews({ live, people, loop, old, log }),
    },
    ...meetingHandlers,
    ...meetingQueries,
  ],
  exports: [MeetingRows],
})
export class MeetingsModule {}
