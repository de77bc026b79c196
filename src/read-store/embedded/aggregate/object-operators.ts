import { failure } from '../errors.js';
import { field, isDoc, setField } from '../bson/values.js';
import type { Doc } from '../bson/values.js';
import { typeName } from '../query/types.js';
import { evaluated, isNullish, listOf, named } from './arguments.js';
import type { Operator } from './arguments.js';

export function merge(into: Doc, value: unknown): Doc {
  if (isNullish(value)) return into;
  if (!isDoc(value))
    throw failure(40400, `$mergeObjects requires object inputs, but input is of type ${typeName(value)}`);
  for (const key of Object.keys(value)) setField(into, key, value[key]);
  return into;
}

function pairOf(item: unknown): [unknown, unknown] {
  if (Array.isArray(item) && item.length === 2) return [item[0], item[1]];
  if (isDoc(item) && Object.hasOwn(item, 'k') && Object.hasOwn(item, 'v')) return [item['k'], item['v']];
  throw failure(40392, '$arrayToObject requires an array of [key, value] pairs or of { k, v } documents');
}

const getField: Operator = (operand, compile) => {
  const parts =
    isDoc(operand) && Object.hasOwn(operand, 'field')
      ? named('$getField', operand, compile, ['field'], ['input'])
      : { field: compile(operand) };
  const name = parts['field'];
  const input = 'input' in parts ? parts['input'] : undefined;
  return (scope) => {
    const key = name?.(scope);
    if (typeof key !== 'string')
      throw failure(3041704, `$getField requires 'field' to evaluate to type string, but got ${typeName(key)}`);
    const from = input ? input(scope) : scope.root;
    return isNullish(from) ? null : isDoc(from) ? field(from, key) : undefined;
  };
};

/** Operators on documents. */
export const objectOperators: Readonly<Record<string, Operator>> = {
  $mergeObjects: (operand, compile) => {
    const list = listOf(operand).map((part) => compile(part));
    return (scope) => {
      const values = list.map((part) => part(scope));
      const [only] = values;
      return (values.length === 1 && Array.isArray(only) ? (only as unknown[]) : values).reduce<Doc>(merge, {});
    };
  },
  $objectToArray: evaluated('$objectToArray', 1, 1, (value) => {
    if (isNullish(value)) return null;
    if (!isDoc(value)) throw failure(40390, `$objectToArray requires a document input, found: ${typeName(value)}`);
    return Object.entries(value).map(([k, v]) => ({ k, v }));
  }),
  $arrayToObject: evaluated('$arrayToObject', 1, 1, (value) => {
    if (isNullish(value)) return null;
    if (!Array.isArray(value))
      throw failure(40386, `$arrayToObject requires an array input, found: ${typeName(value)}`);
    const made: Doc = {};
    for (const item of value as unknown[]) {
      const [key, entry] = pairOf(item);
      if (typeof key !== 'string')
        throw failure(40394, `$arrayToObject requires keys of type string, found: ${typeName(key)}`);
      setField(made, key, entry);
    }
    return made;
  }),
  $getField: getField,
  $setField: (operand, compile) => {
    const parts = named('$setField', operand, compile, ['field', 'input', 'value']);
    return (scope) => {
      const [key, input, value] = [parts['field']?.(scope), parts['input']?.(scope), parts['value']?.(scope)];
      if (typeof key !== 'string')
        throw failure(4161107, `$setField requires 'field' to evaluate to type string, but got ${typeName(key)}`);
      if (isNullish(input)) return null;
      const made = merge({}, input);
      if (value === undefined) delete made[key];
      else setField(made, key, value);
      return made;
    };
  },
};
