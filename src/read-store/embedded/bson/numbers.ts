import { Decimal128, Long } from 'bson';
import { bsonTypeOf } from './values.js';

/** An exact decimal: coefficient × 10^exponent. */
interface Exact {
  readonly coefficient: bigint;
  readonly exponent: number;
}

export function isNumeric(value: unknown): boolean {
  if (typeof value === 'number') return true;
  const type = bsonTypeOf(value);
  return type === 'Long' || type === 'Double' || type === 'Int32' || type === 'Decimal128';
}

/** A number or bigint of exactly the same value; a `Decimal128` stays itself, anything else is `undefined`. */
export function numericValue(value: unknown): number | bigint | Decimal128 | undefined {
  if (typeof value === 'number') return value;
  if (value instanceof Decimal128) return value;
  if (value instanceof Long && bsonTypeOf(value) === 'Long') return value.toBigInt();
  const type = bsonTypeOf(value);
  return type === 'Double' || type === 'Int32' ? Number(value) : undefined;
}

/** The nearest JavaScript number; NaN for what is not numeric. */
export function toNumber(value: unknown): number {
  const numeric = numericValue(value);
  if (numeric === undefined) return Number.NaN;
  return numeric instanceof Decimal128 ? decimalToNumber(numeric) : Number(numeric);
}

/** Compares by value across all numeric types, exactly. NaN comes before every number, as in MongoDB. */
export function compareNumbers(left: unknown, right: unknown): number {
  const a = numericValue(left);
  const b = numericValue(right);
  if (a === undefined || b === undefined) return 0;
  if (a instanceof Decimal128 || b instanceof Decimal128) return compareDecimals(a, b);
  // JavaScript compares a number and a bigint by their exact values.
  if (a < b) return -1;
  if (a > b) return 1;
  // eslint-disable-next-line eqeqeq -- a number and a bigint of one value are equal
  if (a == b) return 0;
  return Number(Number.isNaN(b)) - Number(Number.isNaN(a));
}

/** A string that is the same for numbers of equal value, whatever their types. */
export function numericKey(value: unknown): string {
  const numeric = numericValue(value);
  if (typeof numeric === 'bigint') return `n${numeric}`;
  if (typeof numeric === 'number') return numberKey(numeric);
  if (numeric === undefined) return 'n?';
  const number = decimalToNumber(numeric);
  return compareDecimals(numeric, number) === 0 ? numberKey(number) : `d${exactKey(exact(numeric))}`;
}

function numberKey(value: number): string {
  return Number.isInteger(value) ? `n${BigInt(value)}` : `n${value}`;
}

function exactKey(value: Exact): string {
  let { coefficient, exponent } = value;
  while (coefficient !== 0n && coefficient % 10n === 0n) {
    coefficient /= 10n;
    exponent++;
  }
  return `${coefficient}e${exponent}`;
}

function decimalToNumber(value: Decimal128): number {
  return Number(value.toString());
}

function compareDecimals(a: number | bigint | Decimal128, b: number | bigint | Decimal128): number {
  const left = a instanceof Decimal128 ? decimalToNumber(a) : Number(a);
  const right = b instanceof Decimal128 ? decimalToNumber(b) : Number(b);
  if (Number.isNaN(left) || Number.isNaN(right)) return Number(Number.isNaN(right)) - Number(Number.isNaN(left));
  if (isInfinite(a, left) || isInfinite(b, right)) {
    const signs = [isInfinite(a, left) ? Math.sign(left) : 0, isInfinite(b, right) ? Math.sign(right) : 0];
    return Math.sign((signs[0] ?? 0) - (signs[1] ?? 0));
  }
  if (left !== right) return left < right ? -1 : 1;
  const x = exact(a);
  const y = exact(b);
  // Equal as doubles: the exponents are close, so scaling to the smaller one stays small.
  const exponent = Math.min(x.exponent, y.exponent);
  const p = x.coefficient * 10n ** BigInt(x.exponent - exponent);
  const q = y.coefficient * 10n ** BigInt(y.exponent - exponent);
  return p < q ? -1 : p > q ? 1 : 0;
}

/** A large finite decimal may overflow to infinity as a double; it is finite all the same. */
function isInfinite(value: number | bigint | Decimal128, asNumber: number): boolean {
  if (value instanceof Decimal128) return value.toString().endsWith('Infinity');
  return typeof value === 'number' && !Number.isFinite(asNumber);
}

function exact(value: number | bigint | Decimal128): Exact {
  if (typeof value === 'bigint') return { coefficient: value, exponent: 0 };
  if (typeof value === 'number') return exactDouble(value);
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:E([+-]?\d+))?$/.exec(value.toString());
  const fraction = match?.[3] ?? '';
  const coefficient = BigInt(`${match?.[2] ?? '0'}${fraction}`);
  return {
    coefficient: match?.[1] === '-' ? -coefficient : coefficient,
    exponent: Number(match?.[4] ?? 0) - fraction.length,
  };
}

/** A double is a whole number over a power of two, and 1/2 is 5/10. */
function exactDouble(value: number): Exact {
  let scaled = value;
  let halvings = 0;
  while (!Number.isInteger(scaled)) {
    scaled *= 2;
    halvings++;
  }
  return { coefficient: BigInt(scaled) * 5n ** BigInt(halvings), exponent: -halvings };
}
