import { badValue, notSupported } from '../errors.js';
import { isNumeric, numericValue, toNumber } from '../bson/numbers.js';

type AnyOf = (values: readonly unknown[], holds: (value: unknown) => boolean) => boolean;

function maskOf(name: string, operand: unknown): bigint {
  if (Array.isArray(operand)) {
    let mask = 0n;
    for (const position of operand as unknown[]) {
      const bit = toNumber(position);
      if (!isNumeric(position) || !Number.isInteger(bit) || bit < 0)
        throw badValue(`bit positions of ${name} must be whole numbers >= 0`);
      // Beyond 63 every position is the sign bit, as numbers are sign-extended.
      mask |= 1n << BigInt(Math.min(bit, 63));
    }
    return mask;
  }
  const whole = wholeNumber(operand);
  if (whole === undefined && !isNumeric(operand))
    throw notSupported(`${name} with other than a number or bit positions`);
  if (whole === undefined || whole < 0n) throw badValue(`${name} needs a whole number >= 0`);
  return whole;
}

function wholeNumber(value: unknown): bigint | undefined {
  const numeric = numericValue(value);
  if (typeof numeric === 'bigint') return numeric;
  return typeof numeric === 'number' && Number.isInteger(numeric) && Math.abs(numeric) < 2 ** 63
    ? BigInt(numeric)
    : undefined;
}

/** `$bitsAllSet` and its three kin, on whole numbers as 64-bit two's complement. */
export function bits(name: string, operand: unknown, anyOf: AnyOf): (values: readonly unknown[]) => boolean {
  const mask = maskOf(name, operand);
  return (values) =>
    anyOf(values, (value) => {
      const whole = wholeNumber(value);
      if (whole === undefined) return false;
      const set = BigInt.asUintN(64, whole) & mask;
      if (name === '$bitsAllSet') return set === mask;
      if (name === '$bitsAnySet') return set !== 0n;
      return name === '$bitsAllClear' ? set === 0n : set !== mask;
    });
}
