import { eventStoreContract } from './event-store.js';
import { disturb, serveLog } from './eventstoredb.js';

// The adapter, the protocol and the embedded log together.
eventStoreContract('EventStoreDB client over the embedded log', async () => {
  const served = await serveLog();
  let store = await served.open();
  return {
    store,
    reopen: async () => {
      await store.close();
      store = await served.open();
      return store;
    },
    disturb: (kind) => disturb(served.proxy, kind),
    dispose: () => served.close(),
  };
});
