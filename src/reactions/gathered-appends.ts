import type { Appended, EventStore } from '../event-store/event-store.js';
import type { NewEvent } from '../eventsourcing/events.js';
import { Lru } from '../eventsourcing/lru.js';

/** Events of one append. With the longest names and ids these are less than the 1 MiB that EventStoreDB takes. */
const eventsPerAppend = 128;

/** Events that go in one append, and what all who brought one wait for. */
class Batch {
  readonly events: NewEvent[] = [];
  resolve!: (appended: Appended) => void;
  reject!: (error: unknown) => void;
  readonly appended = new Promise<Appended>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
}

/**
 * Appends to write-only streams: what comes while an append to a stream is under way goes together in the next one. One
 * promise serves a whole append.
 */
export class GatheredAppends {
  /** Of the streams being appended to: what waits. */
  private readonly waiting = new Map<string, Batch[]>();
  private readonly retained = new Lru<string, true>(10_000);

  /** The streams' events may go when they are older than `maxAgeSeconds`. */
  constructor(
    private readonly store: Pick<EventStore, 'append' | 'retain'>,
    private readonly maxAgeSeconds: number,
  ) {}

  /** Resolves when the event is on disk; the position is at or after its own. @throws StoreUnavailable */
  append(stream: string, event: NewEvent): Promise<Appended> {
    const known = this.waiting.get(stream);
    const batches = known ?? [];
    let batch = batches.at(-1);
    if (!batch || batch.events.length >= eventsPerAppend) batches.push((batch = new Batch()));
    batch.events.push(event);
    if (!known) {
      this.waiting.set(stream, batches);
      void this.run(stream, batches);
    }
    return batch.appended;
  }

  private async run(stream: string, batches: Batch[]): Promise<void> {
    for (let batch = batches.shift(); batch; batch = batches.shift()) {
      try {
        // oxlint-disable-next-line no-await-in-loop -- one append after the other is what gathers the events
        await this.retain(stream);
        // oxlint-disable-next-line no-await-in-loop
        batch.resolve(await this.store.append(stream, 'any', batch.events));
      } catch (error) {
        // A store that is away would fail them one by one, while more and more come.
        for (const failed of [batch, ...batches.splice(0)]) failed.reject(error);
      }
    }
    this.waiting.delete(stream);
  }

  private async retain(stream: string): Promise<void> {
    if (this.retained.get(stream)) return;
    await this.store.retain(stream, { maxAgeSeconds: this.maxAgeSeconds });
    this.retained.set(stream, true);
  }
}
