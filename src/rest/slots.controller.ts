import { Controller, Get, Inject, Req, Res, UseFilters, UseGuards } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ExplainSlots } from '../availability/slots.queries.js';
import { withReader } from '../eventsourcing/execution.js';
import { toCommand } from '../eventsourcing/validation.js';
import { LiveLog } from '../gateway/live-log.js';
import type { Session } from '../identity/session.js';
import { Caller, CallerGuard, Needs } from './caller.js';
import { ProblemFilter } from './problem.filter.js';
import { readQuery, type Parameter } from './query.js';

/** Ids or e-mail addresses, separated by commas; each may be percent-encoded by itself, as it must where it holds one of `,%`. */
const people: Parameter<readonly { readonly roomful: string; readonly email?: string }[]> = {
  accepts: 'user ids or e-mail addresses, separated by commas',
  parse: (text) => {
    try {
      const names = text.split(',').map((one) => decodeURIComponent(one.trim()));
      return names.every((name) => name !== '')
        ? names.map((name) => ({ roomful: name, ...(name.includes('@') && { email: name }) }))
        : undefined;
    } catch {
      return undefined;
    }
  },
};

const timestamp: Parameter<string | number> = {
  accepts: 'a time such as 2026-01-31T09:00:00Z (a + of an offset is written %2B) or epoch milliseconds',
  parse: (text) => (/^-?\d+$/.test(text) ? Number(text) : text),
};

const minutes: Parameter<number> = {
  accepts: 'whole minutes',
  parse: (text) => (/^\d{1,6}$/.test(text) ? Number(text) : undefined),
};

const parameters = {
  users: people,
  startDate: timestamp,
  endDate: timestamp,
  bufferBefore: minutes,
  bufferAfter: minutes,
  minimumNotice: minutes,
  slotLength: minutes,
  slotStep: minutes,
};

/** `GET /slots?users=…&startDate=…&endDate=…`: when people can meet, and why not at all other times. */
@Controller('slots')
@UseFilters(ProblemFilter)
@UseGuards(CallerGuard)
@Needs('world:view')
export class SlotsController {
  constructor(
    private readonly queries: QueryBus,
    @Inject(LiveLog) private readonly live: Pick<LiveLog, 'position'>,
  ) {}

  @Get()
  slots(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Caller() { world, userId, zoneinfo }: Session,
  ): Promise<unknown> {
    const query = toCommand(ExplainSlots, readQuery(request.url, parameters));
    void reply.header('cache-control', 'no-store');
    const after = this.live.position;
    return this.queries.execute(
      withReader(query, { world, userId, after, ...(zoneinfo !== undefined && { zoneinfo }) }),
    );
  }
}
