import { AsyncLocalStorage } from 'node:async_hooks';
import type { CommandContext } from './decider.js';

/** What accompanies a command through the bus to its handler. */
export interface Execution {
  readonly context: CommandContext;
  readonly onlyResend: boolean;
}

/** What accompanies a query: whose data may be read, and what position the read model must have reached. */
export interface Reader {
  readonly world: string;
  readonly after: bigint;
}

const executions = new AsyncLocalStorage<Execution>();
const readers = new AsyncLocalStorage<Reader>();

export const withExecution = <T>(execution: Execution, work: () => T): T => executions.run(execution, work);
export const withReader = <T>(reader: Reader, work: () => T): T => readers.run(reader, work);

/** @throws Error outside of `withExecution`: a command always says who gives it */
export const currentExecution = (): Execution => required(executions.getStore());

/** @throws Error outside of `withReader`: a query always says for which world it is */
export const currentReader = (): Reader => required(readers.getStore());

function required<T>(context: T | undefined): T {
  if (context === undefined) throw new Error('a command or query was executed without its context');
  return context;
}
