import type { Readable } from 'node:stream';
import { Controller, Get, Inject, Param, Req, Res, UseFilters, UseGuards } from '@nestjs/common';
import type { JWK } from 'jose';
import type { Logger } from 'pino';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { EventStore } from '../event-store/event-store.js';
import { formatPosition } from '../event-store/position.js';
import { deciders } from '../event-registry.js';
import type { RecordedEvent } from '../eventsourcing/events.js';
import { Refused } from '../eventsourcing/refused.js';
import { EventRegistry } from '../eventsourcing/registry.js';
import { Access } from '../identity/access.js';
import type { Session } from '../identity/session.js';
import { EVENT_STORE, LOGGER } from '../nest/injection.js';
import { Caller, CallerGuard, Needs } from '../rest/caller.js';
import { acceptsNdjson, hangUp, linesOf } from '../rest/ndjson.js';
import { ProblemFilter } from '../rest/problem.filter.js';
import { readQuery } from '../rest/query.js';
import { toAuditEvent, type AuditEvent } from './audit-event.js';
import { AuditKey } from './audit-key.js';
import { canBeStream, history, streamHistory, type Step } from './history.js';
import { batchesOf, pageOf } from './page.js';
import * as parameter from './parameters.js';
import { stateAt, type StateAt } from './state-at.js';
import { Verifier, type VerifyAnswer } from './verifier.js';

const format = parameter.oneOf('json', 'ndjson');
const defaultLimit = 100;

interface EventPage {
  readonly events: readonly AuditEvent[];
  /** Where to go on; absent at the end. */
  readonly next?: string;
}

/** `GET /audit/…`: what happened in the caller's own world, and whether it is all there. Source: wire contract, section 9. */
@Controller('audit')
@UseFilters(ProblemFilter)
@UseGuards(CallerGuard)
@Needs('world:audit')
export class AuditController {
  constructor(
    @Inject(EVENT_STORE) private readonly store: EventStore,
    private readonly registry: EventRegistry,
    private readonly access: Access,
    private readonly key: AuditKey,
    private readonly verifier: Verifier,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @Get('events')
  async events(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Caller() caller: Session,
  ): Promise<EventPage | Readable> {
    const { text, limit, time, position } = parameter;
    const parameters = { limit, format, type: text, actor: text, since: time, until: time };
    const query = readQuery(request.url, { ...parameters, after: position(this.store.epoch) });
    const { type, actor, since, until } = query;
    const after = query.after === undefined ? undefined : await parameter.reachedPosition(this.store, query.after);
    const selection = {
      world: caller.world,
      ...(type !== undefined && { types: [type] }),
      ...(actor !== undefined && { actor }),
      ...(since !== undefined && { since }),
      ...(until !== undefined && { until }),
    };
    const options = { signal: hangUp(reply), ...(after !== undefined && { after }) };
    const steps = history(this.store, selection, options);
    if (isLines(request, query.format)) return this.lines(reply, steps, caller, query.limit);
    const page = await pageOf(steps, query.limit ?? defaultLimit);
    const next = page.until === undefined ? {} : { next: formatPosition(this.store.epoch, page.until) };
    return this.answer(reply, { events: page.events.map((event) => this.render(event)), ...next });
  }

  @Get('streams/:stream')
  async stream(
    @Param('stream') stream: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Caller() caller: Session,
  ): Promise<({ readonly stream: string } & EventPage) | Readable> {
    const { limit, revision: from } = parameter;
    const direction = parameter.oneOf('forwards', 'backwards');
    const query = readQuery(request.url, { limit, format, from, direction });
    await this.requireStream(stream, caller);
    const backwards = query.direction === 'backwards';
    const options = { world: caller.world, direction: query.direction ?? 'forwards', from: query.from };
    const steps = streamHistory(this.store, stream, options);
    if (isLines(request, query.format)) return this.lines(reply, steps, caller, query.limit);
    const page = await pageOf(steps, query.limit ?? defaultLimit);
    const last = page.until === undefined ? undefined : page.events.at(-1)?.revision;
    const next = last === undefined ? {} : { next: String(backwards ? last - 1n : last + 1n) };
    return this.answer(reply, { stream, events: page.events.map((event) => this.render(event)), ...next });
  }

  @Get('state/:kind/:id')
  async state(
    @Param('kind') kind: string,
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Caller() { world }: Session,
  ): Promise<StateAt> {
    const { at } = readQuery(request.url, { at: parameter.moment(this.store.epoch) });
    const moment = at && (await parameter.reachedMoment(this.store, at));
    const decider = deciders.find(({ category }) => category === kind);
    const found =
      decider && (await stateAt(this.store, this.registry, decider, { id, world, ...(moment && { moment }) }));
    if (!found) throw new Refused('stream.unknown');
    return this.answer(reply, found);
  }

  @Get('verify')
  async verify(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Caller() { world }: Session,
  ): Promise<VerifyAnswer> {
    readQuery(request.url, {});
    return this.answer(reply, await this.verifier.verify(world, hangUp(reply)));
  }

  @Get('key')
  publicKey(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): JWK {
    readQuery(request.url, {});
    return this.answer(reply, this.key.publicJwk);
  }

  private render = (event: RecordedEvent): AuditEvent => toAuditEvent(event, this.store.epoch);

  private answer<T>(reply: FastifyReply, body: T): T {
    void reply.header('cache-control', 'no-store');
    return body;
  }

  /** A stream of another world is answered like one that does not exist. */
  private async requireStream(stream: string, { world }: Session): Promise<void> {
    if (canBeStream(stream)) {
      for await (const { metadata } of this.store.readStream(stream, { limit: 1 }))
        if (metadata.world === world) return;
    }
    throw new Refused('stream.unknown');
  }

  private lines(reply: FastifyReply, steps: AsyncIterable<Step>, caller: Session, limit?: number): Readable {
    return linesOf(reply, this.rendered(batchesOf(steps, limit), caller));
  }

  /** A long read ends when the right to it does. */
  private async *rendered(
    batches: AsyncIterable<readonly RecordedEvent[]>,
    caller: Session,
  ): AsyncGenerator<readonly AuditEvent[], void> {
    try {
      for await (const events of batches) {
        if (caller.expiresAt !== undefined && caller.expiresAt <= Date.now()) throw new Refused('auth.expired_token');
        this.access.require(caller, 'world:audit');
        yield events.map(this.render);
      }
    } catch (error) {
      this.logger.error({ err: error, world: caller.world }, 'an audit stream was cut off');
      throw error;
    }
  }
}

const isLines = (request: FastifyRequest, given: 'json' | 'ndjson' | undefined): boolean =>
  given === undefined ? acceptsNdjson(request) : given === 'ndjson';
