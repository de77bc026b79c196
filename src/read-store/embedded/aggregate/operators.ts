import { arithmeticOperators } from './arithmetic-operators.js';
import { arrayOperators } from './array-operators.js';
import { logicOperators } from './logic-operators.js';
import { mingoOperators } from './mingo-operators.js';
import { objectOperators } from './object-operators.js';
import { dateOperators } from './date-operators.js';
import { stringOperators } from './string-operators.js';
import { setOperators } from './set-operators.js';
import { typeOperators } from './type-operators.js';
import type { Operator } from './arguments.js';

/** Every expression operator there is here. What is not in it is refused. */
export const operators: Readonly<Record<string, Operator>> = {
  ...logicOperators,
  ...arithmeticOperators,
  ...arrayOperators,
  ...objectOperators,
  ...setOperators,
  ...typeOperators,
  ...stringOperators,
  ...dateOperators,
  ...mingoOperators,
};
