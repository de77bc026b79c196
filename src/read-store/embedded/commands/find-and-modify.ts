import { failedToParse } from '../errors.js';
import type { Doc } from '../bson/values.js';
import { field } from '../bson/values.js';
import { expressionFilter, parseLet } from '../aggregate/variables.js';
import { compileProjection } from '../query/projection.js';
import { runQuery } from '../query/run.js';
import { runUpdate } from '../update/statement.js';
import { Fields } from './command.js';
import type { Command } from './command.js';

/** Changes or removes one document and returns it as it was, or with `new` as it is after. */
export const findAndModify: Command = {
  fields: [
    'query',
    'sort',
    'remove',
    'update',
    'new',
    'fields',
    'upsert',
    'bypassDocumentValidation',
    'collation',
    'arrayFilters',
    'hint',
    'let',
  ],
  writes: true,
  run({ store }, database, command) {
    const fields = new Fields(Object.hasOwn(command, 'findAndModify') ? 'findAndModify' : 'findandmodify', command);
    fields.refuse('collation');
    const namespace = fields.namespace(database);
    const variables = parseLet(fields.doc('let'));
    const expression = expressionFilter(variables);
    const project = compileProjection(fields.filter('fields'), variables, expression);
    const shown = (doc: Doc | undefined): Doc | null => (doc === undefined ? null : project ? project(doc) : doc);
    const filter = fields.filter('query');
    const [sort, hint, returnNew, upsert] = [
      fields.doc('sort'),
      fields.value('hint'),
      fields.bool('new'),
      fields.bool('upsert'),
    ];
    const change = fields.value('update');
    if (fields.bool('remove')) {
      if (change !== undefined) throw failedToParse("Cannot specify both an 'update' and 'remove'=true");
      if (upsert) throw failedToParse("Cannot specify both 'upsert'=true and 'remove'=true");
      if (returnNew)
        throw failedToParse(
          "Cannot specify both 'new'=true and 'remove'=true; 'remove' always returns the deleted document",
        );
      const collection = store.find(namespace);
      const [row] = runQuery(collection, { filter, sort, hint, limit: 1, expression }).rows;
      if (row) collection?.remove(row);
      return { lastErrorObject: { n: row ? 1 : 0 }, value: shown(row?.doc) };
    }
    if (change === undefined) throw failedToParse("Either an 'update' or 'remove'=true must be specified");
    const arrayFilters = fields.docs('arrayFilters') ?? [];
    const result = runUpdate(store.find(namespace), () => store.findOrCreate(namespace), {
      filter,
      update: change,
      multi: false,
      upsert,
      arrayFilters,
      hint,
      sort,
      variables,
    });
    const lastErrorObject = {
      n: result.row ? 1 : 0,
      updatedExisting: result.matched > 0,
      ...(result.upserted ? { upserted: field(result.upserted.doc, '_id') } : {}),
    };
    return { lastErrorObject, value: shown(returnNew ? result.row?.doc : result.before) };
  },
};
