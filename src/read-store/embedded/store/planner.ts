import { compare, equal, keyOf, rank, rankOf } from '../bson/compare.js';
import { isNumeric, toNumber } from '../bson/numbers.js';
import { bsonTypeOf, isDoc } from '../bson/values.js';
import type { Doc } from '../bson/values.js';
import { isOperators } from '../query/filter.js';
import { after, before, TypeEdge } from './index.js';
import type { Index, IndexKey } from './index.js';

export interface Range {
  readonly start: IndexKey;
  readonly end: IndexKey;
}

/** How to read an index so that no document the filter wants is missed; the filter still decides on every row. */
export interface Plan {
  readonly index: Index;
  readonly ranges: readonly Range[];
  readonly reverse: boolean;
  /** The rows come in the order asked for. */
  readonly sorted: boolean;
}

interface Bound {
  readonly value: unknown;
  readonly inclusive: boolean;
}

/** What the filter demands of one path. */
interface Demand {
  points?: readonly unknown[];
  lower?: Bound;
  upper?: Bound;
}

/** More point lookups than this are no better than a scan. */
const maxPoints = 1000;

/** Null also means missing and an array is indexed by its elements: neither is one point in an index. NaN fits no range. */
function indexable(value: unknown): boolean {
  if (value === null || value === undefined || Array.isArray(value) || bsonTypeOf(value) === 'BSONRegExp') return false;
  if (isNumeric(value)) return !Number.isNaN(toNumber(value));
  const type = rankOf(value);
  return type !== rank.minKey && type !== rank.maxKey;
}

function demands(filter: Doc, found = new Map<string, Demand>()): Map<string, Demand> {
  for (const key of Object.keys(filter)) {
    const condition = filter[key];
    if (key === '$and' && Array.isArray(condition)) {
      for (const part of condition as unknown[]) if (isDoc(part)) demands(part, found);
    } else if (!key.startsWith('$')) {
      const demand = found.get(key) ?? {};
      if (isOperators(condition)) for (const name of Object.keys(condition)) narrow(demand, name, condition[name]);
      else narrow(demand, '$eq', condition);
      found.set(key, demand);
    }
  }
  return found;
}

/** Keeps the first usable bound of each kind: on arrays two bounds may hold for different elements, so none is merged. */
function narrow(demand: Demand, operator: string, operand: unknown): void {
  if (operator === '$in' && Array.isArray(operand) && operand.length <= maxPoints && operand.every(indexable)) {
    demand.points ??= [...new Map(operand.map((item: unknown) => [keyOf(item), item])).values()];
  }
  if (!indexable(operand)) return;
  if (operator === '$eq') demand.points = [operand];
  if (operator === '$gt' || operator === '$gte') demand.lower ??= { value: operand, inclusive: operator === '$gte' };
  if (operator === '$lt' || operator === '$lte') demand.upper ??= { value: operand, inclusive: operator === '$lte' };
}

/** The best index for a filter and sort, `undefined` when only a scan of the collection will do. */
export function plan(indexes: Iterable<Index>, filter: Doc, sort: Doc | undefined): Plan | undefined {
  const wanted = demands(filter);
  let best: Plan | undefined;
  let bestScore = 0;
  for (const index of indexes) {
    const candidate = planFor(index, wanted, filter, sort);
    if (candidate && candidate.score > bestScore) {
      best = candidate.plan;
      bestScore = candidate.score;
    }
  }
  return best;
}

/** The plan for one index named by a hint: bounds where the filter gives them, else the whole of it. */
export function planHinted(index: Index, filter: Doc, sort: Doc | undefined): Plan | undefined {
  const whole = { index, ranges: [{ start: before([]), end: after([]) }], reverse: false, sorted: false };
  return planFor(index, demands(filter), filter, sort)?.plan ?? (holdsAll(index, filter, false) ? whole : undefined);
}

function planFor(
  index: Index,
  wanted: ReadonlyMap<string, Demand>,
  filter: Doc,
  sort: Doc | undefined,
): { plan: Plan; score: number } | undefined {
  let prefixes: unknown[][] = [[]];
  let equals = 0;
  for (const path of index.paths) {
    const points = wanted.get(path)?.points;
    if (!points || prefixes.length * points.length > maxPoints) break;
    prefixes = prefixes.flatMap((prefix) => points.map((point) => [...prefix, point]));
    equals++;
  }
  const next = index.paths[equals];
  const demand = next === undefined ? undefined : wanted.get(next);
  const ranged = demand !== undefined && (demand.lower !== undefined || demand.upper !== undefined);
  if (!holdsAll(index, filter, equals > 0 || ranged)) return undefined;
  const single = prefixes.length === 1 && !index.multikey;
  const reverse = sort && single ? sortDirection(index, equals, sort) : undefined;
  const sorted = reverse !== undefined;
  // An equality narrows most, a range less, an order given for nothing is worth about as much as a range.
  const score =
    equals * 4 + (ranged ? 2 : 0) + (sorted ? 3 : 0) + (equals === index.paths.length && index.spec.unique ? 8 : 0);
  if (score === 0) return undefined;
  const direction = index.directions[equals] ?? 1;
  const ranges = prefixes.map((prefix) =>
    ranged ? rangeOf(prefix, demand, direction, index.multikey) : { start: before(prefix), end: after(prefix) },
  );
  return { plan: { index, ranges, reverse: reverse ?? false, sorted }, score };
}

/** Whether every document the filter wants is in the index: sparse and partial ones leave some out. */
function holdsAll(index: Index, filter: Doc, bounded: boolean): boolean {
  if (index.spec.sparse && !bounded) return false;
  const partial = index.spec.partialFilterExpression;
  return (
    !partial || Object.keys(partial).every((key) => Object.hasOwn(filter, key) && equal(filter[key], partial[key]))
  );
}

function rangeOf(prefix: readonly unknown[], demand: Demand, direction: number, multikey: boolean): Range {
  let { lower, upper } = demand;
  if (lower && upper && (multikey || rankOf(lower.value) !== rankOf(upper.value))) upper = undefined;
  const type = rankOf((lower ?? upper)?.value);
  const low: Bound = lower ?? { value: new TypeEdge(type, -1), inclusive: true };
  const high: Bound = upper ?? { value: new TypeEdge(type, 1), inclusive: true };
  const [from, to] = direction > 0 ? [low, high] : [high, low];
  const start = [...prefix, from.value];
  const end = [...prefix, to.value];
  return { start: from.inclusive ? before(start) : after(start), end: to.inclusive ? after(end) : before(end) };
}

/** Whether the index, its first `fixed` paths held at one value each, gives the order: `true` when read backwards. */
function sortDirection(index: Index, fixed: number, sort: Doc): boolean | undefined {
  const constant = new Set(index.paths.slice(0, fixed));
  const wanted = Object.keys(sort).filter((path) => !constant.has(path));
  let reverse: boolean | undefined;
  for (const [i, path] of wanted.entries()) {
    if (index.paths[fixed + i] !== path) return undefined;
    const backwards = compare(toNumber(sort[path]) > 0 ? 1 : -1, index.directions[fixed + i]) !== 0;
    if (reverse !== undefined && reverse !== backwards) return undefined;
    reverse = backwards;
  }
  return reverse ?? false;
}
