import { failure } from '../errors.js';
import { compare, keyOf } from '../bson/compare.js';
import { isNumeric, toNumber } from '../bson/numbers.js';
import { double, isDoc } from '../bson/values.js';
import type { Doc } from '../bson/values.js';
import { sum } from './arithmetic-operators.js';
import { isNullish } from './arguments.js';
import { merge } from './object-operators.js';
import { onDocument, wholeNumber } from './stage.js';
import type { Environment } from './stage.js';

/** Gathers one value from the documents of a group. */
export interface Accumulator {
  add(doc: Doc): void;
  result(): unknown;
}

/** What is done with the values of a group, in their order. */
const onValues: Readonly<Record<string, (values: readonly unknown[]) => unknown>> = {
  $sum: (values) => sum('$sum', values.filter(isNumeric)),
  $avg: (values) => {
    const numbers = values.filter(isNumeric);
    return numbers.length === 0 ? null : double(toNumber(sum('$avg', numbers)) / numbers.length);
  },
  $min: (values) => extreme(values, -1),
  $max: (values) => extreme(values, 1),
  $first: (values) => values[0] ?? null,
  $last: (values) => values.at(-1) ?? null,
  $push: (values) => values.filter((value) => value !== undefined),
  $addToSet: (values) => [
    ...new Map(values.filter((value) => value !== undefined).map((value) => [keyOf(value), value])).values(),
  ],
  $mergeObjects: (values) => values.reduce<Doc>(merge, {}),
  $stdDevPop: (values) => deviation(values, 0),
  $stdDevSamp: (values) => deviation(values, 1),
};

function extreme(values: readonly unknown[], sign: 1 | -1): unknown {
  let best: unknown = null;
  for (const value of values) if (!isNullish(value) && (best === null || compare(value, best) * sign > 0)) best = value;
  return best;
}

function deviation(values: readonly unknown[], less: 0 | 1): unknown {
  const numbers = values.filter(isNumeric).map(toNumber);
  if (numbers.length <= less) return null;
  const mean = numbers.reduce((total, value) => total + value, 0) / numbers.length;
  return double(Math.sqrt(numbers.reduce((total, value) => total + (value - mean) ** 2, 0) / (numbers.length - less)));
}

function limited(name: string, spec: unknown, environment: Environment): Accumulator {
  if (!isDoc(spec) || !Object.hasOwn(spec, 'input') || !Object.hasOwn(spec, 'n'))
    throw failure(5787801, `${name} needs 'input' and 'n'`);
  const n = wholeNumber(name, 5787902, spec['n'], 1);
  const input = onDocument(spec['input'], environment);
  const values: unknown[] = [];
  return {
    add: (doc) => values.push(input(doc) ?? null),
    result: () => {
      if (name === '$firstN') return values.slice(0, n);
      if (name === '$lastN') return values.slice(-n);
      const sign = name === '$minN' ? 1 : -1;
      return values
        .filter((value) => value !== null)
        .toSorted((a, b) => compare(a, b) * sign)
        .slice(0, n);
    },
  };
}

/** Makes accumulators of one field of a `$group`. @throws MongoFailure for unknown ones */
export function accumulatorOf(field: string, spec: unknown, environment: Environment): () => Accumulator {
  const names = isDoc(spec) ? Object.keys(spec) : [];
  const [name = ''] = names;
  if (!isDoc(spec) || !name.startsWith('$')) throw failure(40234, `The field '${field}' must be an accumulator object`);
  if (names.length > 1) throw failure(40238, `The field '${field}' must specify one accumulator`);
  if (name === '$count') {
    return () => {
      let count = 0;
      return { add: () => count++, result: () => count };
    };
  }
  if (['$firstN', '$lastN', '$minN', '$maxN'].includes(name)) return () => limited(name, spec[name], environment);
  const finish = Object.hasOwn(onValues, name) ? onValues[name] : undefined;
  if (!finish) throw failure(15952, `unknown group operator '${name}'`);
  const value = onDocument(spec[name], environment);
  return () => {
    const values: unknown[] = [];
    return { add: (doc) => values.push(value(doc)), result: () => finish(values) };
  };
}
