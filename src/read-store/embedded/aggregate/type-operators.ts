import { Long, ObjectId } from 'bson';
import { failure, notSupported } from '../errors.js';
import { isNumeric, numericValue, toNumber } from '../bson/numbers.js';
import { bsonTypeOf, double } from '../bson/values.js';
import { typeName } from '../query/types.js';
import { evaluated, isNullish } from './arguments.js';
import type { Operator } from './arguments.js';
import { truthy } from './scope.js';

function impossible(value: unknown, to: string): Error {
  return failure(241, `Unsupported conversion from ${typeName(value)} to ${to} in $convert with no onError value`, {});
}

function parsed(text: string, to: string): number {
  const number = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(number))
    throw failure(241, `Failed to parse number '${text}' in $convert with no onError value to ${to}`);
  return number;
}

function toWhole(value: unknown, to: string, bits: 32 | 64): unknown {
  if (typeof value === 'boolean') return bits === 32 ? Number(value) : Long.fromNumber(Number(value));
  if (bsonTypeOf(value) === 'Decimal128') throw notSupported('Converting Decimal128 values');
  let whole: bigint;
  if (typeof value === 'string') {
    if (!/^[+-]?\d+$/.test(value))
      throw failure(241, `Failed to parse number '${value}' in $convert with no onError value`);
    whole = BigInt(value.replace(/^\+/, ''));
  } else if (value instanceof Date && bits === 64) {
    whole = BigInt(value.getTime());
  } else if (isNumeric(value)) {
    const numeric = numericValue(value);
    if (typeof numeric === 'number' && !Number.isFinite(numeric))
      throw failure(241, 'Attempt to convert NaN or infinity value to integer type in $convert with no onError value');
    whole = typeof numeric === 'bigint' ? numeric : BigInt(Math.trunc(Number(numeric)));
  } else throw impossible(value, to);
  if (BigInt.asIntN(bits, whole) !== whole)
    throw failure(241, 'Conversion would overflow target type in $convert with no onError value');
  return bits === 32 ? Number(whole) : Long.fromBigInt(whole);
}

function toDouble(value: unknown): unknown {
  if (typeof value === 'boolean') return double(Number(value));
  if (typeof value === 'string') return double(parsed(value, 'double'));
  if (value instanceof Date) return double(value.getTime());
  if (isNumeric(value)) return double(toNumber(value));
  throw impossible(value, 'double');
}

function toText(value: unknown): unknown {
  if (typeof value === 'string') return value;
  if (value instanceof Date) return value.toISOString();
  if (value instanceof ObjectId) return value.toHexString();
  if (
    typeof value === 'boolean' ||
    typeof value === 'bigint' ||
    bsonTypeOf(value) === 'Long' ||
    bsonTypeOf(value) === 'Decimal128'
  )
    return String(value);
  const number = toNumber(value);
  // Very large and very small doubles are written in another way than JavaScript's.
  if (isNumeric(value) && (number === 0 || (Math.abs(number) >= 1e-4 && Math.abs(number) < 1e15)))
    return Object.is(number, -0) ? '-0' : String(number);
  if (isNumeric(value)) throw notSupported('Converting such a double to a string');
  throw impossible(value, 'string');
}

function toDate(value: unknown): unknown {
  if (value instanceof Date) return value;
  if (value instanceof ObjectId) return value.getTimestamp();
  if (typeof value === 'string') {
    const date = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:?\d{2}))?$/.test(value)
      ? new Date(value)
      : undefined;
    if (!date || Number.isNaN(date.getTime()))
      throw failure(241, `Error parsing date string '${value}' in $convert with no onError value`);
    return date;
  }
  if (isNumeric(value) && typeName(value) !== 'int') return new Date(Math.trunc(toNumber(value)));
  throw impossible(value, 'date');
}

function toObjectId(value: unknown): unknown {
  if (value instanceof ObjectId) return value;
  if (typeof value === 'string' && /^[0-9a-f]{24}$/i.test(value)) return new ObjectId(value);
  throw typeof value === 'string'
    ? failure(241, `Failed to parse objectId '${value}' in $convert with no onError value`)
    : impossible(value, 'objectId');
}

const converting = (name: string, convert: (value: unknown) => unknown): Operator =>
  evaluated(name, 1, 1, (value) => (isNullish(value) ? null : convert(value)));

/** Types and conversions. */
export const typeOperators: Readonly<Record<string, Operator>> = {
  $type: evaluated('$type', 1, 1, typeName),
  $isNumber: evaluated('$isNumber', 1, 1, isNumeric),
  $toBool: converting('$toBool', truthy),
  $toInt: converting('$toInt', (value) => toWhole(value, 'int', 32)),
  $toLong: converting('$toLong', (value) => toWhole(value, 'long', 64)),
  $toDouble: converting('$toDouble', toDouble),
  $toString: converting('$toString', toText),
  $toDate: converting('$toDate', toDate),
  $toObjectId: converting('$toObjectId', toObjectId),
};
