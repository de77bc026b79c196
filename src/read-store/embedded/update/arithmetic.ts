import { Long } from 'bson';
import { badValue, notSupported } from '../errors.js';
import { numericValue } from '../bson/numbers.js';
import { bsonTypeOf, double, integer } from '../bson/values.js';
import { typeName } from '../query/types.js';

const inInt64 = (value: bigint): boolean => BigInt.asIntN(64, value) === value;

/** Adds or multiplies as MongoDB does: int32 grows to int64, anything with a double is a double. @throws on int64 overflow */
export function arithmetic(operator: '+' | '*', a: unknown, b: unknown): unknown {
  const [left, right] = [typeName(a), typeName(b)];
  if (left === 'decimal' || right === 'decimal') throw notSupported('Arithmetic on Decimal128 values');
  const x = numericValue(a);
  const y = numericValue(b);
  if (left === 'double' || right === 'double') {
    return double(operator === '+' ? Number(x) + Number(y) : Number(x) * Number(y));
  }
  const [p, q] = [BigInt(String(x)), BigInt(String(y))];
  const result = operator === '+' ? p + q : p * q;
  if (!inInt64(result))
    throw badValue('Failed to apply the operation: the result is out of the range of a 64-bit integer');
  return left === 'long' || right === 'long' ? Long.fromBigInt(result) : integer(result);
}

/** `and`, `or` and `xor` on whole numbers. */
export function bitwise(operator: string, a: unknown, b: unknown): unknown {
  const [x, y] = [numericValue(a), numericValue(b)];
  const [p, q] = [BigInt(String(x)), BigInt(String(y))];
  const result = operator === 'and' ? p & q : operator === 'or' ? p | q : p ^ q;
  return bsonTypeOf(a) === 'Long' || bsonTypeOf(b) === 'Long' ? Long.fromBigInt(result) : integer(result);
}
