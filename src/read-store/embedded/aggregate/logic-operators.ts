import { failure } from '../errors.js';
import { compare } from '../bson/compare.js';
import { isDoc } from '../bson/values.js';
import { checkVariableName, evaluated, isNullish, listOf, named, withVariables } from './arguments.js';
import type { Operator } from './arguments.js';
import { truthy } from './scope.js';

const comparing = (name: string, holds: (order: number) => boolean): Operator =>
  evaluated(name, 2, 2, (a, b) => holds(compare(a, b)));

const cond: Operator = (operand, compile) => {
  if (!Array.isArray(operand)) {
    const parts = named('$cond', operand, compile, ['if', 'then', 'else']);
    return (scope) => (truthy(parts['if']?.(scope)) ? parts['then']?.(scope) : parts['else']?.(scope));
  }
  if (operand.length !== 3) {
    throw failure(16020, `Expression $cond takes exactly 3 arguments. ${operand.length} were passed in.`);
  }
  const [test, yes, no] = operand.map((part: unknown) => compile(part));
  return (scope) => (truthy(test?.(scope)) ? yes?.(scope) : no?.(scope));
};

const switchOperator: Operator = (operand, compile) => {
  if (!isDoc(operand) || !Array.isArray(operand['branches']) || operand['branches'].length === 0) {
    throw failure(40068, '$switch requires at least one branch.');
  }
  const branches = operand['branches'].map((branch: unknown) => named('$switch', branch, compile, ['case', 'then']));
  const fallback = Object.hasOwn(operand, 'default') ? compile(operand['default']) : undefined;
  return (scope) => {
    for (const branch of branches) if (truthy(branch['case']?.(scope))) return branch['then']?.(scope);
    if (!fallback)
      throw failure(40066, '$switch could not find a matching branch for an input, and no default was specified.');
    return fallback(scope);
  };
};

const letOperator: Operator = (operand, compile) => {
  if (!isDoc(operand) || !isDoc(operand['vars']) || !Object.hasOwn(operand, 'in'))
    throw failure(16876, "$let needs 'vars' and 'in'");
  const names = Object.keys(operand['vars']);
  names.forEach(checkVariableName);
  const values = Object.values(operand['vars']).map((value) => compile(value));
  const body = compile(operand['in'], names);
  return (scope) =>
    body(
      withVariables(
        scope,
        names.map((name, i) => [name, values[i]?.(scope)]),
      ),
    );
};

/** Comparison, logic, conditions and variables. */
export const logicOperators: Readonly<Record<string, Operator>> = {
  $eq: comparing('$eq', (order) => order === 0),
  $ne: comparing('$ne', (order) => order !== 0),
  $gt: comparing('$gt', (order) => order > 0),
  $gte: comparing('$gte', (order) => order >= 0),
  $lt: comparing('$lt', (order) => order < 0),
  $lte: comparing('$lte', (order) => order <= 0),
  $cmp: evaluated('$cmp', 2, 2, (a, b) => Math.sign(compare(a, b))),
  $and: (operand, compile) => {
    const parts = listOf(operand).map((part) => compile(part));
    return (scope) => parts.every((part) => truthy(part(scope)));
  },
  $or: (operand, compile) => {
    const parts = listOf(operand).map((part) => compile(part));
    return (scope) => parts.some((part) => truthy(part(scope)));
  },
  $not: evaluated('$not', 1, 1, (value) => !truthy(value)),
  $cond: cond,
  $ifNull: (operand, compile) => {
    const parts = listOf(operand).map((part) => compile(part));
    if (parts.length < 2) throw failure(1257300, '$ifNull needs at least two arguments');
    return (scope) => {
      let value: unknown;
      for (const part of parts) {
        value = part(scope);
        if (!isNullish(value)) return value;
      }
      return value;
    };
  },
  $switch: switchOperator,
  $let: letOperator,
  $literal: (operand) => () => operand,
};
