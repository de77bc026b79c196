import { Controller, Get, Param, Query, Res, UseFilters } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { CalendarLinks } from '../calendar-feeds/calendar-links.js';
import { CalendarRows } from '../calendar-feeds/calendar.queries.js';
import { iCalendar } from '../calendar-feeds/icalendar.js';
import { ProblemFilter } from './problem.filter.js';

/** `GET /users/<id>/calendar.ics?secret=<world>.<secret>`: whoever has the link may read, as programs for calendars send no token. */
@Controller('users/:id/calendar.ics')
@UseFilters(ProblemFilter)
export class CalendarFeedController {
  constructor(
    private readonly links: CalendarLinks,
    private readonly rows: CalendarRows,
  ) {}

  /** @throws Refused calendar.unknown, server.unavailable */
  @Get()
  async feed(
    @Param('id') user: string,
    @Query('secret') secret: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    void reply.header('cache-control', 'private, no-store');
    const world = await this.links.worldOf(user, secret);
    const meetings = await this.rows.meetingsOf(world, user);
    void reply.type('text/calendar; charset=utf-8');
    return iCalendar(world, meetings);
  }
}
