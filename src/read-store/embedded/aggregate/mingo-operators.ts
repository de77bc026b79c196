import { computeValue, Context, ProcessingMode } from 'mingo/core';
import * as trigonometry from 'mingo/operators/expression/trignometry';
import * as arithmetic from 'mingo/operators/expression/arithmetic';
import { failure, notSupported } from '../errors.js';
import { isNumeric, toNumber } from '../bson/numbers.js';
import { bsonTypeOf, double } from '../bson/values.js';
import { typeName } from '../query/types.js';
import { evaluated, isNullish } from './arguments.js';
import type { Operator } from './arguments.js';

const { $exp, $ln, $log, $log10, $pow, $sqrt } = arithmetic;
const context = Context.init({ expression: { ...trigonometry, $exp, $ln, $log, $log10, $pow, $sqrt } });
const options = {
  context,
  idKey: '_id',
  scriptEnabled: false,
  useStrictMode: true,
  failOnError: true,
  processingMode: ProcessingMode.CLONE_OFF,
};

/**
 * Mathematics on doubles, by mingo. Its other operators are not used: they know no BSON types, compare arrays without
 * regard to order, and cut dates and strings in other ways than MongoDB.
 */
function mathematics(name: string, operands: 1 | 2): Operator {
  return evaluated(name, operands, operands, (...values) => {
    if (values.some(isNullish)) return null;
    const numbers = values.map((value) => {
      if (bsonTypeOf(value) === 'Decimal128') throw notSupported('Arithmetic on Decimal128 values');
      if (!isNumeric(value)) throw failure(28765, `${name} only supports numeric types, not ${typeName(value)}`);
      return toNumber(value);
    });
    const result: unknown = computeValue({}, operands === 1 ? numbers[0] : numbers, name, options);
    if (typeof result !== 'number') throw failure(2, `${name} is not defined for these numbers`);
    return name === '$pow' && values.every((value) => typeName(value) === 'int') && Number.isInteger(result)
      ? result
      : double(result);
  });
}

const unary = [
  '$exp',
  '$ln',
  '$log10',
  '$sqrt',
  '$sin',
  '$cos',
  '$tan',
  '$asin',
  '$acos',
  '$atan',
  '$sinh',
  '$cosh',
  '$tanh',
  '$degreesToRadians',
  '$radiansToDegrees',
];

export const mingoOperators: Readonly<Record<string, Operator>> = Object.fromEntries([
  ...unary.map((name): [string, Operator] => [name, mathematics(name, 1)]),
  ...['$log', '$pow', '$atan2'].map((name): [string, Operator] => [name, mathematics(name, 2)]),
]);
