import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import { eventStoreContract } from './event-store.js';

eventStoreContract('embedded', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'log-'));
  let current = await openEmbeddedEventStore({ dir });
  return {
    store: current,
    reopen: async () => {
      await current.close();
      current = await openEmbeddedEventStore({ dir });
      return current;
    },
    dispose: async () => {
      await current.close();
      await rm(dir, { recursive: true });
    },
  };
});
