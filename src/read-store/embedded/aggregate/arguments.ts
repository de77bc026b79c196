import { failedToParse, failure } from '../errors.js';
import { isDoc } from '../bson/values.js';
import type { Expression, Scope } from './scope.js';

/** Compiles a part of an operand; `more` names variables that the part may use besides. */
export type Compile = (part: unknown, more?: readonly string[]) => Expression;

/** Compiles one operator with its operand. */
export type Operator = (operand: unknown, compile: Compile) => Expression;

/** A single operand may come without its array: `{ $size: '$a' }`, `{ $size: ['$a'] }`. */
export const listOf = (operand: unknown): readonly unknown[] => (Array.isArray(operand) ? operand : [operand]);

/** An operator of `min` to `max` operands that are all evaluated before. */
export function evaluated(name: string, min: number, max: number, apply: (...values: unknown[]) => unknown): Operator {
  return (operand, compile) => {
    const given = listOf(operand);
    if (given.length < min || given.length > max) {
      const wanted = min === max ? `exactly ${min}` : `at least ${min} and at most ${max}`;
      throw failure(16020, `Expression ${name} takes ${wanted} arguments. ${given.length} were passed in.`);
    }
    const parts = given.map((part) => compile(part));
    const [first, second] = parts;
    if (first && parts.length === 1) return (scope) => apply(first(scope));
    if (first && second && parts.length === 2) return (scope) => apply(first(scope), second(scope));
    return (scope) => apply(...parts.map((part) => part(scope)));
  };
}

/** The named operands of an operator, each compiled. @throws for unknown or missing names */
export function named(
  name: string,
  operand: unknown,
  compile: Compile,
  required: readonly string[],
  optional: readonly string[] = [],
): Readonly<Record<string, Expression>> {
  if (!isDoc(operand)) throw failure(28667, `${name} only supports an object as its argument`);
  for (const key of Object.keys(operand)) {
    if (!required.includes(key) && !optional.includes(key))
      throw failure(28666, `Unrecognized argument to ${name}: ${key}`);
  }
  for (const key of required)
    if (!Object.hasOwn(operand, key)) throw failure(28665, `Missing '${key}' argument to ${name}`);
  return Object.fromEntries(Object.keys(operand).map((key) => [key, compile(operand[key])]));
}

/** The scope with further variables. */
export function withVariables(scope: Scope, more: Iterable<readonly [string, unknown]>): Scope {
  return { root: scope.root, variables: new Map([...scope.variables, ...more]) };
}

export const isNullish = (value: unknown): boolean => value === null || value === undefined;

/** @throws FailedToParse */
export function checkVariableName(name: string): void {
  if (!/^[a-z\u0080-\uffff][\w\u0080-\uffff]*$/u.test(name))
    throw failedToParse(`'${name}' starts with an invalid character for a user variable name`);
}
