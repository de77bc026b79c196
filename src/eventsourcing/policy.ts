import type { CommandContext, Decider } from './decider.js';
import type { DomainEvent, NewEvent, RecordedEvent } from './events.js';
import type { CommandLoop, Outcome } from './handle.js';
import { Refused } from './refused.js';

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

/** The same where the other stream may know the cause's command id already: then it is the event that happens once there. */
export function ownFollowUpContext(event: NewEvent): CommandContext {
  return { ...followUpContext(event), commandId: event.id };
}

const followRounds = 10;

/** What was decided elsewhere must happen: losing to other servers is no answer, so it is tried more often than a command. */
export async function follow<S, C, E extends DomainEvent>(
  loop: CommandLoop,
  decider: Decider<S, C, E>,
  command: C,
  context: CommandContext,
): Promise<Outcome<S, E>> {
  for (let round = 1; ; round++) {
    try {
      return await loop.handle(decider, command, context);
    } catch (error) {
      const lost = error instanceof Refused && error.code === 'concurrency.conflict';
      if (!lost || round === followRounds) throw error;
    }
  }
}
