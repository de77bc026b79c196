import { afterAll, afterEach, beforeAll, beforeEach, describe } from '@jest/globals';
import type { Db, MongoClient } from 'mongodb';
import { aggregationContract } from './read-store-aggregation.js';
import type { Fixture, Row } from './read-store-fixture.js';
import { filterContract } from './read-store-filters.js';
import { indexContract } from './read-store-indexes.js';
import { refusalContract } from './read-store-refusals.js';
import { updateContract } from './read-store-updates.js';
import { writeContract } from './read-store-writes.js';

export interface ReadStoreConnection {
  readonly client: MongoClient;
  close(): Promise<void>;
}

function connected<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('not connected');
  return value;
}

/** The behaviour every read store is held to: MongoDB's own. Runs in a throw-away database. */
export function readStoreContract(name: string, connect: () => Promise<ReadStoreConnection>): void {
  describe(`read store: ${name}`, () => {
    let connection: ReadStoreConnection | undefined;
    let database: Db | undefined;
    const fixture: Fixture = {
      get client() {
        return connected(connection).client;
      },
      get db() {
        return connected(database);
      },
      get rows() {
        return connected(database).collection<Row>('rows');
      },
    };
    beforeAll(async () => {
      connection = await connect();
      database = connection.client.db(`convoke_contract_${process.pid}_${Date.now()}`);
    });
    beforeEach(async () => {
      await fixture.db.createCollection('rows');
    });
    afterEach(async () => {
      await fixture.db.dropDatabase();
    });
    afterAll(async () => {
      await connection?.close();
    });
    writeContract(fixture);
    filterContract(fixture);
    updateContract(fixture);
    indexContract(fixture);
    aggregationContract(fixture);
    refusalContract(fixture);
  });
}
