import { setImmediate as nextTurn } from 'node:timers/promises';
import { eventTypeFilter, excludeSystemEvents, START, streamNameFilter } from '@eventstore/db-client';
import type { AllStreamResolvedEvent, AllStreamSubscription, Filter, Position } from '@eventstore/db-client';
import { Backoff } from '../../../projections/engine/backoff.js';
import type { RecordedEvent } from '../../eventsourcing/events.js';
import { matcherOf } from '../embedded/reader.js';
import type { EventFilter, LogMessage, SubscribeOptions } from '../event-store.js';
import { Arrivals } from './arrivals.js';
import { closed, text } from './connection.js';
import type { Connection } from './connection.js';
import type { HeadWatch } from './head-watch.js';
import { logPosition, readLogPage } from './reading.js';
import { isSystemEvent, recorded } from './recorded.js';
import type { Log, Timings } from './settings.js';

/** Events kept for a consumer that is busy; the server waits with the rest. */
const BUFFERED = 512;

export interface Supervised {
  readonly connection: Connection;
  readonly heads: HeadWatch;
  readonly timings: Timings;
  readonly log: Log | undefined;
}

/**
 * One subscriber to `$all`. The client does not resubscribe: whatever ends its subscription, this goes on from the last
 * position seen, after a pause. One that stands still while the log grows is ended, too.
 */
export class Supervisor {
  /** Everything up to here was yielded or does not match. It may be the place of an event of the server's own. */
  private position: bigint;
  /** The part of it consumers know: never beyond the head, as others see it. */
  private told: bigint;
  private announced = false;
  /** Since when an event is known to be missing. */
  private missingSince: number | undefined;
  private readonly matches: (event: RecordedEvent) => boolean;
  private readonly stopped: AbortSignal;

  constructor(
    private readonly store: Supervised,
    private readonly options: SubscribeOptions,
  ) {
    this.position = this.told = options.after ?? -1n;
    const matches = matcherOf(options.filter);
    this.matches = (event) => !isSystemEvent(event) && matches?.(event) !== false;
    const { closed: storeClosed } = store.connection;
    this.stopped = options.signal ? AbortSignal.any([options.signal, storeClosed]) : storeClosed;
  }

  /** For how long the subscription has lacked an event it should have got, in milliseconds. */
  get behindMs(): number {
    return this.missingSince === undefined ? 0 : performance.now() - this.missingSince;
  }

  /** Ends when the signal aborts. @throws StoreUnavailable when the store is closed */
  async *messages(): AsyncGenerator<LogMessage, void> {
    const { connection, timings, log } = this.store;
    const backoff = new Backoff(timings.resume);
    while (!this.stopped.aborted) {
      const before = this.position;
      try {
        yield* this.follow();
      } catch (error) {
        if (this.stopped.aborted) break;
        if (this.position > before) backoff.reset();
        log?.warn({ err: error, position: String(this.position) }, `a subscription was cut off: ${text(error)}`);
        await backoff.pause(this.stopped);
      }
    }
    if (connection.closed.aborted && this.options.signal?.aborted !== true) throw closed();
  }

  /** One subscription of the client, until it ends. */
  private async *follow(): AsyncGenerator<LogMessage, void> {
    const { connection, heads, timings } = this.store;
    this.missingSince = undefined;
    // Servers before 23.10 don't say when a subscription has caught up: then it has when it got so far.
    const head = this.announced ? undefined : await heads.ask();
    const { link } = connection;
    let checkpoint = -1n;
    const reached = (_subscription: AllStreamSubscription, position: Position): Promise<void> => {
      // Must not throw: the client would stop reading and say nothing.
      if (position.commit > checkpoint) checkpoint = position.commit;
      arrivals.nudge();
      return Promise.resolve();
    };
    const subscription = link.client.subscribeToAll(
      {
        fromPosition: this.position < 0n ? START : logPosition(this.position),
        filter: serverFilter(this.options.filter, reached),
      },
      { highWaterMark: BUFFERED },
    );
    const arrivals = new Arrivals(subscription);
    const startedAt = performance.now();
    const cut = (): void => arrivals.end(new Error('the connection was given up'));
    const either = AbortSignal.any([link.gone, this.stopped]);
    either.addEventListener('abort', cut);
    if (either.aborted) cut();
    try {
      for (;;) {
        await arrivals.wait(timings.quietMs);
        // What comes in the same turn goes together.
        await nextTurn();
        if (this.stopped.aborted) return;
        const { caughtUp, ended } = arrivals;
        const seen = checkpoint;
        const arrived = arrivals.take();
        if (arrived.length > 0 || seen > this.position) {
          connection.heard();
          this.missingSince = undefined;
        }
        yield* this.pass(arrived, seen);
        yield* this.tell();
        if (!this.announced && (caughtUp || (head !== undefined && this.position >= head))) {
          this.announced = true;
          yield { type: 'caughtUp', position: this.told };
        }
        if (ended !== undefined) {
          connection.failed(link, ended, startedAt);
          throw ended;
        }
        if (arrived.length === 0 && heads.known > this.position) await this.compareWithLog();
      }
    } finally {
      either.removeEventListener('abort', cut);
      arrivals.stop();
    }
  }

  /** Hands on what has arrived and matches. Nothing is handed on twice. */
  private *pass(arrived: readonly AllStreamResolvedEvent[], checkpoint: bigint): Generator<LogMessage> {
    const events: RecordedEvent[] = [];
    for (const resolved of arrived) {
      const event = recorded(resolved);
      if (event === undefined || event.position <= this.position) continue;
      this.position = event.position;
      if (this.matches(event)) events.push(event);
    }
    if (checkpoint > this.position) this.position = checkpoint;
    const last = events.at(-1);
    if (last === undefined) return;
    this.told = last.position;
    this.store.heads.note(last.position);
    yield { type: 'events', events };
  }

  private *tell(): Generator<LogMessage> {
    const { known } = this.store.heads;
    const reached = this.position < known ? this.position : known;
    if (reached <= this.told) return;
    this.told = reached;
    yield { type: 'checkpoint', position: reached };
  }

  /**
   * Nothing came although the log goes further. Either what came after the position does not match (a server tells only every
   * 32 events how far it has looked), or the subscription stands still. A look into the log tells.
   */
  private async compareWithLog(): Promise<void> {
    const { connection, timings } = this.store;
    const page = await readLogPage(connection, this.position < 0n ? undefined : this.position, BUFFERED);
    const after = page.filter(({ position }) => position > this.position);
    if (after.some(this.matches)) {
      this.missingSince ??= performance.now();
      if (this.behindMs > timings.stallMs) throw new Error('it stands still while the log grows');
      return;
    }
    this.position = after.at(-1)?.position ?? this.position;
  }
}

/** The server filters by types or by streams, not by both; prefixes let through a little more. The rest is dropped here. */
function serverFilter(filter: EventFilter | undefined, checkpointReached: Filter['checkpointReached']): Filter {
  const options = { checkpointInterval: 1, checkpointReached };
  const { types = [], streamPrefixes = [] } = filter ?? {};
  if (types.length > 0) return eventTypeFilter({ prefixes: [...types], ...options });
  if (streamPrefixes.length > 0) return streamNameFilter({ prefixes: [...streamPrefixes], ...options });
  return excludeSystemEvents(options);
}
