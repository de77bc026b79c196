import { ObjectId } from 'bson';
import { badValue, failure } from '../errors.js';
import { bsonTypeOf, encode, field, has, maxDocumentSize } from '../bson/values.js';
import type { Doc } from '../bson/values.js';
import { compileFilter } from '../query/filter.js';
import type { CompileExpression } from '../query/filter.js';
import { Index } from './index.js';
import type { IndexKey, Row } from './index.js';
import { idIndex, sameIndex } from './index-spec.js';
import type { IndexSpec } from './index-spec.js';
import type { Storage } from './storage.js';
import { equal } from '../bson/compare.js';

/** The documents of one collection and its indexes, in memory; every change goes to the storage as well. */
export class Collection {
  readonly rows = new Map<number, Row>();
  readonly indexes = new Map<string, Index>();
  private nextSeq = 1;
  /** Bytes of all documents, for the statistics commands. */
  bytes = 0;

  constructor(
    /** Names the collection in storage; never reused. */
    readonly id: number,
    public namespace: string,
    private readonly storage: Storage,
    private readonly expression: CompileExpression,
    specs: readonly IndexSpec[] = [],
  ) {
    for (const spec of [idIndex, ...specs]) this.indexes.set(spec.name, this.emptyIndex(spec));
  }

  private emptyIndex(spec: IndexSpec): Index {
    const partial = spec.partialFilterExpression;
    return new Index(spec, partial && compileFilter(partial, this.expression));
  }

  /** Takes in a document as it was stored. */
  load(seq: number, doc: Doc, bytes: number): void {
    const row = { seq, doc };
    for (const index of this.indexes.values()) index.add(index.keysOf(doc, seq), row);
    this.rows.set(seq, row);
    this.bytes += bytes;
    if (seq >= this.nextSeq) this.nextSeq = seq + 1;
  }

  /** @throws DuplicateKey, BadValue, BSONObjectTooLarge */
  insert(given: Doc): Row {
    const doc = withIdFirst(given);
    const row = { seq: this.nextSeq, doc };
    const keys = this.checkedKeys(doc, row.seq);
    const bytes = this.encoded(doc);
    this.nextSeq++;
    for (const [index, own] of keys) index.add(own, row);
    this.rows.set(row.seq, row);
    this.bytes += bytes.length;
    this.storage.put(this.id, row.seq, bytes);
    return row;
  }

  /** @throws DuplicateKey, ImmutableField, BSONObjectTooLarge */
  update(row: Row, given: Doc): void {
    if (!equal(field(row.doc, '_id'), field(given, '_id'))) {
      throw failure(66, "Performing an update on the path '_id' would modify the immutable field '_id'");
    }
    const doc = withIdFirst(given);
    const keys = this.checkedKeys(doc, row.seq);
    const bytes = this.encoded(doc);
    for (const [index, own] of keys) {
      const old = index.keysOf(row.doc, row.seq);
      if (sameKeys(index, old, own)) continue;
      index.remove(old);
      index.add(own, row);
    }
    row.doc = doc;
    this.storage.put(this.id, row.seq, bytes);
  }

  remove(row: Row): void {
    for (const index of this.indexes.values()) index.remove(index.keysOf(row.doc, row.seq));
    this.rows.delete(row.seq);
    this.storage.remove(this.id, row.seq);
  }

  /** Nothing is changed until every index agreed. */
  private checkedKeys(doc: Doc, seq: number): [Index, IndexKey[]][] {
    const keys: [Index, IndexKey[]][] = [];
    for (const index of this.indexes.values()) {
      const own = index.keysOf(doc, seq);
      index.checkUnique(own, seq, this.namespace);
      keys.push([index, own]);
    }
    return keys;
  }

  private encoded(doc: Doc): Uint8Array {
    const bytes = encode(doc);
    if (bytes.length > maxDocumentSize) {
      throw failure(10334, `BSONObj size: ${bytes.length} is invalid. Size must be between 0 and ${maxDocumentSize}`);
    }
    return bytes;
  }

  /** Returns whether the index is new. @throws IndexOptionsConflict, IndexKeySpecsConflict, DuplicateKey */
  createIndex(spec: IndexSpec): boolean {
    if (equal(spec.key, idIndex.key)) return false;
    const named = this.indexes.get(spec.name);
    if (named) {
      if (sameIndex(named.spec, spec)) return false;
      throw failure(86, `An existing index has the same name as the requested index: ${spec.name}`);
    }
    for (const { spec: other } of this.indexes.values()) {
      if (sameIndex(other, spec)) throw failure(85, `Index already exists with a different name: ${other.name}`);
      if (
        equal(other.key, spec.key) &&
        equal(other.partialFilterExpression ?? null, spec.partialFilterExpression ?? null)
      ) {
        throw failure(85, `An equivalent index already exists with different options: ${other.name}`);
      }
    }
    const index = this.emptyIndex(spec);
    for (const row of this.rows.values()) {
      const keys = index.keysOf(row.doc, row.seq);
      index.checkUnique(keys, row.seq, this.namespace);
      index.add(keys, row);
    }
    this.indexes.set(spec.name, index);
    return true;
  }
}

function sameKeys(index: Index, a: readonly IndexKey[], b: readonly IndexKey[]): boolean {
  return (
    a.length === b.length &&
    a.every((key, i) => {
      const other = b[i];
      return other !== undefined && index.compareKeys(key, other) === 0;
    })
  );
}

/** MongoDB keeps `_id` as the first field and makes one up where there is none. */
function withIdFirst(doc: Doc): Doc {
  if (!has(doc, '_id')) return { _id: new ObjectId(), ...doc };
  const id = doc['_id'];
  if (Array.isArray(id) || id === undefined || bsonTypeOf(id) === 'BSONRegExp') {
    throw badValue(
      `The '_id' value cannot be of type ${Array.isArray(id) ? 'array' : id === undefined ? 'undefined' : 'regex'}`,
    );
  }
  if (Object.keys(doc)[0] === '_id') return doc;
  return { _id: id, ...doc };
}
