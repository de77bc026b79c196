import { Controller, Get, Param, Query, Res, UseFilters } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { CalendarFiles } from '../calendar-feeds/calendar-files.js';
import { CalendarLinks } from '../calendar-feeds/calendar-links.js';
import { Refused } from '../eventsourcing/refused.js';
import { Access } from '../identity/access.js';
import { KnownPeople } from '../users/known-people.js';
import { ProblemFilter } from './problem.filter.js';

/** `GET /users/<id>/calendar.ics?secret=<world>.<secret>`: whoever has the link may read, as programs for calendars send no token. */
@Controller('users/:id/calendar.ics')
@UseFilters(ProblemFilter)
export class CalendarFeedController {
  constructor(
    private readonly links: CalendarLinks,
    private readonly files: CalendarFiles,
    private readonly people: KnownPeople,
    private readonly access: Access,
  ) {}

  /** For as long as the person, by what the newest token says, may see the world. @throws Refused calendar.unknown, server.unavailable */
  @Get()
  async feed(
    @Param('id') user: string,
    @Query('secret') secret: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    void reply.header('cache-control', 'private, no-store');
    const world = await this.links.worldOf(user, secret);
    const person = await this.people.find(world, user);
    const owner = { userId: user, world, traits: person?.traits ?? [], profile: {} };
    if (!this.access.can(owner, 'world:view')) throw new Refused('calendar.unknown');
    const file = await this.files.fileOf(world, user);
    void reply.type('text/calendar; charset=utf-8');
    return file;
  }
}
