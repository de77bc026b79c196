import { once } from 'node:events';
import type { ReadAllOptions, SubscribeOptions } from '../../src/event-store/event-store.js';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import type { Log } from '../../projections/engine/session.js';

/** A log with given events, handed out in batches of the given sizes (again and again), so that a test chooses them. */
export function scriptedLog(events: readonly RecordedEvent[], batchSizes: readonly number[]): Log {
  const last = events.at(-1)?.position ?? -1n;
  const select = ({ after = -1n, filter }: ReadAllOptions) =>
    events.filter((event) => event.position > after && (filter?.types?.includes(event.type) ?? true));
  return {
    epoch: 'scripted',
    head: () => Promise.resolve(last),
    async *readAll(options = {}) {
      yield* select(options);
    },
    async *readStream(stream) {
      yield* events.filter((event) => event.stream === stream);
    },
    async *subscribeToAll({ signal, ...options }: SubscribeOptions = {}) {
      const selected = select(options);
      for (let start = 0, batch = 0; start < selected.length; batch += 1) {
        if (signal?.aborted === true) return;
        const size = batchSizes[batch % batchSizes.length] ?? 1;
        yield { type: 'events', events: selected.slice(start, start + size) };
        start += size;
      }
      yield { type: 'checkpoint', position: last };
      yield { type: 'caughtUp', position: last };
      if (signal && !signal.aborted) await once(signal, 'abort');
    },
  };
}
