import { setMaxListeners } from 'node:events';
import {
  AccessDeniedError,
  EventStoreDBClient,
  InvalidArgumentError,
  NotLeaderError,
  StreamDeletedError,
} from '@eventstore/db-client';
import { Backoff } from '../../../projections/engine/backoff.js';
import { EventTooLarge, StoreUnavailable, WrongExpectedRevision } from '../event-store.js';
import { keepAlive } from './settings.js';
import type { Timings } from './settings.js';

/** No answer came in time: what was asked for may or may not have happened. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

/** One client, and the signal that it was replaced: calls still under way on it never end by themselves. */
export interface Link {
  readonly client: EventStoreDBClient;
  readonly gone: AbortSignal;
}

/** One gRPC connection under one account. It is replaced when it breaks or falls silent. */
export class Connection {
  private current: Link & { readonly giveUp: () => void };
  private clients = 0;
  private renewedAt = -Infinity;
  private heardAt = -Infinity;
  private readonly closing = new AbortController();

  constructor(
    private readonly url: string,
    private readonly timings: Timings,
  ) {
    // Every call under way listens.
    setMaxListeners(0, this.closing.signal);
    this.current = this.connect();
  }

  /** @throws StoreUnavailable when closed */
  get link(): Link {
    if (this.closing.signal.aborted) throw closed();
    return this.current;
  }

  /** Aborted when the store is closed. */
  get closed(): AbortSignal {
    return this.closing.signal;
  }

  /** Something came from the server. */
  heard(): void {
    this.heardAt = performance.now();
  }

  /**
   * Does `attempt` until it succeeds, fails for a reason of its own, or the time is up. It must be harmless to repeat: an
   * attempt without an answer may have taken effect.
   * @throws StoreUnavailable, or what the server refused with
   */
  async call<T>(
    attempt: (link: Link, timeoutMs: number) => Promise<T>,
    budgetMs: number = this.timings.budgetMs,
  ): Promise<T> {
    const deadline = performance.now() + budgetMs;
    const backoff = new Backoff(this.timings.retry);
    for (;;) {
      const { link } = this;
      const startedAt = performance.now();
      try {
        const answer = await attempt(link, Math.min(this.timings.attemptMs, deadline - startedAt));
        this.heard();
        return answer;
      } catch (error) {
        if (!isOutage(error)) throw asPortError(error);
        this.failed(link, error, startedAt);
        if (performance.now() < deadline) await backoff.pause(this.closing.signal);
        if (this.closing.signal.aborted) throw closed();
        if (performance.now() >= deadline) {
          throw new StoreUnavailable(`EventStoreDB does not answer: ${text(error)}`, { cause: error });
        }
      }
    }
  }

  /** Replaces the client after a failure on it, unless the connection has spoken since or the client looks after itself. */
  failed(link: Link, error: unknown, since: number): void {
    if (link !== this.current || this.closing.signal.aborted) return;
    if (error instanceof NotLeaderError) return;
    if (error instanceof NoAnswer && this.heardAt > since) return;
    if (performance.now() - this.renewedAt < this.timings.retry.longest / 4) return;
    this.current.giveUp();
    this.current = this.connect();
  }

  close(): void {
    if (this.closing.signal.aborted) return;
    this.closing.abort();
    this.current.giveUp();
  }

  private connect(): Link & { readonly giveUp: () => void } {
    this.renewedAt = performance.now();
    const client = EventStoreDBClient.connectionString(withSettings(this.url, this.clients++));
    const gone = new AbortController();
    setMaxListeners(0, gone.signal);
    const giveUp = (): void => {
      gone.abort();
      void dispose(client);
    };
    return { client, gone: gone.signal, giveUp };
  }
}

/** The client's own `dispose` ends its calls but leaves the connection open. */
async function dispose(client: EventStoreDBClient): Promise<void> {
  const channel = client['getChannel']();
  await client.dispose().catch(() => undefined);
  await channel.then((open) => open.close()).catch(() => undefined);
}

/**
 * The URL with keepalive on. gRPC shares a broken connection, and how long it waits before trying it again,
 * among all channels of equal options: one millisecond more makes it a new one.
 */
function withSettings(url: string, clients: number): string {
  const [address = '', query = ''] = url.split('?');
  const options = new URLSearchParams(query);
  const interval = Number(options.get('keepAliveInterval') ?? keepAlive.interval);
  options.set('keepAliveInterval', String(interval + (clients % 1_000)));
  options.set('keepAliveTimeout', options.get('keepAliveTimeout') ?? String(keepAlive.timeout));
  return `${address}?${options}`;
}

/** Errors that trying again does not change; after any other the outcome is unknown. */
const refusals = [
  WrongExpectedRevision,
  EventTooLarge,
  StoreUnavailable,
  AccessDeniedError,
  StreamDeletedError,
  InvalidArgumentError,
  RangeError,
  TypeError,
];

const isOutage = (error: unknown): boolean => !refusals.some((kind) => error instanceof kind);

/** What the server will not do, as an error of the port. */
function asPortError(error: unknown): unknown {
  if (error instanceof AccessDeniedError) {
    return new StoreUnavailable('EventStoreDB denies access: the account lacks a right, or the credentials are wrong', {
      cause: error,
    });
  }
  return error;
}

export const closed = (): StoreUnavailable => new StoreUnavailable('the event store is closed');

export const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));
