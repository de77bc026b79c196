import { Long } from 'bson';
import { failure, notSupported } from '../errors.js';
import { isNumeric, numericValue, toNumber } from '../bson/numbers.js';
import { bsonTypeOf, double } from '../bson/values.js';
import { typeName } from '../query/types.js';
import { arithmetic } from '../update/arithmetic.js';
import { evaluated, isNullish } from './arguments.js';
import type { Operator } from './arguments.js';

function numeric(name: string, value: unknown): unknown {
  if (bsonTypeOf(value) === 'Decimal128') throw notSupported('Arithmetic on Decimal128 values');
  if (!isNumeric(value)) throw failure(14, `${name} only supports numeric types, not ${typeName(value)}`);
  return value;
}

/** Adds numbers; to at most one date they are milliseconds. */
export function sum(name: string, values: readonly unknown[]): unknown {
  if (values.some(isNullish)) return null;
  const dates = values.filter((value) => value instanceof Date);
  if (dates.length > 1) throw failure(16612, `only one date allowed in an ${name} expression`);
  let total: unknown = 0;
  for (const value of values) if (!(value instanceof Date)) total = arithmetic('+', total, numeric(name, value));
  const [date] = dates;
  return date instanceof Date ? new Date(date.getTime() + Math.round(toNumber(total))) : total;
}

function subtract(a: unknown, b: unknown): unknown {
  if (isNullish(a) || isNullish(b)) return null;
  if (a instanceof Date) {
    if (b instanceof Date) return Long.fromNumber(a.getTime() - b.getTime());
    return new Date(a.getTime() - Math.round(toNumber(numeric('$subtract', b))));
  }
  return arithmetic('+', numeric('$subtract', a), arithmetic('*', numeric('$subtract', b), -1));
}

function divide(a: unknown, b: unknown): unknown {
  if (isNullish(a) || isNullish(b)) return null;
  const divisor = toNumber(numeric('$divide', b));
  if (divisor === 0) throw failure(2, "can't $divide by zero");
  return double(toNumber(numeric('$divide', a)) / divisor);
}

function modulo(a: unknown, b: unknown): unknown {
  if (isNullish(a) || isNullish(b)) return null;
  const [x, y] = [numericValue(numeric('$mod', a)), numericValue(numeric('$mod', b))];
  if (Number(y) === 0) throw failure(16610, "can't $mod by zero");
  if (typeof x === 'bigint' || typeof y === 'bigint') {
    if (Number.isInteger(Number(x)) && Number.isInteger(Number(y)))
      return Long.fromBigInt(BigInt(String(x)) % BigInt(String(y)));
  }
  const result = Number(x) % Number(y);
  return typeName(a) === 'double' || typeName(b) === 'double' ? double(result) : result;
}

/** Applies to the number, keeping its type: whole types stay as they are where there is nothing to round. */
function rounding(name: string, round: (value: number) => number): Operator {
  return evaluated(name, 1, 1, (value) => {
    if (isNullish(value)) return null;
    return typeName(numeric(name, value)) === 'double' ? double(round(toNumber(value))) : value;
  });
}

/** Half to even, as MongoDB rounds. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

function toPlaces(name: string, round: (value: number) => number): Operator {
  return evaluated(name, 1, 2, (value, places = 0) => {
    if (isNullish(value) || isNullish(places)) return null;
    const digits = toNumber(numeric(name, places));
    if (!Number.isInteger(digits) || digits < -20 || digits > 100)
      throw failure(51083, `cannot apply ${name} with precision value ${digits}, value must be in [-20, 100]`);
    const number = toNumber(numeric(name, value));
    if (typeName(value) !== 'double') {
      if (digits >= 0) return value;
      if (!Number.isSafeInteger(number)) throw notSupported(`${name} of an int64 beyond 2^53`);
    }
    if (!Number.isFinite(number)) return value;
    // Shifting the decimal point in the text avoids the error of multiplying by a power of ten.
    const rounded = Number(`${round(Number(`${shifted(number, digits)}`))}e${-digits}`);
    return typeName(value) === 'double'
      ? double(rounded)
      : typeName(value) === 'long'
        ? Long.fromNumber(rounded)
        : rounded;
  });
}

function shifted(value: number, digits: number): string {
  const [mantissa = '0', exponent = '0'] = String(value).split('e');
  return `${mantissa}e${Number(exponent) + digits}`;
}

/** Arithmetic that keeps MongoDB's numeric types. */
export const arithmeticOperators: Readonly<Record<string, Operator>> = {
  $add: evaluated('$add', 0, 1000, (...values) => sum('$add', values)),
  $subtract: evaluated('$subtract', 2, 2, subtract),
  $multiply: evaluated('$multiply', 0, 1000, (...values) =>
    values.some(isNullish)
      ? null
      : values.reduce((product, value) => arithmetic('*', product, numeric('$multiply', value)), 1),
  ),
  $divide: evaluated('$divide', 2, 2, divide),
  $mod: evaluated('$mod', 2, 2, modulo),
  $abs: evaluated('$abs', 1, 1, (value) => {
    if (isNullish(value)) return null;
    const number = numericValue(numeric('$abs', value));
    return Number(number) < 0 ? arithmetic('*', value, -1) : value;
  }),
  $ceil: rounding('$ceil', Math.ceil),
  $floor: rounding('$floor', Math.floor),
  $round: toPlaces('$round', roundHalfEven),
  $trunc: toPlaces('$trunc', Math.trunc),
};
