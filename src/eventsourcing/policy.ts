import type { CommandContext } from './decider.js';
import type { NewEvent, RecordedEvent } from './events.js';
import type { CommandLoop } from './handle.js';

/**
 * Turns an event of one stream into a command on another, where a rule spans both. The command's handler runs it inline
 * for latency; a subscription runs it again for every event, so that a crash in between loses nothing. It is idempotent.
 */
export interface Policy {
  /** Names its checkpoint. */
  readonly name: string;
  /** Event types it reacts to. */
  readonly types: readonly string[];
  react(event: RecordedEvent, loop: CommandLoop): Promise<void>;
}

/** A follow-up carries its cause's command id and actor, so that it happens once however often it is tried. */
export function followUpContext({ id, metadata }: NewEvent): CommandContext {
  const { commandId, action, correlationId, actorId, world } = metadata;
  return { commandId, action, correlationId, causationId: id, actorId, world, now: new Date().toISOString() };
}
