import { failure } from '../errors.js';
import { field, isDoc, setField } from '../bson/values.js';
import type { Doc } from '../bson/values.js';
import { operators } from './operators.js';
import type { Expression } from './scope.js';

const maxDepth = 200;

/** Compiles an expression. @param names variables in reach. @throws MongoFailure for unknown operators and variables */
export function compileExpression(expression: unknown, names: ReadonlySet<string>, depth = 0): Expression {
  if (depth > maxDepth) throw failure(15, `Expression exceeded the depth limit of ${maxDepth}`);
  if (typeof expression === 'string' && expression.startsWith('$')) return compileReference(expression, names);
  if (Array.isArray(expression)) {
    const items = expression.map((item: unknown) => compileExpression(item, names, depth + 1));
    // A missing field becomes null as an element.
    return (scope) => items.map((item) => item(scope) ?? null);
  }
  if (isDoc(expression)) return compileObject(expression, names, depth);
  return () => expression;
}

function compileObject(expression: Doc, names: ReadonlySet<string>, depth: number): Expression {
  const keys = Object.keys(expression);
  const [first] = keys;
  if (first?.startsWith('$') === true) {
    if (keys.length > 1) throw failure(15983, 'An object representing an expression must have exactly one field');
    return compileOperator(first, expression[first], names, depth + 1);
  }
  const fields = keys.map((key): [string, Expression] => {
    if (key.startsWith('$'))
      throw failure(
        16410,
        `FieldPath field names may not start with '$'. Consider using $getField or $setField: ${key}`,
      );
    if (key.includes('.')) throw failure(16412, `FieldPath field names may not contain '.': ${key}`);
    return [key, compileExpression(expression[key], names, depth + 1)];
  });
  return (scope) => {
    const made: Doc = {};
    for (const [key, value] of fields) {
      const result = value(scope);
      if (result !== undefined) setField(made, key, result);
    }
    return made;
  };
}

function compileOperator(name: string, operand: unknown, names: ReadonlySet<string>, depth: number): Expression {
  const operator = Object.hasOwn(operators, name) ? operators[name] : undefined;
  if (!operator) throw failure(168, `Unrecognized expression '${name}'`);
  return operator(operand, (part, more) => compileExpression(part, more ? new Set([...names, ...more]) : names, depth));
}

function compileReference(reference: string, names: ReadonlySet<string>): Expression {
  const variable = reference.startsWith('$$');
  const [name = '', ...rest] = reference.slice(variable ? 2 : 1).split('.');
  const path = variable ? rest : [name, ...rest];
  if (path.includes('') || (name === '' && path.length === 0))
    throw failure(40353, "FieldPath must not end with a '.' or be empty.");
  if (path.some((part) => part.startsWith('$'))) throw failure(16410, "FieldPath field names may not start with '$'");
  const [single] = path;
  if (!variable && path.length === 1 && single !== undefined) return (scope) => field(scope.root, single);
  if (!variable || name === 'ROOT' || name === 'CURRENT') return (scope) => pathValue(scope.root, path);
  if (name === 'REMOVE') return () => undefined;
  if (name !== 'NOW' && !names.has(name)) throw failure(17276, `Use of undefined variable: ${name}`);
  return (scope) => pathValue(scope.variables.get(name), path);
}

/** In expressions a path through an array gives an array of what its documents have there; positions mean nothing. */
export function pathValue(value: unknown, path: readonly string[], from = 0): unknown {
  let current = value;
  for (let i = from; i < path.length; i++) {
    if (Array.isArray(current)) {
      return current
        .map((item: unknown) => (isDoc(item) || Array.isArray(item) ? pathValue(item, path, i) : undefined))
        .filter((item) => item !== undefined);
    }
    if (!isDoc(current)) return undefined;
    current = field(current, path[i] ?? '');
  }
  return current;
}
