import { keyOf } from '../bson/compare.js';
import { valuesAt } from '../bson/paths.js';
import type { Row } from '../store/index.js';

/** Every value of a path once, arrays by their elements. */
export function distinctValues(rows: readonly Row[], path: string): unknown[] {
  const parts = path.split('.');
  const found = new Map<string, unknown>();
  for (const { doc } of rows) {
    for (const value of valuesAt(doc, parts)) {
      for (const item of Array.isArray(value) ? (value as unknown[]) : [value]) {
        if (item !== undefined) {
          const key = keyOf(item);
          if (!found.has(key)) found.set(key, item);
        }
      }
    }
  }
  return [...found.values()];
}
