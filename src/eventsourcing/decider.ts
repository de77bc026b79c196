import type { DomainEvent, Metadata } from './events.js';
import type { EventDefinitions } from './registry.js';

/** Who asks for what, when, and why. Set explicitly for every command: by the gateway, REST, a policy or the scheduler. */
export interface CommandContext extends Omit<Metadata, 'schema' | 'at' | 'prevHash' | 'hash'> {
  /** The time of the decision, RFC 3339 UTC with milliseconds. */
  readonly now: string;
}

/**
 * A whole aggregate as pure functions. States are immutable: `evolve` returns a new one.
 * `decide` throws `Refused` where a rule says no; every command that succeeds decides at least one event,
 * because the event is what remembers that its command id was used.
 */
export interface Decider<State, Command, Event extends DomainEvent> {
  /** First part of the stream name, up to the dash. */
  readonly category: string;
  readonly events: EventDefinitions<Event>;
  readonly initial: State;
  /** Second part of the stream name. */
  streamOf(command: Command, context: CommandContext): string;
  evolve(state: State, event: Event): State;
  decide(command: Command, state: State, context: CommandContext): readonly Event[];
}

/** For the default branch of a switch over a closed union: a forgotten member does not compile. */
export function assertNever(value: never): never {
  throw new Error(`unexpected ${JSON.stringify(value)}`);
}
