#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { ConfigError } from '../config/config.js';
import { addAudit } from './commands/audit.js';
import { addDemo } from './commands/demo.js';
import { addImport } from './commands/import.js';
import { addLog } from './commands/log.js';
import { addMigrate } from './commands/migrate.js';
import { addProjections } from './commands/projections.js';
import { addToken } from './commands/token.js';
import { Failure } from './failure.js';

/** Errors whose message says all there is to say. Anything else is a fault of ours and shows its stack. */
const plain = new Set(['StoreUnavailable', 'CallRefused', 'ConnectionLost', 'NoAnswer', 'NotACopy']);

const program = new Command('convoke').description('Convoke, on the command line').exitOverride();
for (const add of [addToken, addImport, addDemo, addLog, addAudit, addMigrate, addProjections]) add(program);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  // Commander has said it already; its help and version end this way too.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  process.stderr.write(`convoke: ${textOf(error)}\n`);
  return error instanceof Failure ? error.exitCode : 1;
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const known = error instanceof Failure || error instanceof ConfigError || plain.has(error.name) || 'code' in error;
  return known ? error.message : String(error.stack);
}
