import { failure } from '../errors.js';
import { compare, keyOf } from '../bson/compare.js';
import { isDoc, setField } from '../bson/values.js';
import type { Doc } from '../bson/values.js';
import { sortBy } from '../query/sort.js';
import { accumulatorOf } from './accumulators.js';
import type { Accumulator } from './accumulators.js';
import { onDocument } from './stage.js';
import type { CompileStage, Environment, Stage } from './stage.js';

type MakeFields = readonly (readonly [string, () => Accumulator])[];

function fieldsOf(spec: Doc, environment: Environment): MakeFields {
  return Object.keys(spec).map((name) => {
    if (name.includes('.')) throw failure(40235, `The field name '${name}' cannot contain '.'`);
    return [name, accumulatorOf(name, spec[name], environment)];
  });
}

/** Groups by a key; a missing key is null. */
function grouping(idOf: (doc: Doc) => unknown, makers: MakeFields): Stage {
  return (input) => {
    const groups = new Map<string, { id: unknown; accumulators: (readonly [string, Accumulator])[] }>();
    for (const doc of input) {
      const id = idOf(doc) ?? null;
      const key = keyOf(id);
      let group = groups.get(key);
      if (!group) {
        group = { id, accumulators: makers.map(([name, make]) => [name, make()]) };
        groups.set(key, group);
      }
      for (const [, accumulator] of group.accumulators) accumulator.add(doc);
    }
    return [...groups.values()].map(({ id, accumulators }) => {
      const made: Doc = { _id: id };
      for (const [name, accumulator] of accumulators) setField(made, name, accumulator.result());
      return made;
    });
  };
}

const group: CompileStage = (spec, environment) => {
  if (!isDoc(spec)) throw failure(15947, "a group's fields must be specified in an object");
  if (!Object.hasOwn(spec, '_id')) throw failure(15955, 'a group specification must include an _id');
  const { _id: id, ...fields } = spec;
  return grouping(onDocument(id, environment), fieldsOf(fields, environment));
};

const count: CompileStage = (spec) => {
  if (typeof spec !== 'string' || spec === '' || spec.startsWith('$') || spec.includes('.'))
    throw failure(40156, 'the count field must be a non-empty string');
  return (input) => (input.length === 0 ? [] : [{ [spec]: input.length }]);
};

const sortByCount: CompileStage = (spec, environment) => {
  const counted = grouping(onDocument(spec, environment), fieldsOf({ count: { $sum: 1 } }, environment));
  return (input) => sortBy(counted(input), (doc) => doc, { count: -1 });
};

const bucket: CompileStage = (spec, environment) => {
  if (!isDoc(spec) || !Array.isArray(spec['boundaries']) || !Object.hasOwn(spec, 'groupBy'))
    throw failure(40198, "$bucket requires 'groupBy' and 'boundaries' to be specified.");
  const unknown = Object.keys(spec).find((key) => !['groupBy', 'boundaries', 'default', 'output'].includes(key));
  if (unknown !== undefined) throw failure(40197, `Unrecognized option to $bucket: ${unknown}`);
  const boundaries: readonly unknown[] = spec['boundaries'];
  if (boundaries.length < 2) throw failure(40192, "The $bucket 'boundaries' field must have at least 2 values");
  if (boundaries.some((value, i) => i > 0 && compare(boundaries[i - 1], value) >= 0))
    throw failure(40194, "The 'boundaries' option to $bucket must be sorted");
  const value = onDocument(spec['groupBy'], environment);
  const output = spec['output'] ?? { count: { $sum: 1 } };
  if (!isDoc(output)) throw failure(40196, "The $bucket 'output' field must be an object");
  const bucketOf = (doc: Doc): unknown => {
    const own = value(doc);
    const above = boundaries.findIndex((boundary) => compare(own, boundary) < 0);
    if (above > 0) return boundaries[above - 1];
    if (!Object.hasOwn(spec, 'default'))
      throw failure(40066, '$bucket could not find a matching bucket for an input, and no default was specified.');
    return spec['default'];
  };
  const grouped = grouping(bucketOf, fieldsOf(output, environment));
  return (input) => sortBy(grouped(input), (doc) => doc, { _id: 1 });
};

/** Stages that make one document of many. */
export const groupStages: Readonly<Record<string, CompileStage>> = {
  $group: group,
  $count: count,
  $sortByCount: sortByCount,
  $bucket: bucket,
};
