import { BSONRegExp } from 'bson';
import { badValue } from '../errors.js';
import { compare, equal, keyOf, rank, rankOf } from '../bson/compare.js';
import { isNumeric, toNumber } from '../bson/numbers.js';
import { bsonTypeOf } from '../bson/values.js';
import { bits } from './bits.js';
import { compileRegex } from './regex.js';
import { typeTest } from './types.js';

/** Judges the values a path leads to; `undefined` among them stands for a document without the field. */
export type Test = (values: readonly unknown[]) => boolean;

/** A filter on a field holds for the value itself or, where it is an array, for any of its elements. */
function anyOf(values: readonly unknown[], holds: (value: unknown) => boolean): boolean {
  for (const value of values) {
    if (holds(value)) return true;
    if (Array.isArray(value) && value.some(holds)) return true;
  }
  return false;
}

const isNull = (value: unknown): boolean => value === null || value === undefined;

/** Null also holds for a missing field. */
export function equality(operand: unknown): Test {
  if (isNull(operand)) return (values) => anyOf(values, isNull);
  if (typeof operand === 'string')
    return (values) =>
      anyOf(values, (value) => value === operand || (typeof value === 'object' && equal(value, operand)));
  return (values) => anyOf(values, (value) => equal(value, operand));
}

/** An order comparison holds only between values of one type bracket, except against MinKey and MaxKey. */
function comparison(holds: (order: number) => boolean): (operand: unknown) => Test {
  return (operand) => {
    if (bsonTypeOf(operand) === 'BSONRegExp') throw badValue("Can't have RegEx as arg to predicate over field");
    if (isNull(operand)) return holds(0) ? equality(null) : () => false;
    const bracket = rankOf(operand);
    if (bracket === rank.minKey || bracket === rank.maxKey) {
      return (values) => anyOf(values, (value) => value !== undefined && holds(compare(value, operand)));
    }
    const nan = isNumeric(operand) && Number.isNaN(toNumber(operand));
    return (values) =>
      anyOf(values, (value) => {
        if (rankOf(value) !== bracket) return false;
        // NaN is only equal to itself in a filter, though it sorts before the numbers.
        if (nan || (bracket === rank.number && Number.isNaN(toNumber(value))))
          return holds(0) && compare(value, operand) === 0;
        return holds(compare(value, operand));
      });
  };
}

function membership(name: string, operand: unknown): Test {
  if (!Array.isArray(operand)) throw badValue(`${name} needs an array`);
  const regexes: Test[] = [];
  const keys = new Set<string>();
  let withNull = false;
  for (const item of operand as unknown[]) {
    if (bsonTypeOf(item) === 'BSONRegExp') regexes.push(regexTest(item, undefined));
    if (isNull(item)) withNull = true;
    else keys.add(keyOf(item));
  }
  return (values) =>
    anyOf(values, (value) => (isNull(value) ? withNull : keys.has(keyOf(value)))) ||
    regexes.some((test) => test(values));
}

export function regexTest(pattern: unknown, options: unknown): Test {
  const regex = compileRegex(pattern, options);
  const key = pattern instanceof BSONRegExp ? keyOf(pattern) : undefined;
  return (values) =>
    anyOf(values, (value) => {
      if (typeof value === 'string' || bsonTypeOf(value) === 'BSONSymbol') return regex.test(String(value));
      return key !== undefined && bsonTypeOf(value) === 'BSONRegExp' && keyOf(value) === key;
    });
}

function exists(operand: unknown): Test {
  const wanted =
    operand === null || operand === undefined
      ? false
      : isNumeric(operand)
        ? toNumber(operand) !== 0
        : operand !== false;
  return (values) => values.some((value) => value !== undefined) === wanted;
}

function size(operand: unknown): Test {
  const wanted = toNumber(operand);
  if (!isNumeric(operand) || !Number.isInteger(wanted)) throw badValue('$size must be a whole number');
  if (wanted < 0) throw badValue('$size may not be negative');
  return (values) => values.some((value) => Array.isArray(value) && value.length === wanted);
}

function modulo(operand: unknown): Test {
  if (!Array.isArray(operand)) throw badValue('malformed mod, needs to be an array');
  if (operand.length !== 2) throw badValue(`malformed mod, ${operand.length < 2 ? 'not enough' : 'too many'} elements`);
  const [divisor = 0, remainder = 0] = operand.map((item: unknown) => Math.trunc(toNumber(item)));
  if (divisor === 0) throw badValue('divisor cannot be 0');
  if (!Number.isSafeInteger(divisor) || !Number.isSafeInteger(remainder))
    throw badValue('malformed mod, divisor and remainder must be numbers');
  return (values) =>
    anyOf(values, (value) => {
      if (!isNumeric(value)) return false;
      const number = Math.trunc(toNumber(value));
      if (!Number.isFinite(number)) return false;
      return Number.isSafeInteger(number)
        ? number % divisor === remainder
        : BigInt(String(bsonTypeOf(value) === 'Long' ? value : BigInt(number))) % BigInt(divisor) === BigInt(remainder);
    });
}

const not =
  (test: Test): Test =>
  (values) =>
    !test(values);

/** Filter operators on a field's values that need no other parts of the filter. */
export const operators: Readonly<Record<string, (operand: unknown) => Test>> = {
  $eq: (operand) => equality(operand),
  $ne: (operand) => {
    if (bsonTypeOf(operand) === 'BSONRegExp') throw badValue("Can't have regex as arg to $ne.");
    return not(equality(operand));
  },
  $gt: comparison((order) => order > 0),
  $gte: comparison((order) => order >= 0),
  $lt: comparison((order) => order < 0),
  $lte: comparison((order) => order <= 0),
  $in: (operand) => membership('$in', operand),
  $nin: (operand) => not(membership('$nin', operand)),
  $exists: exists,
  $type: typeTest,
  $size: size,
  $mod: modulo,
  $comment: () => () => true,
  $bitsAllSet: (operand) => bits('$bitsAllSet', operand, anyOf),
  $bitsAnySet: (operand) => bits('$bitsAnySet', operand, anyOf),
  $bitsAllClear: (operand) => bits('$bitsAllClear', operand, anyOf),
  $bitsAnyClear: (operand) => bits('$bitsAnyClear', operand, anyOf),
};
