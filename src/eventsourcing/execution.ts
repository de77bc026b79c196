import type { CommandContext } from './decider.js';

/** What accompanies a command through the bus to its handler. */
export interface Execution {
  readonly context: CommandContext;
  readonly onlyResend: boolean;
  /** Who gives it came with an invite (Session.anonymous). */
  readonly anonymous?: boolean;
  /** The caller's IANA zone, where the token names one. */
  readonly zoneinfo?: string;
}

/** What accompanies a query: whose data may be read, and what position the read model must have reached. */
export interface Reader {
  readonly world: string;
  /** What the caller wrote: without it there is no answer. */
  readonly after: bigint;
  /** What this server has acknowledged to anybody, or told: waited for as well, but not for long. */
  readonly newest?: bigint;
  /** Who asks. */
  readonly userId: string;
  /** The caller's IANA zone, where the token names one. */
  readonly zoneinfo?: string;
}

/**
 * Kept beside the objects the bus carries, so that handlers get both and commands stay what the client sent.
 * Not AsyncLocalStorage: on Node 20 that slows every promise of the process.
 */
const executions = new WeakMap<object, Execution>();
const readers = new WeakMap<object, Reader>();

export function withExecution<C extends object>(command: C, execution: Execution): C {
  executions.set(command, execution);
  return command;
}

export function withReader<Q extends object>(query: Q, reader: Reader): Q {
  readers.set(query, reader);
  return query;
}

/** @throws Error for a command without one: a command always says who gives it */
export const executionOf = (command: object): Execution => required(executions.get(command));

/** @throws Error for a query without one: a query always says for which world it is */
export const readerOf = (query: object): Reader => required(readers.get(query));

function required<T>(context: T | undefined): T {
  if (context === undefined) throw new Error('a command or query was executed without its context');
  return context;
}
