import { describe, it } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { readStoreContract } from './read-store.js';

const url = process.env['MONGODB_URL'];

// Without a server the suite is there, visibly skipped.
if (url === undefined || url === '') {
  describe('read store: MongoDB', () => {
    // oxlint-disable-next-line jest/no-disabled-tests, jest/expect-expect -- says that a server is missing
    it.skip('runs where MONGODB_URL names a server', () => undefined);
  });
} else {
  readStoreContract('MongoDB', async () => {
    const client = await new MongoClient(url).connect();
    return { client, close: () => client.close() };
  });
}
