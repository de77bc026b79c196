import type { Collection, Db, Document, MongoClient, ObjectId, UpdateFilter } from 'mongodb';

/** A document of any shape: the suite is about what a server does with them. */
export interface Row {
  _id?: number | string | ObjectId | number[] | RegExp;
  [field: string]: unknown;
}

/** An update whose fields are not known to the types. */
export const change = (update: Document): UpdateFilter<Row> => update;

/** What the parts of the suite work with; the collection is empty before each test. */
export interface Fixture {
  readonly db: Db;
  readonly client: MongoClient;
  readonly rows: Collection<Row>;
}
