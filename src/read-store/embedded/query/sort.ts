import { badValue, failure, notSupported } from '../errors.js';
import { compare } from '../bson/compare.js';
import { isNumeric, toNumber } from '../bson/numbers.js';
import { crossesArray, valuesAt } from '../bson/paths.js';
import { isDoc } from '../bson/values.js';
import type { Doc } from '../bson/values.js';

type Order<T> = (a: T, b: T) => number;

interface Part {
  readonly path: readonly string[];
  readonly direction: 1 | -1;
}

function directionOf(path: string, given: unknown): 1 | -1 {
  if (isDoc(given)) throw notSupported(`Sorting by ${Object.keys(given)[0] ?? '{}'}`);
  const direction = isNumeric(given) ? toNumber(given) : 0;
  if (direction !== 1 && direction !== -1)
    throw failure(15975, `$sort key ordering must be 1 (for ascending) or -1 (for descending), at ${path}`);
  return direction;
}

/** @throws MongoFailure for what is not a sort */
export function parseSort(sort: Doc): readonly Part[] {
  const paths = Object.keys(sort);
  if (paths.length > 32) throw badValue('too many fields in the sort specification');
  return paths.map((path) => {
    if (path === '' || path.startsWith('$'))
      throw failure(16410, `FieldPath field names may not start with '$': ${path}`);
    return { path: path.split('.'), direction: directionOf(path, sort[path]) };
  });
}

/** A missing field sorts as null, an array by its smallest (ascending) or largest element, an empty one before null. */
function sortValue(doc: Doc, { path, direction }: Part): unknown {
  const values = valuesAt(doc, path);
  if (!crossesArray(doc, path)) return values[0] ?? null;
  let best: unknown;
  let first = true;
  for (const value of values) {
    const candidates = Array.isArray(value)
      ? value.length === 0
        ? [undefined]
        : (value as unknown[])
      : [value ?? null];
    for (const candidate of candidates) {
      if (first || compare(candidate, best) * direction < 0) best = candidate;
      first = false;
    }
  }
  return first ? null : best;
}

/** Sorts without changing the order of equals. */
export function sortBy<T>(items: readonly T[], docOf: (item: T) => Doc, sort: Doc): T[] {
  const parts = parseSort(sort);
  const keyed = items.map((item) => ({ item, keys: parts.map((part) => sortValue(docOf(item), part)) }));
  keyed.sort((a, b) => {
    for (const [i, { direction }] of parts.entries()) {
      const order = compare(a.keys[i], b.keys[i]);
      if (order !== 0) return order * direction;
    }
    return 0;
  });
  return keyed.map(({ item }) => item);
}

/** The order of array elements in `$push … $sort`: by the elements themselves or by their fields. */
export function elementOrder(sort: unknown): Order<unknown> {
  if (!isDoc(sort)) {
    const direction = directionOf('$sort', sort);
    return (a, b) => compare(a, b) * direction;
  }
  const parts = parseSort(sort);
  if (parts.length === 0) throw badValue('The $sort pattern is empty when it should be a set of fields.');
  return (a, b) => {
    for (const part of parts) {
      const order = compare(isDoc(a) ? sortValue(a, part) : null, isDoc(b) ? sortValue(b, part) : null);
      if (order !== 0) return order * part.direction;
    }
    return 0;
  };
}
