import { failure } from '../errors.js';
import { keyOf } from '../bson/compare.js';
import { valuesAt } from '../bson/paths.js';
import { isDoc } from '../bson/values.js';
import type { Doc } from '../bson/values.js';
import { checkVariableName } from './arguments.js';
import { compileExpression } from './expression.js';
import { documentStages } from './document-stages.js';
import type { CompileStage, Environment } from './stage.js';

/** The values two fields are joined by: arrays by their elements and as a whole, a missing field as null. */
function joinKeys(doc: Doc, path: readonly string[]): string[] {
  const values = valuesAt(doc, path);
  const all =
    values.length === 0
      ? [null]
      : values.flatMap((value) => (Array.isArray(value) ? [...(value as unknown[]), value] : [value ?? null]));
  return all.map((value) => keyOf(value ?? null));
}

function text(spec: Doc, name: string): string {
  const value = spec[name];
  if (typeof value !== 'string') throw failure(9, `$lookup argument '${name}' must be a string`);
  return value;
}

function joinByFields(spec: Doc, foreign: readonly Doc[]): (doc: Doc) => readonly Doc[] {
  if (!Object.hasOwn(spec, 'localField') && !Object.hasOwn(spec, 'foreignField')) return () => foreign;
  const [local, other] = [text(spec, 'localField').split('.'), text(spec, 'foreignField').split('.')];
  const byKey = new Map<string, Set<Doc>>();
  for (const doc of foreign) {
    for (const key of joinKeys(doc, other)) {
      const found = byKey.get(key);
      if (found) found.add(doc);
      else byKey.set(key, new Set([doc]));
    }
  }
  const places = new Map(foreign.map((doc, i) => [doc, i]));
  return (doc) => {
    const found = new Set(joinKeys(doc, local).flatMap((key) => [...(byKey.get(key) ?? [])]));
    return [...found].toSorted((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0));
  };
}

const lookup: CompileStage = (spec, environment) => {
  if (!isDoc(spec)) throw failure(9, 'the $lookup stage specification must be an object');
  const odd = Object.keys(spec).find(
    (key) => !['from', 'localField', 'foreignField', 'as', 'let', 'pipeline'].includes(key),
  );
  if (odd !== undefined) throw failure(9, `unknown argument to $lookup: ${odd}`);
  if (!Object.hasOwn(spec, 'pipeline') && !(Object.hasOwn(spec, 'localField') && Object.hasOwn(spec, 'foreignField'))) {
    throw failure(9, "$lookup requires either 'pipeline' or both 'localField' and 'foreignField' to be specified");
  }
  const [from, as] = [text(spec, 'from'), text(spec, 'as')];
  const bound = isDoc(spec['let']) ? Object.entries(spec['let']) : [];
  const values = bound.map(([name, expression]): readonly [string, ReturnType<typeof compileExpression>] => {
    checkVariableName(name);
    return [name, compileExpression(expression, new Set(environment.variables.keys()))];
  });
  const nameOnly = new Map([...environment.variables, ...values.map(([name]): [string, unknown] => [name, null])]);
  if (Object.hasOwn(spec, 'pipeline')) environment.pipeline(spec['pipeline'], nameOnly);
  return (input) => {
    const join = joinByFields(spec, environment.collection(from));
    return input.map((doc) => {
      const scope = { root: doc, variables: environment.variables };
      const variables = new Map([
        ...environment.variables,
        ...values.map(([name, value]): [string, unknown] => [name, value(scope)]),
      ]);
      const found = join(doc);
      return setPath(
        doc,
        as,
        Object.hasOwn(spec, 'pipeline') ? environment.pipeline(spec['pipeline'], variables)(found) : found,
        environment,
      );
    });
  };
};

function setPath(doc: Doc, path: string, value: unknown, environment: Environment): Doc {
  const [made = doc] = documentStages['$addFields']?.({ [path]: { $literal: value } }, environment)([doc]) ?? [];
  return made;
}

const unionWith: CompileStage = (spec, environment) => {
  const options = typeof spec === 'string' ? { coll: spec } : spec;
  if (!isDoc(options) || typeof options['coll'] !== 'string') throw failure(9, "the $unionWith stage needs 'coll'");
  const { coll } = options;
  const run = Object.hasOwn(options, 'pipeline')
    ? environment.pipeline(options['pipeline'], environment.variables)
    : (docs: readonly Doc[]) => docs;
  return (input) => [...input, ...run(environment.collection(String(coll)))];
};

const facet: CompileStage = (spec, environment) => {
  if (!isDoc(spec) || Object.keys(spec).length === 0)
    throw failure(40169, 'the $facet specification must be a non-empty object');
  const facets = Object.entries(spec).map(([name, stages]) => ({
    name,
    run: environment.pipeline(stages, environment.variables),
  }));
  return (input) => [Object.fromEntries(facets.map(({ name, run }) => [name, run(input)]))];
};

/** Stages that use other collections or whole pipelines. */
export const joinStages: Readonly<Record<string, CompileStage>> = {
  $lookup: lookup,
  $unionWith: unionWith,
  $facet: facet,
};
