import type { DomainEvent, RecordedEvent } from '../../src/eventsourcing/events.js';

/** A MongoDB index key. Never unique: invariants live in streams, a read model only reports. */
export type IndexSpec = Readonly<Record<string, 1 | -1>>;

/** Fields the engine adds to every row. */
interface ReservedFields {
  readonly _id?: never;
  readonly position?: never;
}

/** What one type of event does to a read model. Both functions are pure: the same input always gives the same answer. */
export interface EventHandler<Row extends object, Event> {
  /** Ids of the rows the event touches; it may touch many or none. */
  keys(event: Event): readonly string[];
  /**
   * The row after the event. `row` must not be changed in place. Undefined means "unchanged", and "no row" where there
   * is none: rows are never deleted, a read model marks them. Rows hold what JSON can hold.
   */
  apply(row: Readonly<Row> | undefined, event: Event, key: string): Row | undefined;
}

/** A named fold of the log into one collection of rows. A new `version` makes the engine build it anew. */
export interface ReadModel<Row extends object = object> {
  /** Names the collections: letters, digits and underscores. */
  readonly name: string;
  /** Grows whenever rows would come out differently. */
  readonly version: number;
  readonly indexes: readonly IndexSpec[];
  readonly on: Readonly<Record<string, EventHandler<Row, RecordedEvent>>>;
}

/** A stored event narrowed to one member (or more) of a domain event union. */
export type RecordedAs<Event extends DomainEvent> = Event extends DomainEvent
  ? Omit<RecordedEvent, 'type' | 'data'> & Readonly<Pick<Event, 'type' | 'data'>>
  : never;

type Handlers<Row extends object, Event extends DomainEvent> = {
  readonly [Type in Event['type']]?: EventHandler<Row, RecordedAs<Extract<Event, { readonly type: Type }>>>;
};

export interface ReadModelDefinition<Row extends object, Event extends DomainEvent> extends Omit<ReadModel<Row>, 'on'> {
  readonly on: Handlers<Row, Event>;
}

/**
 * Checks a definition and gives it the engine's type. Name the row and the union of events it reads:
 * `defineReadModel<RoomRow, RoomEvent>({ … })`; then `on.RoomCreated.apply(row, event)` sees that event's data.
 * @throws TypeError for a name or version that cannot name a collection
 */
export function defineReadModel<Row extends ReservedFields & object, Event extends DomainEvent>(
  definition: ReadModelDefinition<Row, Event>,
): ReadModel<Row> {
  const { name, version, indexes } = definition;
  if (!/^[a-z][a-z0-9_]*$/.test(name)) throw new TypeError(`read model name ${JSON.stringify(name)} is not snake_case`);
  if (!Number.isSafeInteger(version) || version < 1)
    throw new TypeError(`read model ${name} needs a version from 1 up`);
  const on: Record<string, EventHandler<Row, RecordedEvent>> = {};
  for (const [type, handler] of Object.entries<EventHandler<Row, RecordedEvent> | undefined>(definition.on)) {
    if (handler) on[type] = handler;
  }
  return { name, version, indexes, on };
}

/** Types of the events a read model folds: its filter on the log. */
export function eventTypes(model: ReadModel): readonly string[] {
  return Object.keys(model.on);
}
