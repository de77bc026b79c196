import type { Doc } from '../bson/values.js';
import type { CompileExpression } from '../query/filter.js';
import { checkVariableName } from './arguments.js';
import { compileExpression } from './expression.js';
import { truthy } from './scope.js';
import type { Variables } from './scope.js';

/** The variables of a command: those of `let`, and `NOW`, which stays the same throughout. @throws MongoFailure */
export function parseLet(given: Doc | undefined): Variables {
  const variables = new Map<string, unknown>([['NOW', new Date()]]);
  for (const [name, expression] of Object.entries(given ?? {})) {
    checkVariableName(name);
    variables.set(name, compileExpression(expression, new Set(['NOW']))({ root: {}, variables }));
  }
  return variables;
}

/** Lets a filter use `$expr` with these variables. */
export function expressionFilter(variables: Variables): CompileExpression {
  return (expression) => {
    const compiled = compileExpression(expression, new Set(variables.keys()));
    return (root) => truthy(compiled({ root, variables }));
  };
}
