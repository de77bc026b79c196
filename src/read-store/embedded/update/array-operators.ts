import { badValue } from '../errors.js';
import { equal, keyOf } from '../bson/compare.js';
import { isNumeric, toNumber } from '../bson/numbers.js';
import { bsonTypeOf, isDoc } from '../bson/values.js';
import type { Doc } from '../bson/values.js';
import { compileElement, isOperators } from '../query/filter.js';
import type { CompileExpression } from '../query/filter.js';
import { regexTest } from '../query/operators.js';
import { elementOrder } from '../query/sort.js';
import { typeName } from '../query/types.js';
import type { Change } from './operators.js';

type Items = readonly unknown[];

function arrayOf(operator: string, old: unknown, path: string): Items | undefined {
  if (old === undefined) return undefined;
  if (!Array.isArray(old))
    throw badValue(`The field '${path}' must be an array but is of type ${typeName(old)} (${operator})`);
  return old;
}

function wholeNumber(operand: unknown, what: string): number {
  const value = toNumber(operand);
  if (!isNumeric(operand) || !Number.isInteger(value)) throw badValue(`The value for ${what} must be an integer value`);
  return value;
}

function eachOf(operator: string, operand: unknown): { items: Items; modifiers: Doc } {
  if (!isDoc(operand) || !Object.hasOwn(operand, '$each')) return { items: [operand], modifiers: {} };
  const { $each: items, ...modifiers } = operand;
  if (!Array.isArray(items))
    throw badValue(`The argument to $each in ${operator} must be an array but it was of type: ${typeName(items)}`);
  return { items, modifiers };
}

/** The first items for a positive count, the last for a negative one. */
const sliced = (items: Items, count: number): Items => (count < 0 ? items.slice(count) : items.slice(0, count));

function push(operand: unknown): Change {
  const { items, modifiers } = eachOf('$push', operand);
  for (const name of Object.keys(modifiers)) {
    if (!['$slice', '$sort', '$position'].includes(name)) throw badValue(`Unrecognized clause in $push: ${name}`);
  }
  const position = Object.hasOwn(modifiers, '$position') ? wholeNumber(modifiers['$position'], '$position') : undefined;
  const slice = Object.hasOwn(modifiers, '$slice') ? wholeNumber(modifiers['$slice'], '$slice') : undefined;
  const order = Object.hasOwn(modifiers, '$sort') ? elementOrder(modifiers['$sort']) : undefined;
  return (old, path) => {
    const array = arrayOf('$push', old, path) ?? [];
    const at = position === undefined ? array.length : position < 0 ? Math.max(0, array.length + position) : position;
    let result: Items = [...array.slice(0, at), ...items, ...array.slice(at)];
    if (order) result = result.toSorted(order);
    return slice === undefined ? result : sliced(result, slice);
  };
}

/** Repeats that are there already stay. */
function addToSet(operand: unknown): Change {
  const { items, modifiers } = eachOf('$addToSet', operand);
  const [unknown] = Object.keys(modifiers);
  if (unknown !== undefined) throw badValue(`Found unexpected fields after $each in $addToSet: ${unknown}`);
  return (old, path) => {
    const array = arrayOf('$addToSet', old, path) ?? [];
    const seen = new Set(array.map(keyOf));
    const added = items.filter((item) => {
      const key = keyOf(item);
      return !seen.has(key) && seen.add(key);
    });
    return added.length === 0 && old !== undefined ? undefined : [...array, ...added];
  };
}

function pop(operand: unknown): Change {
  const direction = wholeNumber(operand, '$pop');
  if (direction !== 1 && direction !== -1) throw badValue(`$pop expects 1 or -1, found: ${direction}`);
  return (old, path) => {
    const array = arrayOf('$pop', old, path);
    return array === undefined || array.length === 0
      ? undefined
      : direction === 1
        ? array.slice(0, -1)
        : array.slice(1);
  };
}

function without(operator: string, drop: (element: unknown) => boolean): Change {
  return (old, path) => {
    const array = arrayOf(operator, old, path);
    const kept = array?.filter((element) => !drop(element));
    return kept === undefined || kept.length === array?.length ? undefined : kept;
  };
}

function pullAll(operand: unknown): Change {
  if (!Array.isArray(operand))
    throw badValue(`$pullAll requires an array argument but was given a ${typeName(operand)}`);
  const keys = new Set(operand.map(keyOf));
  return without('$pullAll', (element) => keys.has(keyOf(element)));
}

function pull(operand: unknown, expression: CompileExpression): Change {
  if (bsonTypeOf(operand) === 'BSONRegExp') {
    const test = regexTest(operand, undefined);
    return without('$pull', (element) => test([element]));
  }
  if (isDoc(operand)) {
    const test = compileElement(operand, expression);
    if (isOperators(operand)) return without('$pull', test);
    return without('$pull', (element) => isDoc(element) && test(element));
  }
  return without('$pull', (element) => equal(element, operand));
}

/** Update operators on arrays. */
export const arrayOperators: Readonly<Record<string, (operand: unknown, expression: CompileExpression) => Change>> = {
  $push: push,
  $addToSet: addToSet,
  $pop: pop,
  $pull: pull,
  $pullAll: pullAll,
};
