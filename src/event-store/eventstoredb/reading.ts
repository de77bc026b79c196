import { BACKWARDS, END, FORWARDS, START, StreamNotFoundError } from '@eventstore/db-client';
import type {
  AllStreamResolvedEvent,
  EventStoreDBClient,
  ReadAllOptions as ClientReadAllOptions,
  ReadPosition,
  ReadStreamOptions as ClientReadOptions,
  ResolvedEvent,
  StreamingRead,
} from '@eventstore/db-client';
import type { RecordedEvent } from '../../eventsourcing/events.js';
import { matcherOf } from '../embedded/reader.js';
import type { ReadAllOptions, ReadStreamOptions } from '../event-store.js';
import { NoAnswer } from './connection.js';
import type { Connection, Link } from './connection.js';
import { isSystemEvent, recorded } from './recorded.js';

/** Events per request. Between requests nothing is open on the server, so that a reader may take its time or just stop. */
const PAGE = 512;

type Open<E> = (client: EventStoreDBClient) => StreamingRead<E>;

/** Forwards from `from` (inclusive) or backwards from it. A missing stream has no events. */
export async function* readStream(
  connection: Connection,
  stream: string,
  { from, direction = 'forwards', limit = Infinity }: ReadStreamOptions = {},
  budgetMs?: number,
): AsyncGenerator<RecordedEvent, void> {
  const backwards = direction === 'backwards';
  let next = from;
  for (let left = limit; left > 0;) {
    const maxCount = Math.min(left, PAGE);
    const fromRevision = next ?? (backwards ? END : START);
    const options: ClientReadOptions = { fromRevision, maxCount, direction: backwards ? BACKWARDS : FORWARDS };
    const page = await readPage<ResolvedEvent>(connection, (client) => client.readStream(stream, options), budgetMs);
    for (const event of page) {
      yield event;
      next = event.revision + (backwards ? -1n : 1n);
    }
    left -= page.length;
    if (page.length < maxCount || (next !== undefined && next < 0n)) return;
  }
}

/** The log without EventStoreDB's own events. The client cannot filter reads: what does not match is dropped here. */
export async function* readAll(
  connection: Connection,
  { after, direction = 'forwards', limit = Infinity, filter }: ReadAllOptions = {},
): AsyncGenerator<RecordedEvent, void> {
  const backwards = direction === 'backwards';
  const matches = matcherOf(filter);
  let cursor = !backwards && after !== undefined && after < 0n ? undefined : after;
  if (cursor !== undefined && cursor < 0n) return;
  let left = limit;
  // One more than asked for: the event at the cursor may come again.
  for (let count = Math.min(left + 1, PAGE); left > 0; count = Math.min(count * 4, PAGE)) {
    const page = await readLogPage(connection, cursor, count, backwards);
    for (const event of page) {
      if (cursor !== undefined && (backwards ? event.position >= cursor : event.position <= cursor)) continue;
      cursor = event.position;
      if (isSystemEvent(event) || matches?.(event) === false) continue;
      yield event;
      if (--left <= 0) return;
    }
    if (page.length < count) return;
  }
}

/** Up to `maxCount` events of `$all`, EventStoreDB's own included, from the position (maybe with its event) on. */
export function readLogPage(
  connection: Connection,
  cursor: bigint | undefined,
  maxCount: number,
  backwards = false,
): Promise<RecordedEvent[]> {
  const fromPosition = cursor === undefined ? (backwards ? END : START) : logPosition(cursor);
  const options: ClientReadAllOptions = { fromPosition, maxCount, direction: backwards ? BACKWARDS : FORWARDS };
  return readPage<AllStreamResolvedEvent>(connection, (client) => client.readAll(options));
}

/** Events written by one append have one position each, where commit and prepare are the same. */
export const logPosition = (commit: bigint): ReadPosition => ({ commit, prepare: commit });

async function readPage<E extends ResolvedEvent | AllStreamResolvedEvent>(
  connection: Connection,
  open: Open<E>,
  budgetMs?: number,
): Promise<RecordedEvent[]> {
  const page = await connection.call((link, timeoutMs) => onePage(connection, link, open, timeoutMs), budgetMs);
  return page.flatMap((resolved) => recorded(resolved) ?? []);
}

async function onePage<E>(
  connection: Connection,
  { client, gone }: Link,
  open: Open<E>,
  timeoutMs: number,
): Promise<E[]> {
  const read = open(client);
  const events: E[] = [];
  const cut = (): void => void read.destroy(new Error('the connection was given up'));
  const timer = setTimeout(() => read.destroy(new NoAnswer(`nothing came for ${timeoutMs} ms`)), timeoutMs);
  // The client reports what happens to the call after the read was left, too.
  read.on('error', () => undefined);
  gone.addEventListener('abort', cut);
  try {
    for await (const event of read) {
      events.push(event);
      connection.heard();
      timer.refresh();
    }
    return events;
  } catch (error) {
    if (error instanceof StreamNotFoundError) return [];
    void read.cancel().catch(() => undefined);
    throw error;
  } finally {
    clearTimeout(timer);
    gone.removeEventListener('abort', cut);
  }
}
