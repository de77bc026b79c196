import type { RecordedEvent } from '../../src/eventsourcing/events.js';

/** A stream one read model cannot fold past: everything from `position` on is held back, all other streams go on. */
export interface Parked {
  readonly stream: string;
  /** The event that failed. */
  readonly position: bigint;
  readonly revision: bigint;
  readonly eventType: string;
  /** Name and message of the failure, without the event's data. */
  readonly error: string;
  /** Events of the stream after the failed one that are held back, up to `heldUpTo`. */
  readonly heldBack: number;
  readonly heldUpTo: bigint;
}

const MAX_ERROR_LENGTH = 300;

/** Which streams are parked, and what of that is not stored yet. */
export class ParkedStreams {
  readonly #streams = new Map<string, Parked>();
  readonly #changed = new Set<string>();

  constructor(stored: Iterable<Parked> = []) {
    for (const parked of stored) this.#streams.set(parked.stream, parked);
  }

  get size(): number {
    return this.#streams.size;
  }

  get(stream: string): Parked | undefined {
    return this.#streams.get(stream);
  }

  values(): Iterable<Parked> {
    return this.#streams.values();
  }

  /** True when the event must wait. An event before the failed one (seen again after a crash) need not. */
  holds(event: RecordedEvent): boolean {
    const parked = this.#streams.get(event.stream);
    if (!parked || event.position < parked.position) return false;
    if (event.position > parked.heldUpTo) {
      this.#put({ ...parked, heldBack: parked.heldBack + 1, heldUpTo: event.position });
    }
    return true;
  }

  park(event: RecordedEvent, failure: unknown): void {
    const error =
      failure instanceof Error ? `${failure.name}: ${failure.message}` : 'a value that is no Error was thrown';
    this.#put({
      stream: event.stream,
      position: event.position,
      revision: event.revision,
      eventType: event.type,
      error: error.slice(0, MAX_ERROR_LENGTH),
      heldBack: 0,
      heldUpTo: event.position,
    });
  }

  /** What changed since the last call. */
  takeChanges(): Parked[] {
    const changes = [...this.#streams.values()].filter(({ stream }) => this.#changed.has(stream));
    this.#changed.clear();
    return changes;
  }

  #put(parked: Parked): void {
    this.#streams.set(parked.stream, parked);
    this.#changed.add(parked.stream);
  }
}
