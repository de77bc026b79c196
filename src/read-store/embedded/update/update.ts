import { badValue, failedToParse, failure } from '../errors.js';
import { identical } from '../bson/compare.js';
import { isArrayIndex } from '../bson/paths.js';
import { bsonTypeOf, clone, field, has, isDoc, setField } from '../bson/values.js';
import type { Doc } from '../bson/values.js';
import type { CompileExpression } from '../query/filter.js';
import { arrayOperators } from './array-operators.js';
import { scalarOperators, usesOperators } from './operators.js';
import type { Change } from './operators.js';
import { expandPath, getAt, setAt, unsetAt } from './paths.js';
import type { Positions } from './paths.js';

/** Gives the document an update leads to; the very same object when nothing changes. */
export type Update = (doc: Doc, how: { readonly inserting: boolean; readonly positions: Positions }) => Doc;

interface Action {
  readonly path: readonly string[];
  readonly onlyOnInsert: boolean;
  apply(doc: Doc, path: readonly string[]): boolean;
}

/** Compiles an update by operators or a replacement. @throws MongoFailure for what is not supported */
export function compileUpdate(update: Doc, expression: CompileExpression): Update {
  if (!usesOperators(update)) return replacement(update);
  const actions: Action[] = [];
  for (const [operator, fields] of Object.entries(update)) {
    if (!isDoc(fields))
      throw failedToParse(
        `Modifiers operate on fields but we found type ${typeof fields} instead. For example: {$mod: {<field>: ...}} not {${operator}: …}`,
      );
    for (const [path, operand] of Object.entries(fields))
      actions.push(...compileActions(operator, path, operand, expression));
  }
  refuseConflicts(actions);
  // New fields are added in the order of their names, whatever their order in the update.
  const ordered = actions.toSorted((a, b) => comparePaths(a.path, b.path));
  return (doc, { inserting, positions }) => {
    const copy = clone(doc);
    let changed = false;
    for (const action of ordered) {
      if (action.onlyOnInsert && !inserting) continue;
      for (const path of expandPath(copy, action.path, positions)) if (action.apply(copy, path)) changed = true;
    }
    return changed ? copy : doc;
  };
}

function replacement(update: Doc): Update {
  return (doc) => {
    const replaced: Doc = has(update, '_id') || !has(doc, '_id') ? update : { _id: field(doc, '_id'), ...update };
    return identical(doc, replaced) ? doc : replaced;
  };
}

function parsePath(path: string): string[] {
  const parts = path.split('.');
  if (parts.some((part) => part === ''))
    throw failure(56, `The update path '${path}' contains an empty field name, which is not allowed.`);
  if (parts[0]?.startsWith('$') === true)
    throw failure(52, `The dollar ($) prefixed field '${parts[0]}' in '${path}' is not valid for storage.`);
  const odd = parts.find(
    (part) => part.startsWith('$') && part !== '$' && !(part.startsWith('$[') && part.endsWith(']')),
  );
  if (odd !== undefined)
    throw failure(52, `The dollar ($) prefixed field '${odd}' in '${path}' is not valid for storage.`);
  if (parts.filter((part) => part === '$').length > 1)
    throw badValue(`Too many positional (i.e. '$') elements found in path '${path}'`);
  return parts;
}

function compileActions(operator: string, name: string, operand: unknown, expression: CompileExpression): Action[] {
  const path = parsePath(name);
  if (operator === '$unset') return [unset(path)];
  if (operator === '$rename') return rename(path, name, operand);
  const own = Object.hasOwn(scalarOperators, operator) ? scalarOperators[operator]?.(operand, name) : undefined;
  const change =
    own ?? (Object.hasOwn(arrayOperators, operator) ? arrayOperators[operator]?.(operand, expression) : undefined);
  if (!change)
    throw failedToParse(
      `Unknown modifier: ${operator}. Expected a valid update modifier or pipeline-style update specified as an array`,
    );
  return [setting(path, name, operator === '$setOnInsert', change)];
}

function setting(path: readonly string[], name: string, onlyOnInsert: boolean, change: Change): Action {
  return {
    path,
    onlyOnInsert,
    apply(doc, at) {
      const old = getAt(doc, at);
      const value = change(old, name);
      if (value === undefined || (old !== undefined && identical(old, value))) return false;
      setAt(doc, at, clone(value));
      return true;
    },
  };
}

function unset(path: readonly string[]): Action {
  return {
    path,
    onlyOnInsert: false,
    apply(doc, at) {
      if (getAt(doc, at) === undefined) return false;
      unsetAt(doc, at);
      return true;
    },
  };
}

function rename(path: readonly string[], name: string, operand: unknown): Action[] {
  if (typeof operand !== 'string') throw badValue(`The 'to' field for $rename must be a string: ${name}`);
  const to = parsePath(operand);
  if ([...path, ...to].some((part) => part.startsWith('$')))
    throw badValue(`The source and destination fields for $rename may not be dynamic: ${name}`);
  return [
    {
      path,
      onlyOnInsert: false,
      apply(doc, at) {
        const value = getAt(doc, at);
        if (value === undefined) return false;
        for (const ends of [at, to]) refuseArrays(doc, ends);
        unsetAt(doc, at);
        setAt(doc, to, value);
        return true;
      },
    },
    { path: to, onlyOnInsert: false, apply: () => false },
  ];
}

function refuseArrays(doc: Doc, path: readonly string[]): void {
  for (let i = 1; i < path.length; i++) {
    if (Array.isArray(getAt(doc, path.slice(0, i))))
      throw badValue(`The source and destination fields of $rename cannot be an array element, at '${path.join('.')}'`);
  }
}

function refuseConflicts(actions: readonly Action[]): void {
  const paths = actions.map(({ path }) => path.join('.'));
  const all = new Set<string>();
  for (const path of paths) {
    if (all.has(path)) throw failure(40, `Updating the path '${path}' would create a conflict at '${path}'`);
    all.add(path);
  }
  for (const { path } of actions) {
    for (let i = 1; i < path.length; i++) {
      const prefix = path.slice(0, i).join('.');
      if (all.has(prefix))
        throw failure(40, `Updating the path '${path.join('.')}' would create a conflict at '${prefix}'`);
    }
  }
}

function comparePaths(a: readonly string[], b: readonly string[]): number {
  for (const [i, part] of a.entries()) {
    const other = b[i];
    if (other === undefined) return 1;
    if (part === other) continue;
    if (isArrayIndex(part) && isArrayIndex(other)) return Number(part) - Number(other);
    return part < other ? -1 : 1;
  }
  return a.length - b.length;
}

/** The document an upsert begins with: what the filter says each field equals. */
export function seedFromFilter(filter: Doc): Doc {
  const seed: Doc = {};
  collectEqualities(filter, seed);
  return seed;
}

function collectEqualities(filter: Doc, seed: Doc): void {
  for (const [key, condition] of Object.entries(filter)) {
    if (key === '$and' && Array.isArray(condition)) {
      for (const part of condition as unknown[]) if (isDoc(part)) collectEqualities(part, seed);
    } else if (!key.startsWith('$')) {
      const value = equalityOf(condition);
      if (value === undefined) continue;
      if (getAt(seed, key.split('.')) !== undefined)
        throw failure(54, `cannot infer query fields to set, path '${key}' is matched twice`);
      if (key.includes('.')) setAt(seed, key.split('.'), clone(value));
      else setField(seed, key, clone(value));
    }
  }
}

function equalityOf(condition: unknown): unknown {
  if (!isDoc(condition)) return bsonTypeOf(condition) === 'BSONRegExp' ? undefined : condition;
  const [first] = Object.keys(condition);
  if (first === undefined || !first.startsWith('$')) return condition;
  if (Object.hasOwn(condition, '$eq')) return condition['$eq'];
  const items = condition['$in'] ?? condition['$all'];
  return Array.isArray(items) && items.length === 1 && !isDoc(items[0]) ? items[0] : undefined;
}
