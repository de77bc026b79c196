import type { EventStore } from '../../src/event-store/event-store.js';
import { fold, prepare } from './fold.js';
import type { Upcast } from './fold.js';
import { ParkedStreams } from './parked-streams.js';
import { eventTypes } from './read-model.js';
import type { ReadModel } from './read-model.js';
import { BEFORE_ALL } from './stored-row.js';
import type { RowVersion } from './stored-row.js';

export interface Refold {
  readonly log: Pick<EventStore, 'readAll' | 'readStream'>;
  readonly model: ReadModel;
  readonly upcast: Upcast;
  readonly stream: string;
  /** Last position to fold. */
  readonly upTo: bigint;
  readonly parked: ParkedStreams;
}

export interface Refolded {
  readonly rows: ReadonlyMap<string, RowVersion>;
  /** Without the stream, unless it fails again; with any other that fails on the same rows now. */
  readonly parked: ParkedStreams;
}

/** Computes the rows a parked stream touches from the beginning of the log, in log order with all other streams. */
export async function refold({ log, model, upcast, stream, upTo, parked }: Refold): Promise<Refolded> {
  const rows = new Map<string, RowVersion>();
  for await (const event of log.readStream(stream)) {
    if (event.position > upTo) break;
    for (const { keys } of prepare(model, [event], upcast)) {
      for (const key of keys) rows.set(key, { row: undefined, position: BEFORE_ALL });
    }
  }
  const others = new ParkedStreams([...parked.values()].filter((other) => other.stream !== stream));
  for await (const event of log.readAll({ filter: { types: eventTypes(model) } })) {
    if (event.position > upTo) break;
    const prepared = prepare(model, [event], upcast).map((one) => ({
      ...one,
      keys: one.keys.filter((key) => rows.has(key)),
    }));
    fold(model, prepared, rows, others);
  }
  return { rows, parked: others };
}
