import { join } from 'node:path';
import {
  openEmbeddedEventStore,
  type EmbeddedEventStore,
} from '../../src/event-store/embedded/embedded-event-store.js';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';

/** Looks into the log of a running or stopped server. */
async function withLog<T>(dataDir: string, look: (log: EmbeddedEventStore) => Promise<T>): Promise<T> {
  const log = await openEmbeddedEventStore({ dir: join(dataDir, 'log'), readOnly: true });
  try {
    return await look(log);
  } finally {
    await log.close();
  }
}

/** Position of the last event. */
export const headOf = (dataDir: string): Promise<bigint> => withLog(dataDir, (log) => log.head());

export function eventsOf(dataDir: string, after?: bigint): Promise<RecordedEvent[]> {
  return withLog(dataDir, async (log) => {
    const events: RecordedEvent[] = [];
    for await (const event of log.readAll(after === undefined ? {} : { after })) events.push(event);
    return events;
  });
}
