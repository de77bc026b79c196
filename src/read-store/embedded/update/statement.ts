import { badValue, failedToParse, failure } from '../errors.js';
import { identical } from '../bson/compare.js';
import { clone, field, has, isDoc } from '../bson/values.js';
import type { Doc } from '../bson/values.js';
import { updatePipeline } from '../aggregate/pipeline.js';
import { compileElement, compileFilter, isOperators } from '../query/filter.js';
import type { CompileExpression } from '../query/filter.js';
import { runQuery } from '../query/run.js';
import type { Variables } from '../aggregate/scope.js';
import { expressionFilter } from '../aggregate/variables.js';
import type { Collection } from '../store/collection.js';
import type { Row } from '../store/index.js';
import { usesOperators } from './operators.js';
import { getAt } from './paths.js';
import type { Positions } from './paths.js';
import { compileUpdate, seedFromFilter } from './update.js';
import type { Update } from './update.js';

export interface UpdateStatement {
  readonly filter: Doc;
  /** Operators, a replacement or a pipeline. */
  readonly update: unknown;
  readonly multi: boolean;
  readonly upsert: boolean;
  readonly arrayFilters: readonly Doc[];
  readonly hint: unknown;
  readonly sort?: Doc | undefined;
  readonly variables: Variables;
}

export interface UpdateResult {
  readonly matched: number;
  readonly modified: number;
  readonly upserted: Row | undefined;
  /** Of the first matched row. */
  readonly before: Doc | undefined;
  readonly row: Row | undefined;
}

/** Runs one update. `create` gives the collection for an upsert. @throws MongoFailure */
export function runUpdate(
  collection: Collection | undefined,
  create: () => Collection,
  statement: UpdateStatement,
): UpdateResult {
  const expression = expressionFilter(statement.variables);
  const update = compile(statement, expression);
  const filters = compileArrayFilters(statement.arrayFilters, expression);
  refuseUnusedFilters(statement, filters);
  const limit = statement.multi ? undefined : 1;
  const { filter, hint, sort } = statement;
  const { rows } = runQuery(collection, { filter, hint, sort, limit, expression });
  const positionsOf = (doc: Doc): Positions => ({
    matched: (path) => matchedPosition(doc, path, filter, expression),
    filter: (name) => {
      const test = filters.get(name);
      if (!test) throw badValue(`No array filter found for identifier '${name}' in path`);
      return test;
    },
  });
  const [first] = rows;
  if (first === undefined || !collection) {
    if (!statement.upsert) return { matched: 0, modified: 0, upserted: undefined, before: undefined, row: undefined };
    const upserted = create().insert(seeded(statement, update, positionsOf));
    return { matched: 0, modified: 0, upserted, before: undefined, row: upserted };
  }
  const before = first.doc;
  let modified = 0;
  for (const row of rows) {
    const updated = update(row.doc, { inserting: false, positions: positionsOf(row.doc) });
    if (updated === row.doc) continue;
    collection.update(row, updated);
    modified++;
  }
  return { matched: rows.length, modified, upserted: undefined, before, row: first };
}

function compile({ update, multi, arrayFilters, variables }: UpdateStatement, expression: CompileExpression): Update {
  if (Array.isArray(update)) {
    if (arrayFilters.length > 0) throw failedToParse('arrayFilters may not be specified for pipeline-style updates');
    const run = updatePipeline(update, variables);
    return (doc) => {
      const result = run(doc);
      const kept = has(result, '_id') || !has(doc, '_id') ? result : { _id: field(doc, '_id'), ...result };
      return identical(doc, kept) ? doc : kept;
    };
  }
  if (!isDoc(update)) throw failedToParse('Update argument must be either an object or an array');
  if (multi && !usesOperators(update))
    throw failedToParse('multi update is not supported for replacement-style update');
  return compileUpdate(update, expression);
}

function seeded({ filter, update }: UpdateStatement, apply: Update, positionsOf: (doc: Doc) => Positions): Doc {
  const replaces = isDoc(update) && !usesOperators(update);
  const seed = seedFromFilter(filter);
  const base: Doc = !replaces ? seed : has(seed, '_id') ? { _id: seed['_id'] } : {};
  const made = clone(apply(base, { inserting: true, positions: positionsOf(base) }));
  if (has(seed, '_id') && !identical(seed['_id'], field(made, '_id'))) {
    throw failure(66, "Performing an update on the path '_id' would modify the immutable field '_id'");
  }
  return made;
}

/** Array filters by the identifier their fields begin with. */
function compileArrayFilters(
  given: readonly Doc[],
  expression: CompileExpression,
): Map<string, (element: unknown) => boolean> {
  const filters = new Map<string, (element: unknown) => boolean>();
  for (const filter of given) {
    const identifiers = new Set(identifiersOf(filter));
    const [name] = identifiers;
    if (name === undefined || identifiers.size !== 1)
      throw failedToParse('Error parsing array filter: expected exactly one top-level field name');
    if (!/^[a-z][a-zA-Z0-9]*$/.test(name))
      throw badValue(
        `Error parsing array filter: '${name}' must begin with a lowercase letter and have only letters and digits`,
      );
    if (filters.has(name))
      throw failedToParse(`Found multiple array filters with the same top-level field name ${name}`);
    // The element becomes the field the filter is about.
    const predicate = compileFilter(filter, expression);
    filters.set(name, (element) => predicate({ [name]: element }));
  }
  return filters;
}

function* identifiersOf(filter: Doc): Generator<string> {
  for (const [key, value] of Object.entries(filter)) {
    if (!key.startsWith('$')) yield key.split('.')[0] ?? '';
    else if (Array.isArray(value)) for (const part of value as unknown[]) if (isDoc(part)) yield* identifiersOf(part);
  }
}

function refuseUnusedFilters({ update }: UpdateStatement, filters: ReadonlyMap<string, unknown>): void {
  if (filters.size === 0 || !isDoc(update)) return;
  const paths = Object.values(update).flatMap((fields) => (isDoc(fields) ? Object.keys(fields) : []));
  for (const name of filters.keys()) {
    if (!paths.some((path) => path.split('.').includes(`$[${name}]`))) {
      throw failedToParse(`The array filter for identifier '${name}' was not used in the update`);
    }
  }
}

/** The first element of the array for which the part of the filter about this array holds. */
function matchedPosition(doc: Doc, path: readonly string[], filter: Doc, expression: CompileExpression): number {
  const array = getAt(doc, path);
  const name = path.join('.');
  if (Array.isArray(array)) {
    for (const [key, condition] of conditions(filter)) {
      const test = elementTest(key, condition, name, expression);
      const found = test ? array.findIndex(test) : -1;
      if (found >= 0) return found;
    }
  }
  throw badValue('The positional operator did not find the match needed from the query.');
}

function* conditions(filter: Doc): Generator<[string, unknown]> {
  for (const [key, value] of Object.entries(filter)) {
    if (key === '$and' && Array.isArray(value)) {
      for (const part of value as unknown[]) if (isDoc(part)) yield* conditions(part);
    } else {
      yield [key, value];
    }
  }
}

function elementTest(
  key: string,
  condition: unknown,
  array: string,
  expression: CompileExpression,
): ((element: unknown) => boolean) | undefined {
  if (key === array) {
    if (isOperators(condition) && Object.hasOwn(condition, '$elemMatch'))
      return compileElement(condition['$elemMatch'], expression);
    const predicate = compileFilter({ element: condition }, expression);
    return (element) => predicate({ element });
  }
  if (!key.startsWith(`${array}.`)) return undefined;
  const predicate = compileFilter({ [key.slice(array.length + 1)]: condition }, expression);
  return (element) => isDoc(element) && predicate(element);
}
