import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { openEmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import type { EventStore } from '../../src/event-store/event-store.js';
import { connectReadStore } from '../../src/read-store/connect.js';
import type { ReadStore } from '../../src/read-store/read-store.js';
import { newEvent } from './tally.js';
import type { TallyEvent } from './tally.js';

export interface Stores {
  readonly store: EventStore;
  readonly read: ReadStore;
  /** Appends to the end of a stream, answers the position. */
  append(stream: string, ...events: TallyEvent[]): Promise<bigint>;
  close(): Promise<void>;
}

/** The real stores, in a folder of their own. */
export async function openStores(): Promise<Stores> {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'convoke-projections-'));
  const store = await openEmbeddedEventStore({ dir: path.join(dir, 'log') });
  const read = await connectReadStore({ dir: path.join(dir, 'read'), port: 0 });
  return {
    store,
    read,
    async append(stream, ...events) {
      const { position } = await store.append(stream, 'any', events.map(newEvent));
      return position;
    },
    async close() {
      await read.close();
      await store.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
