import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import { fold, prepare } from './fold.js';
import type { Rows, Upcast } from './fold.js';
import { ParkedStreams } from './parked-streams.js';
import type { Parked } from './parked-streams.js';
import type { ReadModel } from './read-model.js';
import type { ActiveRows } from './reader.js';
import { fits } from './pointers.js';
import { BEFORE_ALL, fromStored } from './stored-row.js';
import type { RowVersion, StoredRow } from './stored-row.js';

export interface LiveViewOptions<Row extends object> {
  readonly model: ReadModel<Row>;
  /** From `reader.active(model)`. */
  readonly source: ActiveRows<Row>;
  /** Of the log that will feed it. Rows of another log, or of another version of the model, are left where they are. */
  readonly epoch: string;
  readonly upcast?: Upcast;
}

/**
 * A whole read model in memory, for answers that cannot wait for a database. Feed it every event after `position`, in log
 * order; it ignores what it already knows.
 */
export interface LiveView<Row extends object> {
  readonly rows: ReadonlyMap<string, Row>;
  /** Everything up to here is in the rows: subscribe to the log after it. */
  readonly position: bigint;
  /** Streams it cannot fold past; their rows stay as they were. */
  readonly parked: Iterable<Parked>;
  /** Folds events and answers the keys of the rows that changed. Never throws. */
  apply(events: readonly RecordedEvent[]): readonly string[];
}

/** Loads all rows, none where they don't fit the log and the model. Rejects when the read store cannot be reached. */
export async function openLiveView<Row extends object>({
  model,
  source,
  epoch,
  upcast = (event) => event,
}: LiveViewOptions<Row>): Promise<LiveView<Row>> {
  if (!source.build || !fits(source.build, model, epoch)) {
    return new FoldedView(model, upcast, { position: BEFORE_ALL, parked: [] });
  }
  const view = new FoldedView(model, upcast, source);
  for await (const stored of source.collection.find<StoredRow<Row>>({})) {
    const { _id: key } = stored;
    view.set(key, fromStored<Row>(stored));
  }
  return view;
}

class FoldedView<Row extends object> implements LiveView<Row>, Rows<Row> {
  readonly rows = new Map<string, Row>();
  readonly #positions = new Map<string, bigint>();
  readonly #parked: ParkedStreams;
  #position: bigint;
  #changed = new Set<string>();

  constructor(
    private readonly model: ReadModel<Row>,
    private readonly upcast: Upcast,
    source: Pick<ActiveRows<Row>, 'position' | 'parked'>,
  ) {
    this.#parked = new ParkedStreams(source.parked);
    this.#position = source.position;
  }

  get position(): bigint {
    return this.#position;
  }

  get parked(): Iterable<Parked> {
    return this.#parked.values();
  }

  get(key: string): RowVersion<Row> | undefined {
    const position = this.#positions.get(key);
    return position === undefined ? undefined : { row: this.rows.get(key), position };
  }

  set(key: string, { row, position }: RowVersion<Row>): void {
    if (!row) return;
    this.rows.set(key, row);
    this.#positions.set(key, position);
    this.#changed.add(key);
  }

  apply(events: readonly RecordedEvent[]): readonly string[] {
    this.#changed = new Set();
    fold(this.model, prepare(this.model, events, this.upcast), this, this.#parked);
    const last = events.at(-1);
    if (last && last.position > this.#position) this.#position = last.position;
    return [...this.#changed];
  }
}
