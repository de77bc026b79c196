import { badValue } from '../errors.js';
import { equal } from '../bson/compare.js';
import { toNumber } from '../bson/numbers.js';
import { isDoc } from '../bson/values.js';
import type { Doc } from '../bson/values.js';
import type { Collection } from '../store/collection.js';
import type { Index, Row } from '../store/index.js';
import { plan, planHinted } from '../store/planner.js';
import type { Plan } from '../store/planner.js';
import { compileFilter } from './filter.js';
import type { CompileExpression } from './filter.js';
import { parseSort, sortBy } from './sort.js';

export interface Query {
  readonly filter: Doc;
  readonly sort?: Doc | undefined;
  readonly hint?: unknown;
  readonly skip?: number | undefined;
  readonly limit?: number | undefined;
  readonly expression: CompileExpression;
}

/** What a query did, for `explain`. */
export interface Work {
  readonly rows: Row[];
  readonly plan: Plan | undefined;
  readonly examined: number;
  readonly sortedInMemory: boolean;
}

/** Runs a query to its end: the rows it finds, in order. @throws MongoFailure for what is not supported */
export function runQuery(collection: Collection | undefined, query: Query): Work {
  const predicate = compileFilter(query.filter, query.expression);
  const natural = naturalOrder(query);
  const sort = natural === undefined && query.sort && Object.keys(query.sort).length > 0 ? query.sort : undefined;
  if (sort) parseSort(sort);
  if (!collection) return { rows: [], plan: undefined, examined: 0, sortedInMemory: false };
  const chosen = natural === undefined ? choose(collection, query, sort) : undefined;
  const sortedInMemory = sort !== undefined && chosen?.sorted !== true;
  const skip = query.skip ?? 0;
  const end = query.limit === undefined || query.limit === 0 ? Number.POSITIVE_INFINITY : skip + query.limit;
  const found: Row[] = [];
  let examined = 0;
  for (const row of candidates(collection, chosen, natural)) {
    if (found.length >= end && !sortedInMemory) break;
    examined++;
    if (predicate(row.doc)) found.push(row);
  }
  const rows = sortedInMemory ? sortBy(found, (row) => row.doc, sort) : found;
  return {
    rows: skip === 0 && rows.length <= end ? rows : rows.slice(skip, end),
    plan: chosen,
    examined,
    sortedInMemory,
  };
}

/** `{ $natural: 1 | -1 }` as sort or hint asks for a plain scan, forwards or backwards. */
function naturalOrder(query: Query): 1 | -1 | undefined {
  for (const given of [query.sort, query.hint]) {
    if (isDoc(given) && Object.hasOwn(given, '$natural')) {
      if (given === query.sort && Object.keys(given).length > 1)
        throw badValue('$natural sort cannot be set to a value other than -1 or 1, nor be combined');
      if (given === query.hint && query.sort && !Object.hasOwn(query.sort, '$natural')) continue;
      return toNumber(given['$natural']) < 0 ? -1 : 1;
    }
  }
  return undefined;
}

function choose(collection: Collection, query: Query, sort: Doc | undefined): Plan | undefined {
  const { hint, filter } = query;
  if (hint === undefined || hint === null || (isDoc(hint) && Object.keys(hint).length === 0))
    return plan(collection.indexes.values(), filter, sort);
  if (isDoc(hint) && Object.hasOwn(hint, '$natural')) return undefined;
  const index = hinted(collection.indexes.values(), hint);
  if (!index)
    throw badValue(
      'error processing query: planner returned error :: caused by :: hint provided does not correspond to an existing index',
    );
  return planHinted(index, filter, sort);
}

function hinted(indexes: Iterable<Index>, hint: unknown): Index | undefined {
  for (const index of indexes) {
    if (typeof hint === 'string' ? index.spec.name === hint : equal(index.spec.key, hint)) return index;
  }
  return undefined;
}

function* candidates(collection: Collection, chosen: Plan | undefined, natural: 1 | -1 | undefined): Generator<Row> {
  if (!chosen) {
    yield* natural === -1 ? [...collection.rows.values()].toReversed() : collection.rows.values();
    return;
  }
  const { index, ranges, reverse } = chosen;
  if (!index.multikey) {
    for (const range of ranges) yield* index.scan(range.start, range.end, reverse);
    return;
  }
  // A document with an array has several keys and is met once for each.
  const seen = new Set<Row>();
  for (const range of ranges) {
    for (const row of index.scan(range.start, range.end, reverse)) {
      if (!seen.has(row)) {
        seen.add(row);
        yield row;
      }
    }
  }
}
