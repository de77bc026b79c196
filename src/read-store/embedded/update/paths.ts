import { badValue, failure } from '../errors.js';
import { isArrayIndex } from '../bson/paths.js';
import { has, isDoc, setField } from '../bson/values.js';
import type { Doc } from '../bson/values.js';
import { typeName } from '../query/types.js';

/** Longest run of nulls a write far behind the end of an array may fill in, as in MongoDB. */
const maxPadding = 1_500_000;

/** The value at a concrete path, array positions included; `undefined` when there is none. */
export function getAt(doc: Doc, path: readonly string[]): unknown {
  let value: unknown = doc;
  for (const part of path) {
    if (Array.isArray(value)) value = isArrayIndex(part) ? value[Number(part)] : undefined;
    else value = isDoc(value) && has(value, part) ? value[part] : undefined;
  }
  return value;
}

/** Sets the value, making documents on the way. @throws PathNotViable where a scalar is in the way */
export function setAt(doc: Doc, path: readonly string[], value: unknown): void {
  let container: unknown = doc;
  for (const [i, part] of path.entries()) {
    const last = i === path.length - 1;
    if (Array.isArray(container)) {
      const at = arrayPosition(container, part, path);
      const beyond = at >= container.length;
      if (beyond) padTo(container, at);
      if (last) container[at] = value;
      else if (beyond) container[at] = {};
      container = container[at];
    } else if (isDoc(container)) {
      if (last) setField(container, part, value);
      else if (!has(container, part)) setField(container, part, {});
      container = container[part];
    } else {
      throw failure(28, `Cannot create field '${part}' in element {${path[i - 1]}: ${JSON.stringify(container)}}`);
    }
  }
}

function arrayPosition(array: readonly unknown[], part: string, path: readonly string[]): number {
  if (!isArrayIndex(part)) {
    throw failure(
      28,
      `Cannot create field '${part}' in element {${path[path.indexOf(part) - 1]}: ${JSON.stringify(array)}}`,
    );
  }
  return Number(part);
}

function padTo(array: unknown[], at: number): void {
  if (at - array.length > maxPadding) throw badValue(`can't backfill more than ${maxPadding} elements`);
  while (array.length <= at) array.push(null);
}

/** Removes a field; an array keeps its length, the element becomes null. */
export function unsetAt(doc: Doc, path: readonly string[]): void {
  const container = path.length === 1 ? doc : getAt(doc, path.slice(0, -1));
  const last = path.at(-1) ?? '';
  if (Array.isArray(container)) {
    if (isArrayIndex(last) && Number(last) < container.length) container[Number(last)] = null;
  } else if (isDoc(container)) {
    delete container[last];
  }
}

export interface Positions {
  /** Which element of the array at this path the filter matched, for `$`. */
  matched(path: readonly string[]): number;
  /** The array filter of this name, for `$[name]`. */
  filter(name: string): (element: unknown) => boolean;
}

/** Replaces `$`, `$[]` and `$[name]` by the positions they stand for in this document. */
export function expandPath(doc: Doc, path: readonly string[], positions: Positions): string[][] {
  let expanded: string[][] = [[]];
  for (const part of path) {
    if (part === '$') expanded = expanded.map((prefix) => [...prefix, String(positions.matched(prefix))]);
    else if (part.startsWith('$[') && part.endsWith(']')) {
      const test = part === '$[]' ? () => true : positions.filter(part.slice(2, -1));
      expanded = expanded.flatMap((prefix) => elementsAt(doc, prefix, test));
    } else expanded = expanded.map((prefix) => [...prefix, part]);
  }
  return expanded;
}

function elementsAt(doc: Doc, path: readonly string[], test: (element: unknown) => boolean): string[][] {
  const array = getAt(doc, path);
  if (array === undefined) {
    throw badValue(`The path '${path.join('.')}' must exist in the document in order to apply array updates.`);
  }
  if (!Array.isArray(array)) {
    throw badValue(`Cannot apply array updates to non-array element ${path.join('.')}: of type ${typeName(array)}`);
  }
  return array.flatMap((element: unknown, i) => (test(element) ? [[...path, String(i)]] : []));
}
