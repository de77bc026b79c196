import type { Connection } from '../connection.js';

/** What one `events.subscribe` of a connection has open. */
export class Subscription {
  /** Topics it still follows; one that is subscribed again belongs to the newer subscription. */
  readonly topics: Set<string>;
  /** While it catches up: everything up to here was looked at for it. */
  position: bigint;
  /** It has caught up: everything the log brings is told to it at once. */
  live = false;

  constructor(
    readonly connection: Connection,
    topics: readonly string[],
    /** What comes after this position was asked for. */
    readonly after: bigint,
    /** How far the log was told when it was made. */
    readonly since: bigint,
  ) {
    this.topics = new Set(topics);
    this.position = after;
  }

  /** Whether what is at this position has had its turn here. */
  passed(position: bigint): boolean {
    return this.after < position && (this.live || position <= this.position);
  }

  /** Nobody waits for anything of it any more. */
  get ended(): boolean {
    return this.topics.size === 0 || this.connection.gone;
  }
}
