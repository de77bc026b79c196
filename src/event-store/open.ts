import { join } from 'node:path';
import type { Config } from '../config/config.js';
import { openEmbeddedEventStore } from './embedded/embedded-event-store.js';
import type { EventStore } from './event-store.js';
import { openEventStoreDb } from './eventstoredb/eventstoredb-event-store.js';

interface Log {
  warn(context: object, message: string): void;
}

/** The log the configuration names: EventStoreDB, else the embedded one, of which this process is then the only writer. @throws StoreUnavailable */
export function openEventStore(
  { eventStore, dataDir }: Pick<Config, 'eventStore' | 'dataDir'>,
  { logger, readOnly = false }: { readonly logger?: Log; readonly readOnly?: boolean } = {},
): Promise<EventStore> {
  if (eventStore) return openEventStoreDb({ ...eventStore, ...(logger && { logger }) });
  return openEmbeddedEventStore({ dir: join(dataDir, 'log'), readOnly });
}

/** Whether this process alone can be projecting: one of its stores is embedded, and so locked by it. */
export const projectsAlone = ({ eventStore, mongodbUrl }: Pick<Config, 'eventStore' | 'mongodbUrl'>): boolean =>
  eventStore === undefined || mongodbUrl === undefined;
