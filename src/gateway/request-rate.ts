import { Lru } from '../eventsourcing/lru.js';
import { Refused } from '../eventsourcing/refused.js';
import { personKey, type Session } from '../identity/session.js';
import type { SocketLimits } from './limits.js';
import { TokenBucket } from './token-bucket.js';

/** Who was forgotten has not asked for long: that bucket is full again. */
const keptPeople = 10_000;

/** HTTP requests of one person of one world, as many as a connection may send frames. */
export class RequestRate {
  readonly #buckets = new Lru<string, TokenBucket>(keptPeople);

  /** Without a rate nothing is counted. */
  constructor(private readonly rate: SocketLimits['rate']) {}

  /** Counts a request. @throws Refused rate_limited */
  take(person: Pick<Session, 'world' | 'userId' | 'anonymous'>): void {
    if (!this.rate) return;
    const key = `${person.world}\0${personKey(person)}`;
    let bucket = this.#buckets.get(key);
    if (!bucket) {
      bucket = new TokenBucket(this.rate.framesPerSecond, this.rate.burst);
      this.#buckets.set(key, bucket);
    }
    if (!bucket.take()) throw new Refused('rate_limited');
  }
}
