import { setImmediate as nextTurn } from 'node:timers/promises';
import type { LogMessage, SubscribeOptions } from '../event-store.js';
import { asStoreError } from './errors.js';
import { matcherOf } from './reader.js';
import type { LogSource, Matcher } from './reader.js';
import type { LiveEvent, SharedScan } from './shared-scan.js';

/** Messages kept for a subscriber that is busy; when one more comes it goes back to reading the log. */
const QUEUED_MESSAGES = 16;

type Next = IteratorResult<LogMessage, undefined>;
const END: Next = { done: true, value: undefined };

/**
 * One subscriber. It reads the log until it stands at the head, then takes commits as they are handed over. While it
 * is busy a few of them are kept, the rest it later reads from the log: memory stays bounded.
 * Made for one `next()` at a time, as `for await` does it.
 */
export class Subscription implements AsyncIterator<LogMessage, undefined> {
  /** Everything up to here was yielded, queued or filtered out. */
  private position: bigint;
  private live = false;
  private announced = false;
  private ended = false;
  private failure: Error | undefined;
  private queue: LogMessage[] = [];
  private pending: { resolve(next: Next | Promise<Next>): void; reject(error: Error): void } | undefined;
  private readonly matches: Matcher;
  private readonly onAbort = (): void => this.end();

  constructor(
    private readonly source: LogSource,
    private readonly scan: SharedScan,
    private readonly options: SubscribeOptions,
    private readonly on: { readonly live: () => void; readonly end: (subscription: Subscription) => void },
  ) {
    this.position = options.after ?? -1n;
    this.matches = matcherOf(options.filter);
    options.signal?.addEventListener('abort', this.onAbort);
    if (options.signal?.aborted === true) this.end();
  }

  /** Whether commits go straight to this subscriber; otherwise it reads the log. */
  get isLive(): boolean {
    return this.live;
  }

  next(): Promise<Next> {
    if (this.failure !== undefined) {
      const error = this.failure;
      this.failure = undefined;
      return Promise.reject(error);
    }
    const value = this.queue.shift();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.ended) return Promise.resolve(END);
    if (!this.live) return this.catchUp();
    return new Promise((resolve, reject) => {
      this.pending = { resolve, reject };
    });
  }

  return(): Promise<Next> {
    this.end();
    return Promise.resolve(END);
  }

  /** Hands over a commit that ends at `head`. An idle subscriber's `next()` is resolved before this returns. */
  deliver(events: readonly LiveEvent[], head: bigint): void {
    if (!this.live || head <= this.position) return;
    if (this.queue.length >= QUEUED_MESSAGES) {
      this.live = false;
      this.announced = false;
      return;
    }
    this.take(events, head);
  }

  /** The log has grown without the events being at hand (another process wrote them): go and read it. */
  wake(): void {
    if (!this.live) return;
    this.live = false;
    this.pending?.resolve(this.catchUp());
    this.pending = undefined;
  }

  fail(error: Error): void {
    if (this.ended) return;
    if (this.pending === undefined) this.failure = error;
    else this.pending.reject(error);
    this.pending = undefined;
    this.end();
  }

  private end(): void {
    if (this.ended) return;
    this.ended = true;
    this.queue = [];
    this.options.signal?.removeEventListener('abort', this.onAbort);
    this.pending?.resolve(END);
    this.pending = undefined;
    this.on.end(this);
  }

  /** Takes what is new to it and passes its filter; the rest of the way to `seen` is a checkpoint. */
  private take(events: readonly LiveEvent[], seen: bigint): void {
    const { matches, position } = this;
    const own = events.filter((event) => event.position > position && (matches === undefined || matches(event)));
    this.position = seen;
    if (own.length > 0) this.push({ type: 'events', events: own.map((event) => event.recorded()) });
    if (own.at(-1)?.position !== seen) this.push({ type: 'checkpoint', position: seen });
  }

  private push(message: LogMessage): void {
    const last = this.queue.length - 1;
    if (this.pending !== undefined) {
      this.pending.resolve({ done: false, value: message });
      this.pending = undefined;
    } else if (message.type === 'checkpoint' && this.queue[last]?.type === 'checkpoint') {
      this.queue[last] = message;
    } else {
      this.queue.push(message);
    }
  }

  /** Reads one chunk of the log; at its head the subscription goes live in the same step, so no commit slips between. */
  private async catchUp(): Promise<Next> {
    await nextTurn();
    if (this.ended) return this.next();
    try {
      const head = this.source.head();
      const { events, seen } = this.scan.read(this.position + 1n, head);
      if (seen !== undefined) this.take(events, seen);
      if (this.position >= head) {
        this.live = true;
        this.on.live();
        if (!this.announced) this.push({ type: 'caughtUp', position: this.position });
        this.announced = true;
      }
      return await this.next();
    } catch (error) {
      this.end();
      throw asStoreError(error);
    }
  }
}
