import { ObjectId } from 'bson';
import sortedTree from 'sorted-btree';
import { failure } from '../errors.js';
import { compare, rankOf } from '../bson/compare.js';
import { isNumeric, numericValue } from '../bson/numbers.js';
import { crossesArray, valuesAt } from '../bson/paths.js';
import type { Doc } from '../bson/values.js';
import type { Predicate } from '../query/filter.js';
import type { IndexSpec } from './index-spec.js';

// A CommonJS module whose class is the `default` property of its exports.
const BTree = sortedTree.default;

/** A stored document; `seq` is its place in natural (insertion) order. */
export interface Row {
  readonly seq: number;
  doc: Doc;
}

/** Just before or after every value of a type rank. */
export class TypeEdge {
  constructor(
    readonly rank: number,
    readonly side: -1 | 1,
  ) {}
}

/** Values in index order; a bound may have fewer, then its `seq` says whether it comes before or after all it begins. */
export interface IndexKey {
  readonly values: readonly unknown[];
  readonly seq: number;
}

export const before = (values: readonly unknown[]): IndexKey => ({ values, seq: -1 });
export const after = (values: readonly unknown[]): IndexKey => ({ values, seq: Number.POSITIVE_INFINITY });

function compareValues(a: unknown, b: unknown): number {
  if (a instanceof TypeEdge) return a.rank - rankOf(b) || a.side;
  if (b instanceof TypeEdge) return rankOf(a) - b.rank || -b.side;
  return compare(a, b);
}

/** An ordered index: a B+ tree from the BSON values of its paths to rows; several keys per row where arrays are met. */
export class Index {
  readonly paths: readonly string[];
  readonly directions: readonly number[];
  /** Some document has (or had) an array on a path: keys stand for elements, so the index cannot give an order. */
  multikey = false;
  private readonly parts: readonly (readonly string[])[];
  private readonly tree: sortedTree.default<IndexKey, Row>;

  constructor(
    readonly spec: IndexSpec,
    private readonly covers: Predicate | undefined,
  ) {
    this.paths = Object.keys(spec.key);
    this.directions = this.paths.map((path) => Number(spec.key[path]));
    this.parts = this.paths.map((path) => path.split('.'));
    this.tree = new BTree<IndexKey, Row>(undefined, (a, b) => this.compareKeys(a, b));
  }

  get size(): number {
    return this.tree.size;
  }

  compareKeys(a: IndexKey, b: IndexKey): number {
    const length = Math.min(a.values.length, b.values.length);
    for (let i = 0; i < length; i++) {
      const order = compareValues(a.values[i], b.values[i]);
      if (order !== 0) return order * (this.directions[i] ?? 1);
    }
    return a.seq - b.seq;
  }

  /** The keys a document has in this index. @throws CannotIndexParallelArrays */
  keysOf(doc: Doc, seq: number): IndexKey[] {
    if (this.covers && !this.covers(doc)) return [];
    let arrays = 0;
    const columns = this.parts.map((path) => {
      const crosses = crossesArray(doc, path);
      if (crosses) arrays++;
      return this.column(valuesAt(doc, path), crosses);
    });
    if (arrays === 0)
      return this.sparseKey(
        columns.map(([value]) => value),
        seq,
      );
    if (arrays > 1) this.refuseParallelArrays(doc);
    if (!this.multikey) this.multikey = true;
    let rows: unknown[][] = [[]];
    for (const column of columns) rows = rows.flatMap((row) => column.map((value) => [...row, value]));
    return this.distinct(rows.flatMap((values) => this.sparseKey(values, seq)));
  }

  private sparseKey(values: readonly unknown[], seq: number): IndexKey[] {
    if (this.spec.sparse && values.every((value) => value === undefined)) return [];
    return [{ values: values.map((value) => value ?? null), seq }];
  }

  private column(values: readonly unknown[], crosses: boolean): readonly unknown[] {
    if (!crosses) return values;
    const elements = values.flatMap((value) =>
      Array.isArray(value) && value.length > 0 ? (value as unknown[]) : [value],
    );
    return elements.length === 0 ? [undefined] : elements;
  }

  /** Fields of one array of documents are indexed together unless that has to be unique; two arrays never are. */
  private refuseParallelArrays(doc: Doc): void {
    const roots = new Set(this.parts.filter((path) => crossesArray(doc, path)).map(([root]) => root));
    if (roots.size > 1 || this.spec.unique) {
      throw failure(
        171,
        `cannot index parallel arrays [${[...roots]
          .toReversed()
          .map((root) => `[${root}]`)
          .join(' ')}]`,
      );
    }
  }

  private distinct(keys: IndexKey[]): IndexKey[] {
    keys.sort((a, b) => this.compareKeys(a, b));
    return keys.filter((key, i) => {
      const previous = keys[i - 1];
      return previous === undefined || this.compareKeys(previous, key) !== 0;
    });
  }

  /** @throws DuplicateKey when another row has one of these keys in a unique index */
  checkUnique(keys: readonly IndexKey[], seq: number, namespace: string): void {
    if (!this.spec.unique) return;
    for (const key of keys) {
      for (const [found] of this.tree.entries(before(key.values))) {
        if (this.compareKeys(after(key.values), found) < 0) break;
        if (found.seq !== seq) throw this.duplicate(key, namespace);
      }
    }
  }

  private duplicate(key: IndexKey, namespace: string): Error {
    const keyValue = Object.fromEntries(this.paths.map((path, i) => [path, key.values[i]]));
    const shown = this.paths.map((path, i) => `${path}: ${show(key.values[i])}`).join(', ');
    return failure(
      11000,
      `E11000 duplicate key error collection: ${namespace} index: ${this.spec.name} dup key: { ${shown} }`,
      {
        keyPattern: this.spec.key,
        keyValue,
      },
    );
  }

  add(keys: readonly IndexKey[], row: Row): void {
    for (const key of keys) this.tree.set(key, row);
  }

  remove(keys: readonly IndexKey[]): void {
    for (const key of keys) this.tree.delete(key);
  }

  /** Rows with keys from `start` to `end` in index order, or from the end backwards. */
  *scan(start: IndexKey, end: IndexKey, reverse: boolean): Generator<Row> {
    if (reverse) {
      for (const [key, row] of this.tree.entriesReversed(end)) {
        if (this.compareKeys(key, start) < 0) return;
        yield row;
      }
    } else {
      for (const [key, row] of this.tree.entries(start)) {
        if (this.compareKeys(key, end) > 0) return;
        yield row;
      }
    }
  }
}

/** As MongoDB shows a value in its message. */
function show(value: unknown): string {
  if (isNumeric(value)) return String(numericValue(value));
  if (value instanceof ObjectId) return `ObjectId('${value.toHexString()}')`;
  return JSON.stringify(value) ?? 'undefined';
}
