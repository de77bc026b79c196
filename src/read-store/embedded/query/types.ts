import { badValue } from '../errors.js';
import { isNumeric, toNumber } from '../bson/numbers.js';
import { bsonTypeOf, isDoc, isInt32 } from '../bson/values.js';

/** MongoDB's type names and numbers. */
const numbers: Readonly<Record<string, number>> = {
  double: 1,
  string: 2,
  object: 3,
  array: 4,
  binData: 5,
  undefined: 6,
  objectId: 7,
  bool: 8,
  date: 9,
  null: 10,
  regex: 11,
  dbPointer: 12,
  javascript: 13,
  symbol: 14,
  javascriptWithScope: 15,
  int: 16,
  timestamp: 17,
  long: 18,
  decimal: 19,
  minKey: -1,
  maxKey: 127,
};

const classes: Readonly<Record<string, string>> = {
  Double: 'double',
  Long: 'long',
  Decimal128: 'decimal',
  Binary: 'binData',
  ObjectId: 'objectId',
  BSONRegExp: 'regex',
  BSONSymbol: 'symbol',
  Timestamp: 'timestamp',
  MinKey: 'minKey',
  MaxKey: 'maxKey',
};

/** The BSON type name of a value, `missing` where there is none. */
export function typeName(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return isInt32(value) ? 'int' : 'double';
  if (Array.isArray(value)) return 'array';
  if (value instanceof Date) return 'date';
  if (isDoc(value)) return 'object';
  const type = bsonTypeOf(value) ?? '';
  if (type === 'Code') return 'scope' in Object(value) && Object(value).scope ? 'javascriptWithScope' : 'javascript';
  return classes[type] ?? 'undefined';
}

const numeric = new Set(['double', 'int', 'long', 'decimal']);

/** `$type`: by name, by number or a list of either; holds for a value or an element of an array. */
export function typeTest(operand: unknown): (values: readonly unknown[]) => boolean {
  const wanted = new Set<string>();
  for (const item of Array.isArray(operand) ? (operand as unknown[]) : [operand])
    for (const name of wantedTypes(item)) wanted.add(name);
  if (wanted.size === 0) throw badValue('$type must match at least one type');
  const holds = (value: unknown): boolean => value !== undefined && wanted.has(typeName(value));
  return (values) => values.some((value) => holds(value) || (Array.isArray(value) && value.some(holds)));
}

function wantedTypes(item: unknown): Iterable<string> {
  if (item === 'number') return numeric;
  if (typeof item === 'string') {
    if (!Object.hasOwn(numbers, item)) throw badValue(`Unknown type name alias: ${item}`);
    return [item];
  }
  if (!isNumeric(item)) throw badValue('type must be represented as a number or a string');
  const name = Object.keys(numbers).find((key) => numbers[key] === toNumber(item));
  if (name === undefined) throw badValue(`Invalid numerical type code: ${toNumber(item)}`);
  return [name];
}
