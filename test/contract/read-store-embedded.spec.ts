import { MongoClient } from 'mongodb';
import { openEmbeddedReadStore } from '../../src/read-store/embedded/embedded-read-store.js';
import { temporaryFolder } from '../read-store/folder.js';
import { readStoreContract } from './read-store.js';

readStoreContract('embedded', async () => {
  const folder = await temporaryFolder();
  const store = await openEmbeddedReadStore({ dir: folder.path, port: 0 });
  const client = await new MongoClient(store.url).connect();
  return {
    client,
    async close() {
      await client.close();
      await store.close();
      await folder.remove();
    },
  };
});
