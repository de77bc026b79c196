import { field, has, isDoc } from './values.js';
import type { Doc } from './values.js';

const digits = /^\d+$/;
export const isArrayIndex = (part: string): boolean => digits.test(part);

/**
 * The values a filter on a dotted path sees, arrays on the way taken apart: `a.b` on `{ a: [{ b: 1 }, {}] }` gives 1 and
 * `undefined` (a document without the field). Scalars inside an array on the way give nothing.
 */
export function valuesAt(doc: Doc, path: readonly string[], from = 0): unknown[] {
  const single = path.length - from === 1;
  const name = path[from] ?? '';
  if (single) return [field(doc, name)];
  const found: unknown[] = [];
  collect(field(doc, name), path, from + 1, found);
  return found;
}

function collect(value: unknown, path: readonly string[], from: number, found: unknown[]): void {
  if (from === path.length) {
    found.push(value);
  } else if (isDoc(value)) {
    collect(field(value, path[from] ?? ''), path, from + 1, found);
  } else if (Array.isArray(value)) {
    const name = path[from] ?? '';
    if (isArrayIndex(name) && Number(name) < value.length) collect(value[Number(name)], path, from + 1, found);
    for (const item of value) if (isDoc(item)) collect(item, path, from, found);
  } else {
    found.push(undefined);
  }
}

/** Whether an array stands on the path or at its end; an index over it holds several keys per document. */
export function crossesArray(doc: Doc, path: readonly string[]): boolean {
  let value: unknown = doc;
  for (const part of path) {
    if (Array.isArray(value)) return true;
    value = isDoc(value) ? field(value, part) : undefined;
  }
  return Array.isArray(value);
}

/** Walks documents only; `undefined` when the path does not lead to a value. */
export function plainValueAt(doc: Doc, path: readonly string[]): unknown {
  let value: unknown = doc;
  for (const part of path) {
    if (!isDoc(value) || !has(value, part)) return undefined;
    value = value[part];
  }
  return value;
}
