import { badValue, failure } from '../errors.js';
import { valuesAt } from '../bson/paths.js';
import { bsonTypeOf, isDoc } from '../bson/values.js';
import type { Doc } from '../bson/values.js';
import { equality, operators, regexTest } from './operators.js';
import type { Test } from './operators.js';

export type Predicate = (doc: Doc) => boolean;
/** Compiles `$expr`; handed in by the aggregation so that filters do not depend on it. */
export type CompileExpression = (expression: unknown) => (doc: Doc) => boolean;

const refusedTopLevel: Readonly<Record<string, () => Error>> = {
  $where: () => badValue('$where is not allowed: server-side JavaScript is not supported'),
  $text: () => failure(27, 'text index required for $text query'),
  $jsonSchema: () => failure(115, '$jsonSchema is not supported by the embedded read store'),
};

const maxDepth = 100;

/** Compiles a filter once so that it can be run over many documents. @throws MongoFailure for what is not supported */
export function compileFilter(filter: Doc, expr: CompileExpression, depth = 0): Predicate {
  if (depth > maxDepth) throw badValue(`Exceeded depth limit of ${maxDepth} in query`);
  const parts = Object.keys(filter).map((key) => compilePart(key, filter[key], expr, depth));
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  return (doc) => parts.every((part) => part(doc));
}

function compilePart(key: string, value: unknown, expr: CompileExpression, depth: number): Predicate {
  if (!key.startsWith('$')) return compileField(key, value, expr, depth);
  switch (key) {
    case '$and': {
      const every = compileList(key, value, expr, depth);
      return (doc) => every.every((part) => part(doc));
    }
    case '$or': {
      const any = compileList(key, value, expr, depth);
      return (doc) => any.some((part) => part(doc));
    }
    case '$nor': {
      const none = compileList(key, value, expr, depth);
      return (doc) => !none.some((part) => part(doc));
    }
    case '$expr':
      return expr(value);
    case '$comment':
      return () => true;
    default:
      throw refusedTopLevel[key]?.() ?? badValue(`unknown top level operator: ${key}`);
  }
}

function compileList(name: string, value: unknown, expr: CompileExpression, depth: number): Predicate[] {
  if (!Array.isArray(value) || value.length === 0) throw badValue(`${name} must be a nonempty array`);
  return value.map((item: unknown) => {
    if (!isDoc(item)) throw badValue(`${name} argument's entries must be objects`);
    return compileFilter(item, expr, depth + 1);
  });
}

/** Whether a filter value is a document of operators, such as `{ $gt: 5 }`, and not a value to be equal to. */
export function isOperators(value: unknown): value is Doc {
  if (!isDoc(value)) return false;
  const first = Object.keys(value)[0];
  return first !== undefined && first.startsWith('$') && first !== '$ref' && first !== '$id' && first !== '$db';
}

function compileField(path: string, condition: unknown, expr: CompileExpression, depth: number): Predicate {
  const parts = path.split('.');
  const test = isOperators(condition)
    ? compileOperators(condition, expr, depth)
    : bsonTypeOf(condition) === 'BSONRegExp'
      ? regexTest(condition, undefined)
      : equality(condition);
  const [name = ''] = parts;
  if (parts.length === 1)
    return (doc) => test([Object.prototype.hasOwnProperty.call(doc, name) ? doc[name] : undefined]);
  return (doc) => test(valuesAt(doc, parts));
}

function compileOperators(condition: Doc, expr: CompileExpression, depth: number): Test {
  const tests: Test[] = [];
  for (const name of Object.keys(condition)) {
    if (name === '$options') {
      if (!Object.hasOwn(condition, '$regex')) throw badValue('$options needs a $regex');
      continue;
    }
    tests.push(compileOperator(name, condition[name], condition, expr, depth + 1));
  }
  const [first] = tests;
  if (first !== undefined && tests.length === 1) return first;
  return (values) => tests.every((test) => test(values));
}

function compileOperator(name: string, operand: unknown, siblings: Doc, expr: CompileExpression, depth: number): Test {
  if (depth > maxDepth) throw badValue(`Exceeded depth limit of ${maxDepth} in query`);
  switch (name) {
    case '$not': {
      const inner = bsonTypeOf(operand) === 'BSONRegExp' ? regexTest(operand, undefined) : undefined;
      if (inner === undefined && !isOperators(operand)) throw badValue('$not needs a regex or a document');
      const test = inner ?? compileOperators(isDoc(operand) ? operand : {}, expr, depth);
      return (values) => !test(values);
    }
    case '$regex':
      return regexTest(operand, siblings['$options']);
    case '$elemMatch':
      return elemMatch(operand, expr, depth);
    case '$all':
      return all(operand, expr, depth);
    default: {
      const operator = operators[name];
      if (operator === undefined || !Object.hasOwn(operators, name)) throw badValue(`unknown operator: ${name}`);
      return operator(operand);
    }
  }
}

/** A test for one element of an array: of its fields, or of the element itself when operators stand alone. */
export function compileElement(criteria: unknown, expr: CompileExpression, depth = 0): (element: unknown) => boolean {
  if (!isDoc(criteria)) throw badValue('$elemMatch needs an Object');
  const first = Object.keys(criteria)[0];
  const logical = first === '$and' || first === '$or' || first === '$nor';
  if (isOperators(criteria) && !logical) {
    const test = compileOperators(criteria, expr, depth);
    // The element is looked at as a whole: a nested array is not taken apart again.
    return (element) => test([Array.isArray(element) ? [element] : element]);
  }
  if (Object.hasOwn(criteria, '$expr')) throw badValue('$expr can only be applied to the top-level document');
  const predicate = compileFilter(criteria, expr, depth);
  return (element) => (isDoc(element) ? predicate(element) : Array.isArray(element) && predicate({ ...element }));
}

function elemMatch(operand: unknown, expr: CompileExpression, depth: number): Test {
  const test = compileElement(operand, expr, depth);
  return (values) => values.some((value) => Array.isArray(value) && value.some(test));
}

function all(operand: unknown, expr: CompileExpression, depth: number): Test {
  if (!Array.isArray(operand)) throw badValue('$all needs an array');
  const tests = operand.map((item: unknown): Test => {
    if (isOperators(item)) {
      if (!Object.hasOwn(item, '$elemMatch')) throw badValue('no $ expressions in $all');
      return elemMatch(item['$elemMatch'], expr, depth);
    }
    return bsonTypeOf(item) === 'BSONRegExp' ? regexTest(item, undefined) : equality(item);
  });
  return (values) => tests.length > 0 && tests.every((test) => test(values));
}
