import { STATUS_CODES } from 'node:http';
import { Catch, Inject, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { numbersOf, Refused } from '../eventsourcing/refused.js';
import { isOutage } from '../health/outage.js';
import { LOGGER } from '../nest/injection.js';

/** A refusal as `application/problem+json` (RFC 9457) with the code of the one table. Source: wire contract, sections 3 and 6. */
export function sendProblem(reply: FastifyReply, { code, message, details }: Refused): void {
  const status = numbersOf(code).http;
  if (status === 401) void reply.header('www-authenticate', 'Bearer');
  const body = { type: 'about:blank', title: STATUS_CODES[status], status, code, detail: message, details };
  // Serialised here: Fastify would do so for its own JSON type only.
  void reply.status(status).type('application/problem+json; charset=utf-8').send(JSON.stringify(body));
}

/** Answers all errors of a controller as problems. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(@Inject(LOGGER) private readonly logger: Pick<Logger, 'error'>) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    sendProblem(reply, this.refusalOf(error, request));
  }

  private refusalOf(error: unknown, { method, routeOptions }: FastifyRequest): Refused {
    if (error instanceof Refused) return error;
    if (isOutage(error)) return new Refused('server.unavailable');
    this.logger.error({ err: error, method, route: routeOptions.url }, 'a request could not be served');
    return new Refused('server.fatal');
  }
}
