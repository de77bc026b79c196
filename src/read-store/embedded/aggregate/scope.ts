import { isNumeric, toNumber } from '../bson/numbers.js';
import type { Doc } from '../bson/values.js';

export type Variables = ReadonlyMap<string, unknown>;

/** What an expression is evaluated on: the document and the variables in reach. */
export interface Scope {
  readonly root: Doc;
  readonly variables: Variables;
}

/** A compiled expression; `undefined` stands for a missing field. */
export type Expression = (scope: Scope) => unknown;

/** False, null, missing and zero are false; everything else is true. */
export function truthy(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return false;
  return !isNumeric(value) || toNumber(value) !== 0;
}
