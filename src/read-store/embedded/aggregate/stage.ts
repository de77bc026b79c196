import { failure } from '../errors.js';
import type { Doc } from '../bson/values.js';
import { compileExpression } from './expression.js';
import type { Expression, Variables } from './scope.js';

/** What stages need from outside. */
export interface Environment {
  readonly variables: Variables;
  /** All documents of another collection of the same database. */
  readonly collection: (name: string) => readonly Doc[];
  /** Compiles a pipeline inside a stage, with further variables. */
  readonly pipeline: (stages: unknown, variables: Variables) => (input: readonly Doc[]) => readonly Doc[];
}

/** Turns the documents that come in into those that go on. */
export type Stage = (input: readonly Doc[]) => readonly Doc[];
export type CompileStage = (spec: unknown, environment: Environment) => Stage;

/** Compiles an expression of a stage into a function of the document. */
export function onDocument(expression: unknown, { variables }: Environment): (doc: Doc) => unknown {
  const compiled: Expression = compileExpression(expression, new Set(variables.keys()));
  return (root) => compiled({ root, variables });
}

export function wholeNumber(name: string, code: number, spec: unknown, min: number): number {
  const value = typeof spec === 'number' || typeof spec === 'object' ? Number(spec) : Number.NaN;
  if (!Number.isInteger(value) || value < min)
    throw failure(code, `invalid argument to ${name} stage: a whole number of at least ${min} is expected`);
  return value;
}
