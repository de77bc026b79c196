import type { Db } from 'mongodb';

/** A connected read store: a MongoDB database, whoever serves it. */
export interface ReadStore {
  readonly db: Db;
  /** Where analysts connect, without credentials. */
  readonly url: string;
  /** Resolves when the store answers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
