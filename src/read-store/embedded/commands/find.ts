import { encode } from '../bson/values.js';
import { failure } from '../errors.js';
import { expressionFilter, parseLet } from '../aggregate/variables.js';
import { compileProjection } from '../query/projection.js';
import { runQuery } from '../query/run.js';
import type { Query } from '../query/run.js';
import { distinctValues } from '../query/distinct.js';
import { Long } from 'bson';
import { Fields } from './command.js';
import type { Command } from './command.js';
import type { Doc } from '../bson/values.js';

/** The query of a `find`, `count`, `distinct` or of a part of `explain`. */
export function queryOf(fields: Fields, filterField: string): Query {
  return {
    filter: fields.filter(filterField),
    sort: fields.doc('sort'),
    hint: fields.value('hint'),
    skip: fields.count('skip'),
    limit: fields.count('limit'),
    expression: expressionFilter(parseLet(fields.doc('let'))),
  };
}

export const find: Command = {
  fields: [
    'filter',
    'sort',
    'projection',
    'hint',
    'skip',
    'limit',
    'batchSize',
    'singleBatch',
    'let',
    'max',
    'min',
    'returnKey',
    'showRecordId',
    'tailable',
    'awaitData',
    'oplogReplay',
    'noCursorTimeout',
    'allowPartialResults',
    'allowDiskUse',
    'collation',
  ],
  run({ store, cursors }, database, command) {
    const fields = new Fields('find', command);
    fields.refuse('max', 'min', 'returnKey', 'showRecordId', 'collation');
    if (fields.bool('tailable') || fields.bool('awaitData'))
      throw failure(2, 'error processing query: tailable cursor requested on non capped collection');
    const namespace = fields.namespace(database);
    const query = queryOf(fields, 'filter');
    const project = compileProjection(fields.filter('projection'), parseLet(fields.doc('let')), query.expression);
    const { rows } = runQuery(store.find(namespace), query);
    // A row gets a new document when it is changed later: what was found is held here.
    const documents = rows.map((row) => row.doc);
    const single = fields.bool('singleBatch');
    return cursors.first(
      namespace,
      project ? mapped(documents, project) : documents,
      fields.count('batchSize'),
      single,
    );
  },
};

function* mapped(documents: readonly Doc[], project: (doc: Doc) => Doc): Generator<Doc> {
  for (const doc of documents) yield project(doc);
}

export const getMore: Command = {
  fields: ['collection', 'batchSize', 'term', 'lastKnownCommittedOpTime'],
  run({ cursors }, database, command) {
    const fields = new Fields('getMore', command);
    const id = fields.value('getMore');
    if (!(id instanceof Long))
      throw failure(14, "BSON field 'getMore.getMore' is the wrong type, expected type 'long'");
    const size = fields.count('batchSize');
    return cursors.more(
      id.toBigInt(),
      `${database}.${fields.string('collection') ?? ''}`,
      size === 0 ? undefined : size,
    );
  },
};

export const killCursors: Command = {
  fields: ['cursors'],
  run({ cursors }, _database, command) {
    const ids = command['cursors'];
    if (!Array.isArray(ids))
      throw failure(14, "BSON field 'killCursors.cursors' is the wrong type, expected type 'array'");
    const killed: unknown[] = [];
    const notFound: unknown[] = [];
    for (const id of ids as unknown[]) (id instanceof Long && cursors.kill(id.toBigInt()) ? killed : notFound).push(id);
    return { cursorsKilled: killed, cursorsNotFound: notFound, cursorsAlive: [], cursorsUnknown: [] };
  },
};

export const count: Command = {
  fields: ['query', 'skip', 'limit', 'hint', 'collation', 'fields'],
  run({ store }, database, command) {
    const fields = new Fields('count', command);
    fields.refuse('collation');
    const collection = store.find(fields.namespace(database));
    const query = queryOf(fields, 'query');
    const skip = query.skip ?? 0;
    if (Object.keys(query.filter).length === 0 && query.hint === undefined) {
      const all = Math.max(0, (collection?.rows.size ?? 0) - skip);
      return { n: query.limit ? Math.min(all, query.limit) : all };
    }
    return { n: runQuery(collection, query).rows.length };
  },
};

export const distinct: Command = {
  fields: ['key', 'query', 'collation', 'hint'],
  run({ store }, database, command) {
    const fields = new Fields('distinct', command);
    fields.refuse('collation');
    const key = fields.string('key');
    if (key === undefined) throw failure(40414, "BSON field 'distinct.key' is missing but a required field");
    const { rows } = runQuery(store.find(fields.namespace(database)), queryOf(fields, 'query'));
    const values = distinctValues(rows, key);
    const reply = { values, ok: 1 };
    const bytes = encode(reply);
    if (bytes.length > 16 * 1024 * 1024) throw failure(17217, 'distinct too big, 16mb cap');
    return bytes;
  },
};
