import { failure } from '../errors.js';
import { equal } from '../bson/compare.js';
import { isNumeric, toNumber } from '../bson/numbers.js';
import { isDoc } from '../bson/values.js';
import type { Doc } from '../bson/values.js';

/** An index as it is created, listed and stored. */
export interface IndexSpec {
  readonly name: string;
  /** Path to 1 or -1, in order. */
  readonly key: Doc;
  readonly unique: boolean;
  readonly sparse: boolean;
  readonly partialFilterExpression?: Doc;
}

export const idIndex: IndexSpec = { name: '_id_', key: { _id: 1 }, unique: true, sparse: false };

const ignored = new Set([
  'v',
  'background',
  'ns',
  'key',
  'name',
  'unique',
  'sparse',
  'partialFilterExpression',
  'storageEngine',
]);

/** @throws MongoFailure for kinds of index that are not ordered ones, and for options that would change results. */
export function parseIndexSpec(given: unknown): IndexSpec {
  if (!isDoc(given)) throw failure(14, 'index specifications must be objects');
  const key = given['key'];
  if (!isDoc(key)) throw failure(9, "The 'key' field is a required property of an index specification");
  const fields = Object.keys(key);
  if (fields.length === 0) throw failure(67, 'Index keys cannot be an empty object.');
  for (const path of fields) checkField(path, key[path]);
  if (typeof given['name'] !== 'string' || given['name'] === '') {
    throw failure(9, "The 'name' field is a required property of an index specification");
  }
  for (const option of Object.keys(given)) {
    if (ignored.has(option) || (option === 'hidden' && given[option] === false)) continue;
    if (option === 'collation' && isDoc(given[option]) && given[option]['locale'] === 'simple') continue;
    throw failure(197, `The index option '${option}' is not supported by the embedded read store`);
  }
  const partial = given['partialFilterExpression'];
  if (partial !== undefined && !isDoc(partial))
    throw failure(67, "'partialFilterExpression' for an index has to be a document");
  if (partial !== undefined && truthy(given['sparse'])) {
    throw failure(67, "cannot mix 'partialFilterExpression' and 'sparse' options");
  }
  return {
    name: given['name'],
    key: Object.fromEntries(fields.map((path) => [path, toNumber(key[path]) > 0 ? 1 : -1])),
    unique: truthy(given['unique']),
    sparse: truthy(given['sparse']),
    ...(partial === undefined ? {} : { partialFilterExpression: partial }),
  };
}

const truthy = (value: unknown): boolean => value === true || (isNumeric(value) && toNumber(value) !== 0);

function checkField(path: string, direction: unknown): void {
  if (typeof direction === 'string') throw failure(67, `Unknown index plugin '${direction}'`);
  if (!isNumeric(direction) || toNumber(direction) === 0 || Number.isNaN(toNumber(direction))) {
    throw failure(67, 'Values in the index key pattern must be numbers other than 0, or strings');
  }
  if (path.includes('$**')) throw failure(67, 'wildcard indexes are not supported by the embedded read store');
  if (path.split('.').some((part) => part === '')) throw failure(67, 'Index keys cannot contain an empty field.');
  if (path.split('.').some((part) => part.startsWith('$'))) {
    throw failure(67, 'Index key contains an illegal field name: field name starts with "$".');
  }
}

export function sameIndex(a: IndexSpec, b: IndexSpec): boolean {
  return (
    equal(a.key, b.key) &&
    a.unique === b.unique &&
    a.sparse === b.sparse &&
    equal(a.partialFilterExpression ?? null, b.partialFilterExpression ?? null)
  );
}

/** As `listIndexes` shows it, and as it is stored. */
export function describeIndex(spec: IndexSpec): Doc {
  return {
    v: 2,
    key: spec.key,
    name: spec.name,
    ...(spec.unique && spec.name !== idIndex.name ? { unique: true } : {}),
    ...(spec.sparse ? { sparse: true } : {}),
    ...(spec.partialFilterExpression ? { partialFilterExpression: spec.partialFilterExpression } : {}),
  };
}
