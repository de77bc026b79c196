import type { EventStore } from '../../event-store/event-store.js';
import type { EventReading } from './streamed-event.js';
import { StreamedEvent } from './streamed-event.js';

/** Consecutive events of the log: all with `after` < position <= `until`. */
export interface Stretch {
  readonly after: bigint;
  readonly until: bigint;
  readonly events: readonly StreamedEvent[];
}

export interface HistorySizes {
  /** Latest events kept in memory, so that a short absence costs no reading. */
  readonly recent: number;
  /** Events read from the log at once. */
  readonly stretch: number;
  /** Stretches kept while someone catches up: who resumes at the same time reads the same ones. */
  readonly kept: number;
}

export const defaultSizes: HistorySizes = { recent: 256, stretch: 128, kept: 16 };

/** The log in stretches, for those who catch up; each event is read, checked and encoded once for many of them. */
export class History {
  #recent: StreamedEvent[] = [];
  /** What comes after it is in `#recent`. */
  #floor: bigint;
  readonly #kept: Stretch[] = [];

  constructor(
    private readonly store: EventStore,
    private readonly reading: EventReading,
    private readonly sizes: HistorySizes,
    position: bigint,
  ) {
    this.#floor = position;
  }

  /** Takes the newest event of the log. */
  add(event: StreamedEvent): void {
    const { recent } = this.sizes;
    this.#recent.push(event);
    if (this.#recent.length <= 2 * recent) return;
    // Now and then, not for every event.
    const dropped = this.#recent.splice(0, this.#recent.length - recent);
    this.#floor = dropped.at(-1)?.position ?? this.#floor;
  }

  /** What comes after a position up to `head`, the end of the log, if it is recent; to be used at once. */
  recent(position: bigint, head: bigint): Stretch | undefined {
    return position < this.#floor ? undefined : { after: this.#floor, until: head, events: this.#recent };
  }

  /**
   * What comes after a position, up to `head` at most. `head` is what the facts of access reflect: further on in the log
   * there may be a room nobody knows the rights of yet.
   * @throws CorruptEvent, StoreUnavailable
   */
  async after(position: bigint, head: bigint): Promise<Stretch> {
    const known = this.#kept.find(({ after, until }) => after <= position && position < until);
    if (known) return known;
    const stretch = await this.#read(position, head);
    this.#kept.push(stretch);
    if (this.#kept.length > this.sizes.kept) this.#kept.shift();
    return stretch;
  }

  /** Nobody catches up now. */
  forget(): void {
    this.#kept.length = 0;
  }

  async #read(after: bigint, head: bigint): Promise<Stretch> {
    const events: StreamedEvent[] = [];
    const limit = this.sizes.stretch;
    for await (const event of this.store.readAll({ after, limit })) {
      if (event.position > head) break;
      events.push(new StreamedEvent(event, this.reading));
    }
    const last = events.at(-1);
    return { after, until: events.length === limit && last ? last.position : head, events };
  }
}

/** Index of the first event after a position. */
export function firstAfter(events: readonly StreamedEvent[], position: bigint): number {
  let [low, high] = [0, events.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((events[middle]?.position ?? 0n) <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}
