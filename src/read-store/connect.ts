import { MongoClient } from 'mongodb';
import type { MongoClientOptions } from 'mongodb';
import { openEmbeddedReadStore } from './embedded/embedded-read-store.js';
import type { EmbeddedReadStore } from './embedded/embedded-read-store.js';
import type { ReadStore } from './read-store.js';

export interface ReadStoreOptions {
  /** A MongoDB server; without it the embedded store in `dir` is opened. */
  readonly mongodbUrl?: string | undefined;
  readonly dir: string;
  /** Of the embedded store, 0 for any free one. */
  readonly port: number;
  /** Default: the one the URL names, else `convoke`. */
  readonly database?: string | undefined;
}

/** A read store, and whether it had to begin empty because what was on disk was damaged. */
export interface ConnectedReadStore extends ReadStore {
  readonly rebuilt?: { readonly reason: string; readonly movedTo: string };
}

const defaultDatabase = 'convoke';

/** Long types stay what they are only when asked for; the defaults of the driver give numbers, which rows are written with. */
const shared: MongoClientOptions = { appName: 'convoke', serverSelectionTimeoutMS: 5000, ignoreUndefined: true };

/** A server in our own process answers at once, alone, and has no retryable writes. */
const local: MongoClientOptions = {
  ...shared,
  directConnection: true,
  retryWrites: false,
  retryReads: false,
  serverSelectionTimeoutMS: 2000,
  connectTimeoutMS: 2000,
  maxPoolSize: 20,
};

/** Connects to MongoDB, or opens the embedded read store and connects to that. Rejects when it does not answer. */
export async function connectReadStore(options: ReadStoreOptions): Promise<ConnectedReadStore> {
  const { mongodbUrl } = options;
  if (mongodbUrl !== undefined && mongodbUrl !== '') return connect(mongodbUrl, shared, options.database, undefined);
  const embedded = await openEmbeddedReadStore({ dir: options.dir, port: options.port });
  try {
    return await connect(embedded.url, local, options.database, embedded);
  } catch (error) {
    await embedded.close();
    throw error;
  }
}

async function connect(
  url: string,
  options: MongoClientOptions,
  database: string | undefined,
  embedded: EmbeddedReadStore | undefined,
): Promise<ConnectedReadStore> {
  const client = new MongoClient(url, options);
  const db = client.db(database ?? databaseIn(url) ?? defaultDatabase);
  const ping = async (): Promise<void> => {
    await db.command({ ping: 1 });
  };
  try {
    await client.connect();
    await ping();
  } catch (error) {
    await client.close();
    throw error;
  }
  return {
    db,
    url: withoutCredentials(url),
    ...(embedded?.rebuilt ? { rebuilt: embedded.rebuilt } : {}),
    ping,
    async close() {
      await client.close();
      await embedded?.close();
    },
  };
}

const urlParts = /^(mongodb(?:\+srv)?:\/\/)(?:[^@/]*@)?([^/?]*)(?:\/([^?]*))?/;

function databaseIn(url: string): string | undefined {
  const name = urlParts.exec(url)?.[3];
  return name === undefined || name === '' ? undefined : decodeURIComponent(name);
}

function withoutCredentials(url: string): string {
  const [, scheme = '', hosts = '', database] = urlParts.exec(url) ?? [];
  return `${scheme}${hosts}${database === undefined ? '' : `/${database}`}`;
}
