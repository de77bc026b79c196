import { failure } from '../errors.js';
import { isDoc } from '../bson/values.js';
import type { Doc } from '../bson/values.js';
import { expressionFilter, parseLet } from '../aggregate/variables.js';
import { runQuery } from '../query/run.js';
import type { Query, Work } from '../query/run.js';
import { splitPipeline } from './aggregate.js';
import { Fields } from './command.js';
import type { Command } from './command.js';
import { queryOf } from './find.js';

function explained(command: Doc): { name: string; query: Query } {
  const [name = ''] = Object.keys(command);
  const fields = new Fields(name, command);
  if (name === 'find') return { name, query: queryOf(fields, 'filter') };
  if (name === 'count' || name === 'distinct') return { name, query: queryOf(fields, 'query') };
  if (name === 'aggregate') {
    const pipeline = fields.value('pipeline');
    const { filter, sort } = splitPipeline(Array.isArray(pipeline) ? pipeline : []);
    return { name, query: { filter, sort, expression: expressionFilter(parseLet(fields.doc('let'))) } };
  }
  if (name === 'update' || name === 'delete') {
    const [statement] = fields.docs(`${name}s`) ?? [];
    const filter = statement?.['q'];
    return {
      name,
      query: {
        filter: isDoc(filter) ? filter : {},
        hint: statement?.['hint'],
        expression: expressionFilter(parseLet(undefined)),
      },
    };
  }
  throw failure(59, `Explain failed due to unknown command: ${name}`);
}

function stageOf({ plan, sortedInMemory }: Work, sort: Doc | undefined): Doc {
  const read = plan
    ? {
        stage: 'FETCH',
        inputStage: {
          stage: 'IXSCAN',
          keyPattern: plan.index.spec.key,
          indexName: plan.index.spec.name,
          isMultiKey: plan.index.multikey,
          direction: plan.reverse ? 'backward' : 'forward',
        },
      }
    : { stage: 'COLLSCAN', direction: 'forward' };
  return sortedInMemory ? { stage: 'SORT', sortPattern: sort ?? {}, inputStage: read } : read;
}

/** Runs the reading part of a command and says which index it used and how many documents it looked at. */
export const explain: Command = {
  fields: ['verbosity'],
  run({ store }, database, command) {
    const inner = new Fields('explain', command).doc('explain');
    if (!inner) throw failure(14, "BSON field 'explain.explain' is the wrong type, expected type 'object'");
    const { name, query } = explained(inner);
    const namespace = new Fields(name, inner).namespace(database);
    const started = performance.now();
    const work = runQuery(store.find(namespace), query);
    const winningPlan = stageOf(work, query.sort);
    return {
      explainVersion: '1',
      queryPlanner: { namespace, indexFilterSet: false, parsedQuery: query.filter, winningPlan, rejectedPlans: [] },
      executionStats: {
        executionSuccess: true,
        nReturned: work.rows.length,
        executionTimeMillis: Math.round(performance.now() - started),
        totalKeysExamined: work.plan ? work.examined : 0,
        totalDocsExamined: work.examined,
        executionStages: winningPlan,
      },
      command: inner,
    };
  },
};
