import { Refused } from '../eventsourcing/refused.js';
import { isOutage } from '../health/outage.js';
import type { SocketLog } from './handler.js';

/** What the caller is told of an error. Anything unexpected is logged with its stack and told as `server.fatal`. */
export function refusalOf(error: unknown, log: SocketLog, context: object): Refused {
  if (error instanceof Refused) return error;
  if (isOutage(error)) return new Refused('server.unavailable');
  log.error({ ...context, err: error }, 'a socket could not be served');
  return new Refused('server.fatal');
}
