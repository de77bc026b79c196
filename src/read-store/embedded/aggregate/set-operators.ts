import { failure } from '../errors.js';
import { compare, keyOf } from '../bson/compare.js';
import { typeName } from '../query/types.js';
import { evaluated, isNullish } from './arguments.js';
import type { Operator } from './arguments.js';
import { truthy } from './scope.js';

function items(name: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value))
    throw failure(17048, `All operands of ${name} must be arrays. One argument is of type: ${typeName(value)}`);
  return value;
}

const byKey = (values: readonly unknown[]): Map<string, unknown> =>
  new Map(values.map((value) => [keyOf(value), value]));

/** MongoDB leaves the order of a set open; here it is the order of the values. */
const ordered = (set: ReadonlyMap<string, unknown>): unknown[] => [...set.values()].toSorted(compare);

const orNull = (name: string, apply: (...sets: Map<string, unknown>[]) => unknown): Operator =>
  evaluated(name, 0, 1000, (...values) =>
    values.some(isNullish) ? null : apply(...values.map((value) => byKey(items(name, value)))),
  );

/** Operators on arrays as sets. */
export const setOperators: Readonly<Record<string, Operator>> = {
  $setUnion: orNull('$setUnion', (...sets) => ordered(new Map(sets.flatMap((set) => [...set])))),
  $setIntersection: orNull('$setIntersection', (first = new Map(), ...others) =>
    ordered(new Map([...first].filter(([key]) => others.every((other) => other.has(key))))),
  ),
  $setDifference: orNull('$setDifference', (first = new Map(), second = new Map()) =>
    [...first].filter(([key]) => !second.has(key)).map(([, value]) => value),
  ),
  $setEquals: evaluated('$setEquals', 2, 1000, (...values) => {
    const [first = new Map(), ...others] = values.map((value) => byKey(items('$setEquals', value)));
    return others.every((other) => other.size === first.size && [...other.keys()].every((key) => first.has(key)));
  }),
  $setIsSubset: evaluated('$setIsSubset', 2, 2, (a, b) => {
    const all = byKey(items('$setIsSubset', b));
    return [...byKey(items('$setIsSubset', a)).keys()].every((key) => all.has(key));
  }),
  $anyElementTrue: evaluated('$anyElementTrue', 1, 1, (value) => items('$anyElementTrue', value).some(truthy)),
  $allElementsTrue: evaluated('$allElementsTrue', 1, 1, (value) => items('$allElementsTrue', value).every(truthy)),
};
