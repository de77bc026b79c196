import { failedToParse, failure } from '../errors.js';
import { isDoc } from '../bson/values.js';
import type { Doc } from '../bson/values.js';
import { compilePipeline, stageOf } from '../aggregate/pipeline.js';
import { expressionFilter, parseLet } from '../aggregate/variables.js';
import { runQuery } from '../query/run.js';
import { Fields } from './command.js';
import type { Command } from './command.js';

/** How a pipeline begins: its first `$match` and `$sort` can be answered with an index. */
export function splitPipeline(pipeline: readonly unknown[]): {
  filter: Doc;
  sort: Doc | undefined;
  rest: readonly unknown[];
} {
  const rest = [...pipeline];
  const take = (name: string): Doc | undefined => {
    const [first] = rest;
    if (first === undefined || stageOf(first)[0] !== name) return undefined;
    const [, spec] = stageOf(first);
    if (!isDoc(spec) || Object.keys(spec).length === 0) return undefined;
    rest.shift();
    return spec;
  };
  const filter = take('$match') ?? {};
  return { filter, sort: take('$sort'), rest };
}

export const aggregate: Command = {
  fields: ['pipeline', 'cursor', 'explain', 'allowDiskUse', 'bypassDocumentValidation', 'collation', 'hint', 'let'],
  run({ store, cursors }, database, command) {
    const fields = new Fields('aggregate', command);
    fields.refuse('collation', 'explain');
    const pipeline = fields.value('pipeline');
    if (!Array.isArray(pipeline)) throw failure(14, "'pipeline' option must be specified as an array");
    const cursor = fields.doc('cursor');
    if (!cursor) throw failedToParse("The 'cursor' option is required, except for aggregate with the explain argument");
    if (typeof fields.value('aggregate') !== 'string')
      throw failure(73, 'Only aggregates on a collection are supported by the embedded read store');
    const namespace = fields.namespace(database);
    const variables = parseLet(fields.doc('let'));
    const documentsOf = (name: string): Doc[] =>
      [...(store.find(`${database}.${name}`)?.rows.values() ?? [])].map((row) => row.doc);
    // Compiled as a whole first: a wrong stage is refused even where the beginning finds nothing.
    compilePipeline(pipeline, variables, documentsOf);
    const { filter, sort, rest } = splitPipeline(pipeline);
    const { rows } = runQuery(store.find(namespace), {
      filter,
      sort,
      hint: fields.value('hint'),
      expression: expressionFilter(variables),
    });
    const result = compilePipeline(rest, variables, documentsOf)(rows.map((row) => row.doc));
    const size = new Fields('aggregate.cursor', cursor).count('batchSize');
    return cursors.first(namespace, result, size, false);
  },
};
