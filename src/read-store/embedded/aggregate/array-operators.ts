import { failure, notSupported } from '../errors.js';
import { equal } from '../bson/compare.js';
import { isNumeric, toNumber } from '../bson/numbers.js';
import { elementOrder } from '../query/sort.js';
import { typeName } from '../query/types.js';
import { checkVariableName, evaluated, isNullish, listOf, named, withVariables } from './arguments.js';
import type { Operator } from './arguments.js';
import { truthy } from './scope.js';
import { isDoc } from '../bson/values.js';

function array(name: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value))
    throw failure(28689, `The argument to ${name} must be an array, but was of type: ${typeName(value)}`);
  return value;
}

function whole(name: string, value: unknown): number {
  const number = toNumber(value);
  if (!isNumeric(value) || !Number.isInteger(number))
    throw failure(28690, `${name} needs a whole number, not ${typeName(value)}`);
  return number;
}

/** Null or missing gives null, an array goes to `apply`. */
const onArray = (name: string, apply: (items: readonly unknown[]) => unknown): Operator =>
  evaluated(name, 1, 1, (value) => (isNullish(value) ? null : apply(array(name, value))));

/** The name an operator binds each element to: `as`, by default `this`. */
function elementName(operand: unknown): string {
  const name = isDoc(operand) ? operand['as'] : undefined;
  if (name === undefined) return 'this';
  if (typeof name !== 'string') throw failure(9, "'as' must be a string");
  checkVariableName(name);
  return name;
}

const without = (operand: unknown, ...keys: string[]): unknown =>
  isDoc(operand) ? Object.fromEntries(Object.entries(operand).filter(([key]) => !keys.includes(key))) : operand;

const map: Operator = (operand, compile) => {
  const name = elementName(operand);
  const body = compile(isDoc(operand) ? operand['in'] : undefined, [name]);
  const parts = named('$map', without(operand, 'as', 'in'), compile, ['input']);
  if (!isDoc(operand) || !Object.hasOwn(operand, 'in')) throw failure(16882, "Missing 'in' parameter to $map");
  return (scope) => {
    const input = parts['input']?.(scope);
    return isNullish(input)
      ? null
      : array('$map', input).map((item) => body(withVariables(scope, [[name, item]])) ?? null);
  };
};

const filter: Operator = (operand, compile) => {
  const name = elementName(operand);
  const condition = compile(isDoc(operand) ? operand['cond'] : undefined, [name]);
  const parts = named('$filter', without(operand, 'as', 'cond'), compile, ['input'], ['limit']);
  if (!isDoc(operand) || !Object.hasOwn(operand, 'cond')) throw failure(28650, "Missing 'cond' parameter to $filter");
  return (scope) => {
    const input = parts['input']?.(scope);
    if (isNullish(input)) return null;
    const kept = array('$filter', input).filter((item) => truthy(condition(withVariables(scope, [[name, item]]))));
    const limit = parts['limit']?.(scope);
    return isNullish(limit) ? kept : kept.slice(0, whole('$filter', limit));
  };
};

const reduce: Operator = (operand, compile) => {
  const body = compile(isDoc(operand) ? operand['in'] : undefined, ['this', 'value']);
  const parts = named('$reduce', without(operand, 'in'), compile, ['input', 'initialValue']);
  return (scope) => {
    const input = parts['input']?.(scope);
    if (isNullish(input)) return null;
    let value = parts['initialValue']?.(scope);
    for (const item of array('$reduce', input))
      value = body(
        withVariables(scope, [
          ['this', item],
          ['value', value],
        ]),
      );
    return value;
  };
};

const sortArray: Operator = (operand, compile) => {
  const order = elementOrder(isDoc(operand) ? operand['sortBy'] : undefined);
  const parts = named('$sortArray', without(operand, 'sortBy'), compile, ['input']);
  return (scope) => {
    const input = parts['input']?.(scope);
    return isNullish(input) ? null : array('$sortArray', input).toSorted(order);
  };
};

function elementAt(items: unknown, position: unknown): unknown {
  if (isNullish(items) || isNullish(position)) return null;
  return array('$arrayElemAt', items).at(whole('$arrayElemAt', position));
}

function slice(items: unknown, first: unknown, second?: unknown): unknown {
  if (isNullish(items) || isNullish(first)) return null;
  const all = array('$slice', items);
  const from = whole('$slice', first);
  if (second === undefined) return from < 0 ? all.slice(from) : all.slice(0, from);
  const count = whole('$slice', second);
  if (count <= 0) throw failure(28729, 'Third argument to $slice must be positive');
  const start = from < 0 ? Math.max(0, all.length + from) : from;
  return all.slice(start, start + count);
}

function range(start: unknown, end: unknown, step: unknown = 1): unknown {
  const [from, to, by] = [whole('$range', start), whole('$range', end), whole('$range', step)];
  if (by === 0) throw failure(34449, '$range requires a non-zero step value');
  if ((to - from) / by > 1_000_000) throw notSupported('A $range of more than a million values');
  const made: number[] = [];
  for (let i = from; by > 0 ? i < to : i > to; i += by) made.push(i);
  return made;
}

function firstN(name: string, take: (items: readonly unknown[], n: number) => unknown): Operator {
  return (operand, compile) => {
    const parts = named(name, operand, compile, ['n', 'input']);
    return (scope) => {
      const n = whole(name, parts['n']?.(scope));
      if (n < 1) throw failure(5787908, `'n' must be greater than 0, found ${n}`);
      return take(array(name, parts['input']?.(scope)), n);
    };
  };
}

/** Operators on arrays. */
export const arrayOperators: Readonly<Record<string, Operator>> = {
  $map: map,
  $filter: filter,
  $reduce: reduce,
  $sortArray: sortArray,
  $size: evaluated('$size', 1, 1, (value) => {
    if (!Array.isArray(value))
      throw failure(17124, `The argument to $size must be an array, but was of type: ${typeName(value)}`);
    return value.length;
  }),
  $isArray: evaluated('$isArray', 1, 1, (value) => Array.isArray(value)),
  $arrayElemAt: evaluated('$arrayElemAt', 2, 2, elementAt),
  $first: onArray('$first', (items) => items[0]),
  $last: onArray('$last', (items) => items.at(-1)),
  $firstN: firstN('$firstN', (items, n) => items.slice(0, n)),
  $lastN: firstN('$lastN', (items, n) => items.slice(-n)),
  $slice: evaluated('$slice', 2, 3, slice),
  $range: evaluated('$range', 2, 3, range),
  $reverseArray: onArray('$reverseArray', (items) => items.toReversed()),
  $in: evaluated('$in', 2, 2, (value, items) => array('$in', items).some((item) => equal(item, value ?? null))),
  $indexOfArray: evaluated('$indexOfArray', 2, 4, (items, value, start = 0, end = Number.POSITIVE_INFINITY) => {
    if (isNullish(items)) return null;
    const all = array('$indexOfArray', items);
    const to = Math.min(all.length, toNumber(end));
    for (let i = whole('$indexOfArray', start); i < to; i++) if (equal(all[i], value)) return i;
    return -1;
  }),
  $concatArrays: (operand, compile) => {
    const parts = listOf(operand).map((part) => compile(part));
    return (scope) => {
      const joined: unknown[] = [];
      for (const part of parts) {
        const value = part(scope);
        if (isNullish(value)) return null;
        for (const item of array('$concatArrays', value)) joined.push(item);
      }
      return joined;
    };
  },
};
