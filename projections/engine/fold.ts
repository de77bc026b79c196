import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import type { ParkedStreams } from './parked-streams.js';
import type { ReadModel } from './read-model.js';
import type { RowVersion } from './stored-row.js';

/** Brings an event to the newest shape of its data. Throws for one it cannot read. */
export type Upcast = (event: RecordedEvent) => RecordedEvent;

/** Rows at hand while folding. Every key of the folded events must have been looked up before. */
export interface Rows<Row extends object = object> {
  get(key: string): RowVersion<Row> | undefined;
  set(key: string, version: RowVersion<Row>): void;
}

/** An event with the rows it touches, or with the reason why it cannot be read. */
export interface Prepared {
  readonly event: RecordedEvent;
  readonly keys: readonly string[];
  readonly failure?: unknown;
}

/** Reads the events and finds the rows they touch, so that these can be loaded at once. Never throws. */
export function prepare(model: ReadModel, events: readonly RecordedEvent[], upcast: Upcast): Prepared[] {
  return events.map((stored) => {
    try {
      const event = upcast(stored);
      const keys = handlerOf(model, event.type)?.keys(event) ?? [];
      for (const key of keys) if (typeof key !== 'string') throw new TypeError(`a row key is not a string`);
      return { event, keys };
    } catch (failure) {
      return { event: stored, keys: [], failure: failure ?? new Error('no reason given') };
    }
  });
}

/**
 * Folds events in log order. An event at or below a row's position is already in that row and skipped for it, so
 * folding again after a crash changes nothing. An event that throws leaves all its rows as they were and parks its stream.
 */
export function fold<Row extends object>(
  model: ReadModel<Row>,
  events: readonly Prepared[],
  rows: Rows<Row>,
  streams: ParkedStreams,
): void {
  for (const { event, keys, failure } of events) {
    if (streams.size > 0 && streams.holds(event)) continue;
    if (failure !== undefined) {
      streams.park(event, failure);
      continue;
    }
    const handler = handlerOf(model, event.type);
    if (!handler) continue;
    try {
      const changes: [string, Row][] = [];
      for (const key of keys) {
        const current = rows.get(key);
        if (current && event.position <= current.position) continue;
        const row = handler.apply(current?.row, event, key);
        if (row !== undefined) changes.push([key, row]);
      }
      for (const [key, row] of changes) rows.set(key, { row, position: event.position });
    } catch (error) {
      streams.park(event, error);
    }
  }
}

function handlerOf<Row extends object>(model: ReadModel<Row>, type: string) {
  return Object.hasOwn(model.on, type) ? model.on[type] : undefined;
}
