import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Refused } from '../eventsourcing/refused.js';
import { sendProblem } from './problem.filter.js';

/** Of what the router cannot read it tells the caller what was sent: this says nothing of it. An option of Fastify. */
export function frameworkErrors(_error: Error, _request: unknown, reply: FastifyReply): void {
  sendProblem(reply, unreadable());
}

/** Requests for which there is no route, or whose body cannot be read: Nest's own words repeat the path. */
@Catch(HttpException)
export class FrameworkErrorFilter implements ExceptionFilter<HttpException> {
  catch(error: HttpException, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const isRoute = error.getStatus() === 404;
    sendProblem(reply, isRoute ? new Refused('path.unknown') : unreadable());
  }
}

const unreadable = (): Refused => new Refused('protocol.invalid', 'The request cannot be read.');
