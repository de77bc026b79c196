import { Binary, BSONRegExp, Code, ObjectId, Timestamp } from 'bson';
import { compareNumbers, isNumeric, numericKey } from './numbers.js';
import { bsonTypeOf, isDoc } from './values.js';

/** Where a type stands in MongoDB's comparison order; numbers share one rank, so do strings and symbols. */
export const rank = {
  minKey: -1,
  missing: 0,
  null: 5,
  number: 10,
  string: 15,
  object: 20,
  array: 25,
  binary: 30,
  objectId: 35,
  boolean: 40,
  date: 45,
  timestamp: 47,
  regex: 50,
  code: 60,
  maxKey: 127,
} as const;

const classRanks: Readonly<Record<string, number>> = {
  MinKey: rank.minKey,
  Int32: rank.number,
  Double: rank.number,
  Long: rank.number,
  Decimal128: rank.number,
  BSONSymbol: rank.string,
  Binary: rank.binary,
  ObjectId: rank.objectId,
  Timestamp: rank.timestamp,
  BSONRegExp: rank.regex,
  Code: rank.code,
  MaxKey: rank.maxKey,
};

export function rankOf(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return rank.string;
    case 'number':
      return rank.number;
    case 'boolean':
      return rank.boolean;
    case 'undefined':
      return rank.missing;
    default:
  }
  if (value === null) return rank.null;
  if (Array.isArray(value)) return rank.array;
  if (value instanceof Date) return rank.date;
  return classRanks[bsonTypeOf(value) ?? ''] ?? rank.object;
}

const order = (a: number | bigint, b: number | bigint): number => (a < b ? -1 : a > b ? 1 : 0);

/** MongoDB compares strings by their UTF-8 bytes; JavaScript by UTF-16 units, which differs above U+D7FF. */
export function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) {
      // A surrogate belongs to a code point above every single unit.
      const high = Number(x >= 0xd800 && x <= 0xdfff) - Number(y >= 0xd800 && y <= 0xdfff);
      return high !== 0 ? high : x - y;
    }
  }
  return a.length - b.length;
}

/** Total order of BSON values. */
export function compare(a: unknown, b: unknown): number {
  if (typeof a === 'string' && typeof b === 'string') return compareStrings(a, b);
  if (typeof a === 'number' && typeof b === 'number' && !Number.isNaN(a) && !Number.isNaN(b)) return order(a, b);
  const left = rankOf(a);
  const right = rankOf(b);
  return left === right ? compareSameRank(left, a, b) : left - right;
}

export const equal = (a: unknown, b: unknown): boolean => compare(a, b) === 0;

function compareSameRank(type: number, a: unknown, b: unknown): number {
  if (type === rank.number) return compareNumbers(a, b);
  if (type === rank.array && Array.isArray(a) && Array.isArray(b)) return compareArrays(a, b);
  if (isDoc(a) && isDoc(b)) return compareDocs(a, b);
  if (a instanceof Date && b instanceof Date) return order(a.getTime(), b.getTime());
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if (type === rank.string) return compareStrings(String(a), String(b));
  if (a instanceof ObjectId && b instanceof ObjectId) return Buffer.compare(a.id, b.id);
  if (a instanceof Binary && b instanceof Binary) {
    return order(a.length(), b.length()) || order(a.sub_type, b.sub_type) || Buffer.compare(a.value(), b.value());
  }
  if (a instanceof Timestamp && b instanceof Timestamp) {
    return order(BigInt.asUintN(64, a.toBigInt()), BigInt.asUintN(64, b.toBigInt()));
  }
  if (a instanceof BSONRegExp && b instanceof BSONRegExp) {
    return compareStrings(a.pattern, b.pattern) || compareStrings(a.options, b.options);
  }
  if (a instanceof Code && b instanceof Code) return compareStrings(a.code, b.code) || compare(a.scope, b.scope);
  return 0;
}

function compareArrays(a: readonly unknown[], b: readonly unknown[]): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const result = compare(a[i], b[i]);
    if (result !== 0) return result;
  }
  return a.length - b.length;
}

/** Field by field in their order: type first, then name, then value. */
function compareDocs(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): number {
  const left = Object.keys(a);
  const right = Object.keys(b);
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) {
    const [p, q] = [left[i] ?? '', right[i] ?? ''];
    const result = rankOf(a[p]) - rankOf(b[q]) || compareStrings(p, q) || compare(a[p], b[q]);
    if (result !== 0) return result;
  }
  return left.length - right.length;
}

/** A string that is equal exactly for values that compare as equal: the key for grouping and sets. */
export function keyOf(value: unknown): string {
  if (typeof value === 'string') return `s${value.length}:${value}`;
  if (isNumeric(value)) return numericKey(value);
  if (Array.isArray(value)) return `[${value.map(keyOf).join(',')}]`;
  if (isDoc(value)) {
    return `{${Object.keys(value)
      .map((key) => `${key.length}:${key}=${keyOf(value[key])}`)
      .join(',')}}`;
  }
  if (value instanceof Date) return `t${value.getTime()}`;
  if (value instanceof ObjectId) return `o${value.toHexString()}`;
  if (value instanceof Binary) return `b${value.sub_type}:${Buffer.from(value.value()).toString('hex')}`;
  if (value instanceof BSONRegExp) return `r${value.pattern.length}:${value.pattern}/${value.options}`;
  if (value instanceof Timestamp) return `m${value.toString()}`;
  if (value instanceof Code) return `c${value.code.length}:${value.code}${keyOf(value.scope)}`;
  if (rankOf(value) === rank.string) return keyOf(String(value));
  return `k${rankOf(value)}${String(typeof value === 'boolean' ? value : '')}`;
}

/** Equal in value and in every type: a write of `b` over `a` would change nothing. */
export function identical(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => identical(item, b[i]));
  if (isDoc(a)) {
    if (!isDoc(b)) return false;
    const keys = Object.keys(a);
    const others = Object.keys(b);
    return keys.length === others.length && keys.every((key, i) => key === others[i] && identical(a[key], b[key]));
  }
  if (typeof a === 'number' && typeof b === 'number') return Object.is(a, b);
  return typeof a === typeof b && bsonTypeOf(a) === bsonTypeOf(b) && equal(a, b);
}
