import { failure } from '../errors.js';
import { clone, field, has, isDoc, setField } from '../bson/values.js';
import type { Doc } from '../bson/values.js';
import { compileFilter } from '../query/filter.js';
import { compileProjection, exclusion } from '../query/projection.js';
import { parseSort, sortBy } from '../query/sort.js';
import { typeName } from '../query/types.js';
import { expressionFilter } from './variables.js';
import { onDocument, wholeNumber } from './stage.js';
import type { CompileStage } from './stage.js';

const match: CompileStage = (spec, { variables }) => {
  if (!isDoc(spec)) throw failure(15959, 'the match filter must be an expression in an object');
  const predicate = compileFilter(spec, expressionFilter(variables));
  return (input) => input.filter(predicate);
};

const sort: CompileStage = (spec) => {
  if (!isDoc(spec)) throw failure(15973, 'the $sort key specification must be an object');
  if (Object.keys(spec).length === 0) throw failure(15976, '$sort stage must have at least one sort key');
  parseSort(spec);
  return (input) => sortBy(input, (doc) => doc, spec);
};

const project: CompileStage = (spec, { variables }) => {
  if (!isDoc(spec)) throw failure(15969, '$project specification must be an object');
  if (Object.keys(spec).length === 0) throw failure(51272, 'projection specification must have at least one field');
  const projection = compileProjection(spec, variables, expressionFilter(variables));
  return (input) => (projection ? input.map(projection) : input);
};

const unset: CompileStage = (spec, environment) => project(exclusion(Array.isArray(spec) ? spec : [spec]), environment);

/** Sets a computed value; through an array it is set in each document of it. */
function assign(target: Doc, path: readonly string[], value: unknown): void {
  const [name = '', ...rest] = path;
  if (rest.length === 0) {
    if (value === undefined) delete target[name];
    else setField(target, name, value);
    return;
  }
  const below = field(target, name);
  if (Array.isArray(below)) {
    setField(
      target,
      name,
      below.map((item: unknown) => assigned(item, rest, value)),
    );
  } else if (value !== undefined || isDoc(below)) setField(target, name, assigned(below, rest, value));
}

function assigned(value: unknown, path: readonly string[], to: unknown): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => assigned(item, path, to));
  const doc = isDoc(value) ? { ...value } : {};
  assign(doc, path, to);
  return doc;
}

/** Nested documents in `$addFields` name paths too, unless they are expressions. */
function* fieldsOf(spec: Doc, prefix: readonly string[]): Generator<[readonly string[], unknown]> {
  for (const [key, value] of Object.entries(spec)) {
    if (key === '' || key.startsWith('$')) throw failure(16410, `FieldPath field names may not start with '$': ${key}`);
    const path = [...prefix, ...key.split('.')];
    if (path.includes('')) throw failure(15998, 'FieldPath field names may not be empty strings.');
    const nested =
      isDoc(value) && Object.keys(value).length > 0 && !Object.keys(value).some((name) => name.startsWith('$'));
    if (nested) yield* fieldsOf(value, path);
    else yield [path, value];
  }
}

const addFields: CompileStage = (spec, environment) => {
  if (!isDoc(spec)) throw failure(40272, '$addFields specification stage must be an object');
  const fields = [...fieldsOf(spec, [])].map(([path, expression]) => ({
    path,
    value: onDocument(expression, environment),
  }));
  return (input) =>
    input.map((doc) => {
      const made = { ...doc };
      for (const { path, value } of fields) assign(made, path, value(doc));
      return made;
    });
};

function replaceWith(
  name: string,
  expression: unknown,
  environment: Parameters<CompileStage>[1],
): ReturnType<CompileStage> {
  const value = onDocument(expression, environment);
  return (input) =>
    input.map((doc) => {
      const made = value(doc);
      if (!isDoc(made))
        throw failure(
          40228,
          `'newRoot' expression of ${name} must evaluate to an object, but resulting value was of type: ${typeName(made)}`,
        );
      return made;
    });
}

const replaceRoot: CompileStage = (spec, environment) => {
  if (!isDoc(spec) || !has(spec, 'newRoot')) throw failure(40231, 'no newRoot specified for the $replaceRoot stage');
  return replaceWith('$replaceRoot', spec['newRoot'], environment);
};

const unwind: CompileStage = (spec) => {
  const options = typeof spec === 'string' ? { path: spec } : spec;
  if (!isDoc(options)) throw failure(15981, 'expected either a string or an object as specification for $unwind stage');
  const odd = Object.keys(options).find(
    (key) => !['path', 'preserveNullAndEmptyArrays', 'includeArrayIndex'].includes(key),
  );
  if (odd !== undefined) throw failure(28811, `unrecognized option to $unwind stage: ${odd}`);
  const { path, preserveNullAndEmptyArrays: preserve = false, includeArrayIndex: index } = options;
  if (typeof path !== 'string' || !path.startsWith('$') || path.length < 2)
    throw failure(28818, "path option to $unwind stage should be prefixed with a '$'");
  if (typeof preserve !== 'boolean')
    throw failure(28809, 'expected a boolean for the preserveNullAndEmptyArrays option to $unwind stage');
  if (index !== undefined && (typeof index !== 'string' || index === '' || index.startsWith('$')))
    throw failure(28822, 'includeArrayIndex option to $unwind stage should be a plain field name');
  const parts = path.slice(1).split('.');
  const indexPath = typeof index === 'string' ? index.split('.') : undefined;
  const made = (doc: Doc, value: unknown, at: number | null): Doc => {
    const copy = clone(doc);
    assign(copy, parts, value);
    if (indexPath) assign(copy, indexPath, at);
    return copy;
  };
  return (input) =>
    input.flatMap((doc) => {
      let value: unknown = doc;
      for (const part of parts) value = isDoc(value) ? field(value, part) : undefined;
      if (Array.isArray(value) && value.length > 0) return value.map((item: unknown, i) => made(doc, item, i));
      if (Array.isArray(value) || value === undefined || value === null)
        return preserve ? [made(doc, Array.isArray(value) ? undefined : value, null)] : [];
      return [made(doc, value, null)];
    });
};

const sample: CompileStage = (spec) => {
  const size = wholeNumber('$sample', 28747, isDoc(spec) ? spec['size'] : undefined, 1);
  return (input) => {
    const rest = [...input];
    for (let i = 0; i < Math.min(size, rest.length); i++) {
      const j = i + Math.floor(Math.random() * (rest.length - i));
      const [a, b] = [rest[i], rest[j]];
      if (a && b) [rest[i], rest[j]] = [b, a];
    }
    return rest.slice(0, size);
  };
};

/** Stages that look at one document after the other. */
export const documentStages: Readonly<Record<string, CompileStage>> = {
  $match: match,
  $sort: sort,
  $project: project,
  $unset: unset,
  $addFields: addFields,
  $set: addFields,
  $replaceRoot: replaceRoot,
  $replaceWith: (spec, environment) => replaceWith('$replaceWith', spec, environment),
  $unwind: unwind,
  $sample: sample,
  $limit: (spec) => {
    const limit = wholeNumber('$limit', 15958, spec, 1);
    return (input) => input.slice(0, limit);
  },
  $skip: (spec) => {
    const skip = wholeNumber('$skip', 15956, spec, 0);
    return (input) => input.slice(skip);
  },
};
