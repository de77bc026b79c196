import { badValue, failure, notSupported } from '../errors.js';
import { isNumeric, toNumber } from '../bson/numbers.js';
import { has, isDoc, setField } from '../bson/values.js';
import type { Doc } from '../bson/values.js';
import { compileExpression } from '../aggregate/expression.js';
import { truthy } from '../aggregate/scope.js';
import type { Expression, Variables } from '../aggregate/scope.js';
import { compileElement } from './filter.js';
import type { CompileExpression } from './filter.js';

/** What becomes of one field: it is kept, dropped, computed, or changed by the parts below it. */
type Step =
  | { kind: 'keep' }
  | { kind: 'drop' }
  | { kind: 'compute'; expression: Expression }
  | { kind: 'array'; apply: (items: readonly unknown[]) => readonly unknown[] | undefined; including: boolean }
  | { kind: 'tree'; steps: Tree };
type Tree = Map<string, Step>;

type Projection = (doc: Doc) => Doc;

/** Compiles a projection; `undefined` for an empty one. @throws MongoFailure for mixed and unsupported ones */
export function compileProjection(
  projection: Doc,
  variables: Variables,
  expression: CompileExpression,
): Projection | undefined {
  if (Object.keys(projection).length === 0) return undefined;
  const tree: Tree = new Map();
  const seen = { including: false, excluding: false };
  const names = new Set(variables.keys());
  addFields(tree, projection, [], { names, expression, seen });
  const id = tree.get('_id');
  if (seen.including && seen.excluding) throw failure(31254, 'Cannot do exclusion on a field in inclusion projection');
  // Only _id: 0, or only a $slice, leaves the other fields as they are.
  const including = seen.including;
  if (including && !id) tree.set('_id', { kind: 'keep' });
  return (root) => projectDoc(root, tree, including, { root, variables });
}

interface Building {
  readonly names: ReadonlySet<string>;
  readonly expression: CompileExpression;
  readonly seen: { including: boolean; excluding: boolean };
}

function addFields(tree: Tree, projection: Doc, prefix: readonly string[], building: Building): void {
  for (const [key, value] of Object.entries(projection)) {
    if (key === '' || key.startsWith('$')) throw failure(16410, `FieldPath field names may not start with '$': ${key}`);
    const path = [...prefix, ...key.split('.')];
    if (path.includes('$')) throw notSupported('The positional projection operator $');
    if (isDoc(value) && !Object.keys(value).some((name) => name.startsWith('$'))) {
      if (Object.keys(value).length === 0)
        throw failure(51270, 'An empty sub-projection is not a valid value. Found empty object at path');
      addFields(tree, value, path, building);
    } else place(tree, path, stepOf(path, value, building));
  }
}

function stepOf(path: readonly string[], value: unknown, { names, expression, seen }: Building): Step {
  if (typeof value === 'boolean' || isNumeric(value)) {
    const keep = truthy(value);
    if (path.length > 1 || path[0] !== '_id') {
      if (keep) seen.including = true;
      else seen.excluding = true;
    } else if (keep && !seen.excluding) seen.including = true;
    return { kind: keep ? 'keep' : 'drop' };
  }
  const operator = isDoc(value) ? Object.keys(value)[0] : undefined;
  if (operator === '$slice' && isDoc(value) && !isAggregationSlice(value['$slice']))
    return { kind: 'array', apply: slice(value['$slice']), including: false };
  if (operator === '$elemMatch' && isDoc(value)) {
    if (path.length > 1) throw failure(31275, 'Cannot use $elemMatch projection on a nested field');
    const test = compileElement(value['$elemMatch'], expression);
    seen.including = true;
    return { kind: 'array', apply: (items) => firstOf(items, test), including: true };
  }
  if (operator === '$meta') throw notSupported('$meta');
  seen.including = true;
  return { kind: 'compute', expression: compileExpression(value, names) };
}

function firstOf(items: readonly unknown[], test: (item: unknown) => boolean): readonly unknown[] | undefined {
  const found = items.find(test);
  return found === undefined ? undefined : [found];
}

const isAggregationSlice = (operand: unknown): boolean => Array.isArray(operand) && !operand.every(isNumeric);

function slice(operand: unknown): (items: readonly unknown[]) => readonly unknown[] {
  const [first = 0, second] = (Array.isArray(operand) ? (operand as unknown[]) : [operand]).map(toNumber);
  if (!Number.isInteger(first) || (second !== undefined && !(second > 0)))
    throw failure(28667, 'Invalid $slice syntax');
  if (second === undefined) return (items) => (first < 0 ? items.slice(first) : items.slice(0, first));
  return (items) => {
    const from = first < 0 ? Math.max(0, items.length + first) : first;
    return items.slice(from, from + second);
  };
}

function place(tree: Tree, path: readonly string[], step: Step): void {
  const [name = '', ...rest] = path;
  const existing = tree.get(name);
  if (rest.length === 0) {
    if (existing) throw failure(31250, `Path collision at ${path.join('.')}`);
    tree.set(name, step);
    return;
  }
  if (existing && existing.kind !== 'tree') throw failure(31249, `Path collision at ${path.join('.')}`);
  const below: Tree = existing ? existing.steps : new Map<string, Step>();
  if (!existing) tree.set(name, { kind: 'tree', steps: below });
  place(below, rest, step);
}

type ScopeOf = Parameters<Expression>[0];

function projectDoc(doc: Doc, tree: Tree, including: boolean, scope: ScopeOf): Doc {
  const made: Doc = {};
  for (const key of Object.keys(doc)) {
    const step = tree.get(key);
    if (!step ? !including : step.kind === 'keep') setField(made, key, doc[key]);
    else if (step?.kind === 'array') {
      const value = doc[key];
      const applied = Array.isArray(value) ? step.apply(value) : step.including ? undefined : value;
      if (applied !== undefined) setField(made, key, applied);
    } else if (step?.kind === 'tree') {
      const value = projectValue(doc[key], step.steps, including, scope);
      if (value !== undefined) setField(made, key, value);
    }
  }
  addComputed(made, doc, tree, scope);
  return made;
}

function projectValue(value: unknown, tree: Tree, including: boolean, scope: ScopeOf): unknown {
  if (isDoc(value)) return projectDoc(value, tree, including, scope);
  if (Array.isArray(value))
    return value
      .map((item: unknown) => projectValue(item, tree, including, scope))
      .filter((item) => item !== undefined);
  if ([...tree.values()].some((step) => step.kind === 'compute')) return projectDoc({}, tree, including, scope);
  return including ? undefined : value;
}

/** Computed fields come after the others; a document they need is made. */
function addComputed(made: Doc, doc: Doc, tree: Tree, scope: ScopeOf): void {
  for (const [key, step] of tree) {
    if (step.kind === 'compute') {
      const value = step.expression(scope);
      if (value !== undefined) setField(made, key, value);
    } else if (step.kind === 'tree' && !has(doc, key) && computes(step.steps)) {
      setField(made, key, projectDoc({}, step.steps, true, scope));
    }
  }
}

const computes = (tree: Tree): boolean =>
  [...tree.values()].some((step) => step.kind === 'compute' || (step.kind === 'tree' && computes(step.steps)));

/** For stages that only take paths to leave out. @throws BadValue */
export function exclusion(paths: readonly unknown[]): Doc {
  const projection: Doc = {};
  for (const path of paths) {
    if (typeof path !== 'string') throw badValue('$unset specification must be a string or an array of strings');
    projection[path] = 0;
  }
  return projection;
}
