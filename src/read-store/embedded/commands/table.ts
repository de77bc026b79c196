import { BSONError } from 'bson';
import { failure, MongoFailure } from '../errors.js';

import type { Doc } from '../bson/values.js';
import { adminCommands } from './admin.js';
import { aggregate } from './aggregate.js';
import { checkFields } from './command.js';
import type { Command, Context } from './command.js';
import { explain } from './explain.js';
import { count, distinct, find, getMore, killCursors } from './find.js';
import { findAndModify } from './find-and-modify.js';
import {
  create,
  createIndexes,
  drop,
  dropDatabase,
  dropIndexes,
  listCollections,
  listDatabases,
  listIndexes,
  renameCollection,
} from './schema.js';
import { insert, remove, update } from './write.js';

const listCommands: Command = {
  fields: [],
  run: () => ({
    commands: Object.fromEntries(Object.keys(commands).map((name) => [name, { help: '', requiresAuth: false }])),
  }),
};

const commands: Readonly<Record<string, Command>> = {
  ...adminCommands,
  aggregate,
  count,
  create,
  createIndexes,
  delete: remove,
  deleteIndexes: dropIndexes,
  distinct,
  drop,
  dropDatabase,
  dropIndexes,
  explain,
  find,
  findAndModify,
  findandmodify: findAndModify,
  getMore,
  insert,
  killCursors,
  listCollections,
  listCommands,
  listDatabases,
  listIndexes,
  renameCollection,
  update,
};

/** Runs a command; never rejects for what a client can do wrong: that is a reply with `ok: 0`. */
export async function runCommand(context: Context, command: Doc): Promise<Doc | Uint8Array> {
  try {
    const [name = ''] = Object.keys(command);
    const definition = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (!definition) throw failure(59, `no such command: '${name}'`);
    const database = command['$db'];
    if (typeof database !== 'string' || database === '')
      throw failure(40414, "BSON field 'OpMsg.$db' is missing or not a string");
    checkFields(name, definition, command);
    context.store.storage.assertWorking();
    const reply = definition.run(context, database, command);
    if (definition.writes === true) await context.store.storage.committed();
    return reply instanceof Uint8Array ? reply : { ...reply, ok: 1 };
  } catch (error) {
    return errorReply(error);
  }
}

/** What is no refusal is a fault of ours or a value that BSON cannot hold. */
export function errorReply(error: unknown): Doc {
  if (error instanceof MongoFailure)
    return { ok: 0, errmsg: error.message, code: error.code, codeName: error.codeName, ...error.extra };
  const errmsg = error instanceof Error ? error.message : String(error);
  if (BSONError.isBSONError(error)) return { ok: 0, errmsg, code: 22, codeName: 'InvalidBSON' };
  return { ok: 0, errmsg: `internal error: ${errmsg}`, code: 1, codeName: 'InternalError' };
}
