import type { RecordedEvent } from '../eventsourcing/events.js';
import type { Step } from './history.js';

/** A page that has to pass over much answers after this long with what it has. */
const pageWithinMs = 1_000;

export interface Page {
  readonly events: readonly RecordedEvent[];
  /** Up to where the page goes, where more may follow; undefined at the end. */
  readonly until?: bigint;
}

/** The first `limit` events, or those of the first second. */
export async function pageOf(steps: AsyncIterable<Step>, limit: number, withinMs = pageWithinMs): Promise<Page> {
  const events: RecordedEvent[] = [];
  const end = performance.now() + withinMs;
  for await (const step of steps) {
    events.push(...step.events);
    const last = events[limit - 1];
    // One more than asked for tells that something follows.
    if (last && events.length > limit) return { events: events.slice(0, limit), until: last.position };
    if (performance.now() >= end) return { events, until: step.position };
  }
  return { events };
}

/** The events of each step, no more than `limit` in all. */
export async function* batchesOf(
  steps: AsyncIterable<Step>,
  limit = Infinity,
): AsyncGenerator<readonly RecordedEvent[], void> {
  let left = limit;
  for await (const { events } of steps) {
    yield events.slice(0, left);
    left -= events.length;
    if (left <= 0) return;
  }
}
