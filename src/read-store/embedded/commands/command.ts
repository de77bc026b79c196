import { failure, typeMismatch } from '../errors.js';
import { isNumeric, toNumber } from '../bson/numbers.js';
import { isDoc } from '../bson/values.js';
import type { Doc } from '../bson/values.js';
import type { Cursors } from '../cursors.js';
import type { Store } from '../store/store.js';

/** What commands work on. */
export interface Context {
  readonly store: Store;
  readonly cursors: Cursors;
  readonly startedAt: Date;
  readonly connectionId: number;
  /** `host:port` of the client. */
  readonly client: string;
  /** `host:port` of this server. */
  readonly server: string;
  openConnections(): number;
}

export interface Command {
  /** The fields a command may have besides those every command may have; others are refused. */
  readonly fields: readonly string[];
  /** The reply waits until all changes made so far are on disk. */
  readonly writes?: boolean;
  /** Returns the reply without `ok`, or a whole reply as BSON. @throws MongoFailure */
  run(context: Context, database: string, command: Doc): Doc | Uint8Array;
}

/** Fields that change nothing here: a single local server reads its own latest writes and has no sessions to keep. */
const common = new Set([
  '$db',
  'lsid',
  '$clusterTime',
  '$readPreference',
  'comment',
  'maxTimeMS',
  'readConcern',
  'writeConcern',
  'apiVersion',
  'apiStrict',
  'apiDeprecationErrors',
  '$audit',
  '$client',
  'txnNumber',
  'autocommit',
  'startTransaction',
  'stmtId',
  'stmtIds',
]);

/** @throws MongoFailure for unknown fields, transactions and concerns that a single server cannot meet */
export function checkFields(name: string, definition: Command, command: Doc): void {
  if (
    Object.hasOwn(command, 'txnNumber') ||
    Object.hasOwn(command, 'startTransaction') ||
    Object.hasOwn(command, 'autocommit')
  ) {
    throw failure(20, 'Transaction numbers are only allowed on a replica set member or mongos');
  }
  for (const field of Object.keys(command)) {
    if (field !== name && !common.has(field) && !definition.fields.includes(field)) {
      throw failure(40415, `BSON field '${name}.${field}' is an unknown field.`);
    }
  }
  checkReadConcern(command['readConcern']);
  checkWriteConcern(command['writeConcern']);
}

function checkReadConcern(concern: unknown): void {
  if (concern === undefined) return;
  if (!isDoc(concern)) throw typeMismatch('readConcern must be an object');
  const level = concern['level'] ?? 'local';
  if (level === 'linearizable' || level === 'snapshot')
    throw failure(123, `node needs to be a replica set member to use read concern ${level}`);
  if (!['local', 'available', 'majority'].includes(String(level)))
    throw failure(9, `readConcern.level '${String(level)}' is not known`);
}

function checkWriteConcern(concern: unknown): void {
  if (concern === undefined) return;
  if (!isDoc(concern)) throw typeMismatch('writeConcern must be an object');
  const w = concern['w'] ?? 1;
  if (w === 'majority' || (isNumeric(w) && toNumber(w) <= 1)) return;
  throw isNumeric(w)
    ? failure(2, "cannot use 'w' > 1 when a host is not replicated")
    : failure(2, `cannot use non-majority 'w' mode ${String(w)} when a host is not replicated`);
}

/** Reads a command's fields, refusing wrong types. */
export class Fields {
  constructor(
    private readonly name: string,
    private readonly command: Doc,
  ) {}

  value(field: string): unknown {
    return Object.hasOwn(this.command, field) ? this.command[field] : undefined;
  }

  string(field: string): string | undefined {
    const value = this.value(field);
    if (value === undefined || typeof value === 'string') return value;
    throw this.wrongType(field, 'string');
  }

  doc(field: string): Doc | undefined {
    const value = this.value(field);
    if (value === undefined || value === null) return undefined;
    if (isDoc(value)) return value;
    throw this.wrongType(field, 'object');
  }

  /** A document that may be left out, then it is empty. */
  filter(field: string): Doc {
    return this.doc(field) ?? {};
  }

  docs(field: string): Doc[] | undefined {
    const value = this.value(field);
    if (value === undefined || value === null) return undefined;
    if (!Array.isArray(value)) throw this.wrongType(field, 'array');
    return value.map((item: unknown) => {
      if (!isDoc(item)) throw this.wrongType(field, 'array of objects');
      return item;
    });
  }

  bool(field: string): boolean {
    const value = this.value(field);
    if (value === undefined || value === null) return false;
    if (typeof value === 'boolean') return value;
    if (isNumeric(value)) return toNumber(value) !== 0;
    throw this.wrongType(field, 'bool');
  }

  /** A whole number from 0 on. */
  count(field: string): number | undefined {
    const value = this.value(field);
    if (value === undefined || value === null) return undefined;
    if (!isNumeric(value)) throw this.wrongType(field, 'number');
    const number = Math.trunc(toNumber(value));
    if (!(number >= 0)) throw failure(51024, `BSON field '${field}' value must be >= 0, actual value '${number}'`);
    return number;
  }

  /** The first field of a command names its collection. @throws InvalidNamespace */
  namespace(database: string): string {
    const collection = this.value(this.name);
    if (typeof collection !== 'string') throw failure(73, `collection name has invalid type for ${this.name}`);
    if (collection === '') throw failure(73, `Invalid namespace specified '${database}.'`);
    return `${database}.${collection}`;
  }

  /** Refuses options that would change the result, were they not ignored. @throws MongoFailure */
  refuse(...fields: readonly string[]): void {
    for (const field of fields) {
      const value = this.value(field);
      if (value === undefined || value === null || value === false || (isDoc(value) && Object.keys(value).length === 0))
        continue;
      if (field === 'collation' && isDoc(value) && value['locale'] === 'simple') continue;
      throw failure(115, `The option '${field}' of ${this.name} is not supported by the embedded read store`);
    }
  }

  private wrongType(field: string, wanted: string): Error {
    return typeMismatch(`BSON field '${this.name}.${field}' is the wrong type, expected type '${wanted}'`);
  }
}
