import { failure, MongoFailure } from '../errors.js';
import { toNumber } from '../bson/numbers.js';
import type { Doc } from '../bson/values.js';
import { field } from '../bson/values.js';
import { expressionFilter, parseLet } from '../aggregate/variables.js';
import { runQuery } from '../query/run.js';
import { runUpdate } from '../update/statement.js';
import { Fields } from './command.js';
import type { Command } from './command.js';

export const maxWriteBatchSize = 100_000;

/** Runs the statements of a write command; a failed one becomes a write error, and the end of an ordered batch. */
function runStatements<T>(
  fields: Fields,
  statements: readonly T[] | undefined,
  name: string,
  run: (statement: T, index: number) => void,
): Doc {
  if (statements === undefined) throw failure(40414, `BSON field '${name}' is missing but a required field`);
  if (statements.length === 0 || statements.length > maxWriteBatchSize) {
    throw failure(
      16,
      `Write batch sizes must be between 1 and ${maxWriteBatchSize}. Got ${statements.length} operations.`,
    );
  }
  const ordered = fields.value('ordered') === undefined || fields.bool('ordered');
  const writeErrors: Doc[] = [];
  for (const [index, statement] of statements.entries()) {
    try {
      run(statement, index);
    } catch (error) {
      if (!(error instanceof MongoFailure)) throw error;
      writeErrors.push({ index, code: error.code, ...error.extra, errmsg: error.message });
      if (ordered) break;
    }
  }
  return writeErrors.length > 0 ? { writeErrors } : {};
}

export const insert: Command = {
  fields: ['documents', 'ordered', 'bypassDocumentValidation'],
  writes: true,
  run({ store }, database, command) {
    const fields = new Fields('insert', command);
    const namespace = fields.namespace(database);
    const collection = store.findOrCreate(namespace);
    let n = 0;
    const errors = runStatements(fields, fields.docs('documents'), 'insert.documents', (document) => {
      collection.insert(document);
      n++;
    });
    return { n, ...errors };
  },
};

const updateFields = new Set(['q', 'u', 'c', 'multi', 'upsert', 'arrayFilters', 'hint', 'collation', 'sort']);

export const update: Command = {
  fields: ['updates', 'ordered', 'bypassDocumentValidation', 'let'],
  writes: true,
  run({ store }, database, command) {
    const fields = new Fields('update', command);
    const namespace = fields.namespace(database);
    const variables = parseLet(fields.doc('let'));
    let n = 0;
    let nModified = 0;
    const upserted: Doc[] = [];
    const errors = runStatements(fields, fields.docs('updates'), 'update.updates', (given, index) => {
      const statement = new Fields('update.updates', given);
      checkStatement(given, updateFields, 'update.updates');
      statement.refuse('collation', 'c');
      const result = runUpdate(store.find(namespace), () => store.findOrCreate(namespace), {
        filter: statement.filter('q'),
        update: given['u'],
        multi: statement.bool('multi'),
        upsert: statement.bool('upsert'),
        arrayFilters: statement.docs('arrayFilters') ?? [],
        hint: given['hint'],
        sort: statement.doc('sort'),
        variables,
      });
      n += result.upserted ? 1 : result.matched;
      nModified += result.modified;
      if (result.upserted) upserted.push({ index, _id: field(result.upserted.doc, '_id') });
    });
    return { n, nModified, ...(upserted.length > 0 ? { upserted } : {}), ...errors };
  },
};

function checkStatement(statement: Doc, known: ReadonlySet<string>, name: string): void {
  for (const key of Object.keys(statement)) {
    if (!known.has(key)) throw failure(40415, `BSON field '${name}.${key}' is an unknown field.`);
  }
}

const deleteFields = new Set(['q', 'limit', 'hint', 'collation']);

export const remove: Command = {
  fields: ['deletes', 'ordered', 'let'],
  writes: true,
  run({ store }, database, command) {
    const fields = new Fields('delete', command);
    const collection = store.find(fields.namespace(database));
    const expression = expressionFilter(parseLet(fields.doc('let')));
    let n = 0;
    const errors = runStatements(fields, fields.docs('deletes'), 'delete.deletes', (given) => {
      const statement = new Fields('delete.deletes', given);
      checkStatement(given, deleteFields, 'delete.deletes');
      statement.refuse('collation');
      const limit = toNumber(given['limit']);
      if (limit !== 0 && limit !== 1)
        throw failure(9, `The limit field in delete objects must be 0 or 1. Got ${limit}`);
      const { rows } = runQuery(collection, { filter: statement.filter('q'), hint: given['hint'], limit, expression });
      for (const row of rows) collection?.remove(row);
      n += rows.length;
    });
    return { n, ...errors };
  },
};
