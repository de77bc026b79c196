import { countsOnceInMs } from './reactions.js';

/** A reaction that counts, or will when its append has succeeded. */
export interface Counted {
  /** Epoch milliseconds. */
  readonly at: number;
  /** Settles with the append while that is under way in this process; absent for one that came from the log. */
  readonly underWay?: Promise<unknown>;
}

/** Which reactions counted in the last 2 s. What is older is forgotten, so it holds no more than came in twice that time. */
export class RecentReactions {
  /** In the order in which they were noted. */
  private readonly entries = new Map<string, Counted>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly clock: () => number) {}

  get size(): number {
    return this.entries.size;
  }

  /** The one because of which the same reaction does not count at `now`. */
  get(key: string, now: number): Counted | undefined {
    const entry = this.entries.get(key);
    return entry && isRecent(entry, now) ? entry : undefined;
  }

  /** Notes a reaction, unless a later one of the same key is known. */
  note(key: string, counted: Counted): void {
    const known = this.entries.get(key);
    if (known && known.at > counted.at) return;
    this.entries.delete(key);
    this.entries.set(key, counted);
    this.timer ??= setTimeout(() => this.sweep(), countsOnceInMs).unref();
  }

  /** Takes back a note, if it is still the one known: one that has been seen in the log stays. */
  takeBack(key: string, counted: Counted): void {
    if (this.entries.get(key) === counted) this.entries.delete(key);
  }

  private sweep(): void {
    this.timer = undefined;
    const now = this.clock();
    for (const [key, entry] of this.entries) {
      if (isRecent(entry, now)) break;
      this.entries.delete(key);
    }
    if (this.entries.size > 0) this.timer = setTimeout(() => this.sweep(), countsOnceInMs).unref();
  }
}

/** A time to come means that the clock was set back: then it says nothing. */
const isRecent = ({ at }: Counted, now: number): boolean => at <= now && now - at < countsOnceInMs;
