import { Controller, Get, Inject, Req, Res, UseFilters, UseGuards } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { position, reachedPosition, type GivenPosition } from '../audit/parameters.js';
import { ExplainSlots } from '../availability/slots.queries.js';
import type { EventStore } from '../event-store/event-store.js';
import { withReader } from '../eventsourcing/execution.js';
import { Refused } from '../eventsourcing/refused.js';
import { toCommand } from '../eventsourcing/validation.js';
import { LiveLog } from '../gateway/live-log.js';
import type { Session } from '../identity/session.js';
import { EVENT_STORE } from '../nest/injection.js';
import { within } from '../waiting.js';
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

const readWithinMs = 5_000;

const late = (): Refused => new Refused('server.unavailable', 'This server is behind; try again.');

/** `GET /slots?users=…&startDate=…&endDate=…`: when people can meet, and why not at all other times. */
@Controller('slots')
@UseFilters(ProblemFilter)
@UseGuards(CallerGuard)
@Needs('world:view')
export class SlotsController {
  constructor(
    private readonly queries: QueryBus,
    @Inject(LiveLog) private readonly live: Pick<LiveLog, 'position' | 'reached'>,
    @Inject(EVENT_STORE) private readonly store: Pick<EventStore, 'epoch' | 'head'>,
  ) {}

  @Get()
  async slots(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Caller() { world, userId, zoneinfo }: Session,
  ): Promise<unknown> {
    const { after: known, ...fields } = readQuery(request.url, {
      ...parameters,
      after: position(this.store.epoch),
    });
    const query = toCommand(ExplainSlots, fields);
    void reply.header('cache-control', 'no-store');
    if (known !== undefined) await this.hasRead(known);
    const after = this.live.position;
    return this.queries.execute(
      withReader(query, { world, userId, after, ...(zoneinfo !== undefined && { zoneinfo }) }),
    );
  }

  /** Another server may have told the position. @throws Refused reset_required, server.unavailable where it is not read in time */
  private async hasRead(given: GivenPosition): Promise<void> {
    const after = await reachedPosition(this.store, given);
    await within(readWithinMs, Promise.resolve(this.live.reached(after)), late);
  }
}
