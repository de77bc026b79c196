import { badValue, failure } from '../errors.js';
import { equal } from '../bson/compare.js';
import { isDoc } from '../bson/values.js';
import type { Doc } from '../bson/values.js';
import { compileFilter } from '../query/filter.js';
import { expressionFilter, parseLet } from '../aggregate/variables.js';
import type { Collection } from '../store/collection.js';
import { describeIndex, idIndex, parseIndexSpec } from '../store/index-spec.js';
import { Fields } from './command.js';
import type { Command } from './command.js';

export const createIndexes: Command = {
  fields: ['indexes', 'commitQuorum'],
  writes: true,
  run({ store }, database, command) {
    const fields = new Fields('createIndexes', command);
    const namespace = fields.namespace(database);
    const specs = (fields.docs('indexes') ?? []).map(parseIndexSpec);
    if (specs.length === 0) throw badValue('Must specify at least one index to create');
    for (const { partialFilterExpression } of specs) {
      if (partialFilterExpression) compileFilter(partialFilterExpression, expressionFilter(parseLet(undefined)));
    }
    const createdCollectionAutomatically = store.find(namespace) === undefined;
    const collection = store.findOrCreate(namespace);
    const numIndexesBefore = collection.indexes.size;
    try {
      for (const spec of specs) collection.createIndex(spec);
    } finally {
      if (collection.indexes.size !== numIndexesBefore) store.saveCatalog();
    }
    const numIndexesAfter = collection.indexes.size;
    return {
      numIndexesBefore,
      numIndexesAfter,
      createdCollectionAutomatically,
      ...(numIndexesAfter === numIndexesBefore ? { note: 'all indexes already exist' } : {}),
    };
  },
};

export const listIndexes: Command = {
  fields: ['cursor'],
  run({ store, cursors }, database, command) {
    const namespace = new Fields('listIndexes', command).namespace(database);
    const collection = store.existing(namespace);
    const indexes = [...collection.indexes.values()].map(({ spec }) => describeIndex(spec));
    return cursors.first(namespace, indexes, Number.POSITIVE_INFINITY, true);
  },
};

export const dropIndexes: Command = {
  fields: ['index'],
  writes: true,
  run({ store }, database, command) {
    const fields = new Fields(Object.hasOwn(command, 'dropIndexes') ? 'dropIndexes' : 'deleteIndexes', command);
    const collection = store.existing(fields.namespace(database));
    const nIndexesWas = collection.indexes.size;
    const wanted = fields.value('index');
    const names =
      wanted === '*'
        ? [...collection.indexes.keys()].filter((name) => name !== idIndex.name)
        : indexNames(collection, wanted);
    for (const name of names) collection.indexes.delete(name);
    store.saveCatalog();
    return { nIndexesWas };
  },
};

function indexNames(collection: Collection, wanted: unknown): string[] {
  if (Array.isArray(wanted)) return wanted.flatMap((item: unknown) => indexNames(collection, item));
  const found = [...collection.indexes.values()].find(({ spec }) =>
    typeof wanted === 'string' ? spec.name === wanted : equal(spec.key, wanted),
  );
  if (!found) throw failure(27, `index not found with name [${String(wanted)}]`);
  if (found.spec.name === idIndex.name) throw failure(72, 'cannot drop _id index');
  return [found.spec.name];
}

export const create: Command = {
  fields: [
    'capped',
    'timeseries',
    'expireAfterSeconds',
    'clusteredIndex',
    'changeStreamPreAndPostImages',
    'autoIndexId',
    'size',
    'max',
    'storageEngine',
    'validator',
    'validationLevel',
    'validationAction',
    'indexOptionDefaults',
    'viewOn',
    'pipeline',
    'collation',
    'encryptedFields',
    'temp',
    'flags',
    'idIndex',
  ],
  writes: true,
  run({ store }, database, command) {
    const fields = new Fields('create', command);
    fields.refuse(
      'capped',
      'timeseries',
      'expireAfterSeconds',
      'clusteredIndex',
      'changeStreamPreAndPostImages',
      'validator',
      'viewOn',
      'pipeline',
      'collation',
      'encryptedFields',
    );
    const namespace = fields.namespace(database);
    if (store.find(namespace)) throw failure(48, `Collection ${namespace} already exists.`);
    store.findOrCreate(namespace);
    return {};
  },
};

export const drop: Command = {
  fields: [],
  writes: true,
  run({ store, cursors }, database, command) {
    const namespace = new Fields('drop', command).namespace(database);
    const nIndexesWas = store.find(namespace)?.indexes.size;
    cursors.killIn(namespace);
    // Since MongoDB 7.0 it is no error to drop what is not there.
    return store.drop(namespace) ? { nIndexesWas, ns: namespace } : {};
  },
};

export const dropDatabase: Command = {
  fields: [],
  writes: true,
  run({ store, cursors }, database) {
    const collections = store.inDatabase(database);
    for (const { collection } of collections) {
      cursors.killIn(collection.namespace);
      store.drop(collection.namespace);
    }
    return collections.length > 0 ? { dropped: database } : {};
  },
};

export const renameCollection: Command = {
  fields: ['to', 'dropTarget'],
  writes: true,
  run({ store, cursors }, database, command) {
    if (database !== 'admin') throw failure(13, 'renameCollection may only be run against the admin database.');
    const fields = new Fields('renameCollection', command);
    const [from, to] = [fields.string('renameCollection') ?? '', fields.string('to') ?? ''];
    store.rename(from, to, fields.bool('dropTarget'));
    cursors.killIn(from);
    cursors.killIn(to);
    return {};
  },
};

export const listCollections: Command = {
  fields: ['filter', 'nameOnly', 'authorizedCollections', 'cursor'],
  run({ store, cursors }, database, command) {
    const fields = new Fields('listCollections', command);
    const predicate = compileFilter(fields.filter('filter'), expressionFilter(parseLet(undefined)));
    const collections = store
      .inDatabase(database)
      .map(({ name }) =>
        fields.bool('nameOnly')
          ? { name, type: 'collection' }
          : { name, type: 'collection', options: {}, info: { readOnly: false }, idIndex: describeIndex(idIndex) },
      );
    const cursor = fields.doc('cursor');
    const size = cursor && new Fields('listCollections.cursor', cursor).count('batchSize');
    return cursors.first(
      `${database}.$cmd.listCollections`,
      collections.filter(predicate),
      size ?? Number.POSITIVE_INFINITY,
      false,
    );
  },
};

export const listDatabases: Command = {
  fields: ['filter', 'nameOnly', 'authorizedDatabases'],
  run({ store }, database, command) {
    if (database !== 'admin') throw failure(13, 'listDatabases may only be run against the admin database.');
    const fields = new Fields('listDatabases', command);
    const predicate = compileFilter(fields.filter('filter'), expressionFilter(parseLet(undefined)));
    const sizeOnDisk = (name: string): number =>
      store.inDatabase(name).reduce((sum, { collection }) => sum + collection.bytes, 0);
    const all: Doc[] = store.databases().map((name) => ({ name, sizeOnDisk: sizeOnDisk(name), empty: false }));
    const databases = all.filter(predicate).map((entry) => (fields.bool('nameOnly') ? { name: entry['name'] } : entry));
    const totalSize = databases.reduce(
      (sum, entry) => sum + Number(isDoc(entry) && 'sizeOnDisk' in entry ? entry['sizeOnDisk'] : 0),
      0,
    );
    return fields.bool('nameOnly')
      ? { databases }
      : { databases, totalSize, totalSizeMb: Math.floor(totalSize / 1048576) };
  },
};
