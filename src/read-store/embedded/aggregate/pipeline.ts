import { failedToParse, failure, notSupported, typeMismatch } from '../errors.js';
import { isDoc } from '../bson/values.js';
import type { Doc } from '../bson/values.js';
import { documentStages } from './document-stages.js';
import { groupStages } from './group-stages.js';
import { joinStages } from './join-stages.js';
import type { CompileStage, Environment, Stage } from './stage.js';
import type { Variables } from './scope.js';

const stages: Readonly<Record<string, CompileStage>> = { ...documentStages, ...groupStages, ...joinStages };

/** Stages MongoDB has and this store has not: said so, rather than called unknown. */
const unsupported = new Set([
  '$bucketAuto',
  '$changeStream',
  '$collStats',
  '$currentOp',
  '$densify',
  '$documents',
  '$fill',
  '$geoNear',
  '$graphLookup',
  '$indexStats',
  '$listSessions',
  '$merge',
  '$out',
  '$planCacheStats',
  '$redact',
  '$search',
  '$searchMeta',
  '$setWindowFields',
  '$vectorSearch',
]);

const inUpdates = new Set(['$addFields', '$set', '$project', '$unset', '$replaceRoot', '$replaceWith']);

/** The name and operand of a stage. @throws MongoFailure for what is not one */
export function stageOf(given: unknown): [string, unknown] {
  if (!isDoc(given)) throw typeMismatch("Each element of the 'pipeline' array must be an object");
  const [name, ...more] = Object.keys(given);
  if (name === undefined || more.length > 0)
    throw failure(40323, 'A pipeline stage specification object must contain exactly one field.');
  return [name, given[name]];
}

function compileStage(given: unknown, environment: Environment): Stage {
  const [name, spec] = stageOf(given);
  if (unsupported.has(name)) throw notSupported(`The pipeline stage ${name}`);
  const compile = Object.hasOwn(stages, name) ? stages[name] : undefined;
  if (!compile) throw failure(40324, `Unrecognized pipeline stage name: '${name}'`);
  return compile(spec, environment);
}

/** Compiles a pipeline. @param collection gives the documents of a collection by its name */
export function compilePipeline(
  pipeline: unknown,
  variables: Variables,
  collection: (name: string) => readonly Doc[],
  depth = 0,
): Stage {
  if (!Array.isArray(pipeline)) throw typeMismatch("'pipeline' option must be specified as an array");
  if (depth > 20) throw failure(5054, 'Maximum number of nested sub-pipelines exceeded');
  const environment: Environment = {
    variables,
    collection,
    pipeline: (inner, more) => compilePipeline(inner, more, collection, depth + 1),
  };
  const compiled = pipeline.map((given: unknown) => compileStage(given, environment));
  return (input) => compiled.reduce((documents, stage) => stage(documents), input);
}

/** An update by a pipeline of stages that make one document of one. */
export function updatePipeline(pipeline: readonly unknown[], variables: Variables): (doc: Doc) => Doc {
  for (const given of pipeline) {
    const [name] = stageOf(given);
    if (!inUpdates.has(name)) throw failure(72, `${name} is not allowed to be used within an update`);
  }
  const run = compilePipeline(pipeline, variables, () => []);
  return (doc) => {
    const [made] = run([doc]);
    if (!made) throw failedToParse('the update pipeline gave no document');
    return made;
  };
}
