import type { DomainEvent, JsonObject, RecordedEvent } from './events.js';

/** Brings data of one schema version to the next. */
export type Upcaster = (data: JsonObject) => JsonObject;

export interface EventDefinition {
  /** Current version of the shape of `data`, from 1. */
  readonly schema: number;
  /** For each older version the step to the next one. */
  readonly upcasters?: Readonly<Record<number, Upcaster>>;
}

/** Every event type of a decider; a type missing here does not compile. */
export type EventDefinitions<E extends DomainEvent> = { readonly [T in E['type']]: EventDefinition };

/** An event that cannot be read: unknown type, newer schema, or not the shape every event has. It is parked, never guessed at. */
export class UnreadableEvent extends Error {
  override readonly name = 'UnreadableEvent';
  constructor(event: Pick<RecordedEvent, 'stream' | 'revision'>, reason: string) {
    super(`${event.stream}@${event.revision}: ${reason}`);
  }
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const metadataTexts = ['commandId', 'action', 'correlationId', 'causationId', 'actorId', 'world', 'at'] as const;

/** All event types of the program, and the one place where stored events become current ones. */
export class EventRegistry {
  private readonly definitions: ReadonlyMap<string, EventDefinition>;

  constructor(...groups: readonly Readonly<Record<string, EventDefinition>>[]) {
    const all = new Map<string, EventDefinition>();
    for (const [type, definition] of groups.flatMap((group) => Object.entries(group))) {
      if (all.has(type)) throw new Error(`event type ${type} is defined twice`);
      for (let from = 1; from < definition.schema; from++) {
        if (!definition.upcasters?.[from]) throw new Error(`event type ${type} lacks the upcaster from schema ${from}`);
      }
      all.set(type, definition);
    }
    this.definitions = all;
  }

  get types(): string[] {
    return [...this.definitions.keys()];
  }

  /** Current schema version of a type. */
  schemaOf(type: string): number {
    const definition = this.definitions.get(type);
    if (!definition) throw new Error(`event type ${type} is not registered`);
    return definition.schema;
  }

  /** The event with its data in today's shape. @throws UnreadableEvent */
  read(event: RecordedEvent): RecordedEvent {
    const { metadata } = event;
    if (!isObject(event.data)) throw new UnreadableEvent(event, 'data is not an object');
    if (!isObject(metadata)) throw new UnreadableEvent(event, 'metadata is not an object');
    for (const name of metadataTexts) {
      if (typeof metadata[name] !== 'string') throw new UnreadableEvent(event, `metadata.${name} is not a string`);
    }
    const definition = this.definitions.get(event.type);
    if (!definition) throw new UnreadableEvent(event, `unknown type ${event.type}`);
    if (metadata.schema === definition.schema) return event;
    if (!(Number.isInteger(metadata.schema) && metadata.schema >= 1 && metadata.schema < definition.schema)) {
      throw new UnreadableEvent(event, `schema ${metadata.schema} of ${event.type} is not known here`);
    }
    let data = event.data;
    for (let from = metadata.schema; from < definition.schema; from++)
      data = definition.upcasters?.[from]?.(data) ?? data;
    return { ...event, data, metadata: { ...metadata, schema: definition.schema } };
  }
}
