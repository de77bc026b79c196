import { Timestamp } from 'bson';
import { badValue, failedToParse, typeMismatch } from '../errors.js';
import { compare } from '../bson/compare.js';
import { isNumeric } from '../bson/numbers.js';
import { isDoc } from '../bson/values.js';
import { typeName } from '../query/types.js';
import { arithmetic, bitwise } from './arithmetic.js';

/** Computes the value a field gets; `undefined` leaves it as it is. `old` is `undefined` where there is no field. */
export type Change = (old: unknown, path: string) => unknown;

function number(operator: string, operand: unknown, path: string): unknown {
  if (!isNumeric(operand))
    throw typeMismatch(
      `Cannot ${operator === '$inc' ? 'increment' : 'multiply'} with non-numeric argument: {${path}: ${JSON.stringify(operand)}}`,
    );
  return operand;
}

function numeric(operator: string, old: unknown, path: string): unknown {
  if (!isNumeric(old))
    throw typeMismatch(
      `Cannot apply ${operator} to a value of non-numeric type. The field '${path}' is of non-numeric type ${typeName(old)}`,
    );
  return old;
}

function currentDate(operand: unknown): unknown {
  const type = isDoc(operand) ? operand['$type'] : operand;
  if (type === true || type === false || type === 'date') return new Date();
  if (type === 'timestamp') return new Timestamp({ t: Math.floor(Date.now() / 1000), i: 1 });
  throw badValue("$currentDate needs true or { $type: 'date' | 'timestamp' }");
}

function bit(operand: unknown, path: string): Change {
  if (!isDoc(operand) || Object.keys(operand).length === 0)
    throw badValue(`The $bit modifier needs a document such as {and: 5}, at ${path}`);
  const steps = Object.entries(operand);
  for (const [name, value] of steps) {
    if (!['and', 'or', 'xor'].includes(name))
      throw badValue(`The $bit modifier only supports 'and', 'or', and 'xor', not '${name}'`);
    if (!['int', 'long'].includes(typeName(value)))
      throw badValue('The $bit modifier field must be an Integer(32/64 bit)');
  }
  return (old) => {
    if (old !== undefined && !['int', 'long'].includes(typeName(old)))
      throw badValue(`Cannot apply $bit to a value of non-integral type ${typeName(old)}`);
    return steps.reduce<unknown>((value, [name, mask]) => bitwise(name, value, mask), old ?? 0);
  };
}

/** Update operators on one field that do not deal with arrays. */
export const scalarOperators: Readonly<Record<string, (operand: unknown, path: string) => Change>> = {
  $set: (operand) => () => operand,
  $setOnInsert: (operand) => () => operand,
  $inc: (operand, path) => {
    const step = number('$inc', operand, path);
    return (old) => (old === undefined ? step : arithmetic('+', numeric('$inc', old, path), step));
  },
  $mul: (operand, path) => {
    const factor = number('$mul', operand, path);
    return (old) => arithmetic('*', old === undefined ? 0 : numeric('$mul', old, path), factor);
  },
  $min: (operand) => (old) => (old === undefined || compare(operand, old) < 0 ? operand : undefined),
  $max: (operand) => (old) => (old === undefined || compare(operand, old) > 0 ? operand : undefined),
  $currentDate: (operand) => {
    currentDate(operand);
    return () => currentDate(operand);
  },
  $bit: bit,
};

/** Whether an update document uses operators; a mix with plain fields is refused. @throws FailedToParse */
export function usesOperators(update: Readonly<Record<string, unknown>>): boolean {
  const keys = Object.keys(update);
  const operators = keys.filter((key) => key.startsWith('$'));
  if (operators.length === 0) return false;
  const plain = keys.find((key) => !key.startsWith('$'));
  if (plain !== undefined && keys[0]?.startsWith('$') === true) {
    throw failedToParse(
      `Unknown modifier: ${plain}. Expected a valid update modifier or pipeline-style update specified as an array`,
    );
  }
  if (plain !== undefined)
    throw failedToParse(
      `The dollar ($) prefixed field '${operators[0]}' is not allowed in the context of an update's replacement document.`,
    );
  return true;
}
