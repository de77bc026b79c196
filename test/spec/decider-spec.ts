import { expect, it } from '@jest/globals';
import type { CommandContext, Decider } from '../../src/eventsourcing/decider.js';
import type { DomainEvent, JsonObject, RecordedEvent } from '../../src/eventsourcing/events.js';
import { Refused } from '../../src/eventsourcing/refused.js';
import { EventRegistry } from '../../src/eventsourcing/registry.js';

export const alice: CommandContext = {
  commandId: 'c-1',
  action: 'test',
  correlationId: 'corr-1',
  causationId: 'c-1',
  actorId: 'alice',
  world: 'demo',
  now: '2026-01-01T09:00:00.000Z',
};

/** given(decider, …events).when(command).then(…events) or .refused(code); pure, so it needs no store. */
export function given<S, C, E extends DomainEvent>(decider: Decider<S, C, E>, ...past: readonly E[]) {
  return {
    when(command: NoInfer<C>, context: CommandContext = alice) {
      const state = past.reduce((folded, event) => decider.evolve(folded, event), decider.initial);
      const decide = () => decider.decide(command, state, context);
      return {
        then: (...events: readonly NoInfer<E>[]) => expect(decide()).toEqual(events),
        refused: (code: string) => expect(codeOf(decide)).toBe(code),
      };
    },
  };
}

export function codeOf(decide: () => unknown): string {
  try {
    decide();
  } catch (error) {
    if (error instanceof Refused) return error.code;
    throw error;
  }
  return 'not refused';
}

export function recorded(event: DomainEvent, over: Partial<RecordedEvent> = {}): RecordedEvent {
  const { now: at, ...who } = alice;
  const metadata = { ...who, schema: 1, at, prevHash: '', hash: '' };
  return { id: 'e-1', stream: 's-1', revision: 0n, position: 0n, metadata, ...event, ...over };
}

/**
 * The golden fixtures: events as they once were stored, per type and schema version, and what they read as today.
 * They are never changed, only added to: a stored event must stay readable for good.
 */
export function golden<S, E extends DomainEvent>(
  decider: Pick<Decider<S, never, E>, 'events' | 'initial' | 'evolve'>,
  fixtures: {
    readonly [T in E['type']]: readonly {
      readonly schema: number;
      readonly stored: JsonObject;
      readonly read?: JsonObject;
    }[];
  },
): void {
  const registry = new EventRegistry(decider.events);
  for (const [type, versions] of Object.entries<(typeof fixtures)[E['type']]>(fixtures)) {
    it.each(versions)(`still reads ${type} of schema $schema`, ({ schema, stored, read = stored }) => {
      const event = recorded({ type, data: stored });
      const today = registry.read({ ...event, metadata: { ...event.metadata, schema } });
      expect(today.data).toEqual(read);
      expect(today.metadata.schema).toBe(registry.schemaOf(type));
      // A decider folds what the registry reads; it was written by this decider or an older one.
      expect(() => decider.evolve(decider.initial, today as RecordedEvent & E)).not.toThrow();
    });
    it(`has a fixture of every schema of ${type}`, () => {
      const known = Array.from({ length: registry.schemaOf(type) }, (_one, index) => index + 1);
      expect(versions.map(({ schema }) => schema)).toEqual(known);
    });
  }
}
