import type { Parked } from './parked-streams.js';
import type { RowVersion } from './stored-row.js';

/**
 * Where one build of a read model is kept. A crash between any two calls must be harmless, so a session calls in
 * this order: parked streams, rows, checkpoint.
 * Every write rejects with `LeaseLost` once another process took over, and writes nothing then.
 */
export interface Sink {
  /** Rows that do not exist are left out. */
  loadRows(keys: readonly string[]): Promise<ReadonlyMap<string, RowVersion>>;
  /** Writes each row unless the stored one is as new. */
  writeRows(rows: ReadonlyMap<string, RowVersion>): Promise<void>;
  /** Writes each row whatever is stored; one without a `row` is removed. */
  overwriteRows(rows: ReadonlyMap<string, RowVersion>): Promise<void>;
  saveParked(parked: readonly Parked[]): Promise<void>;
  unpark(stream: string): Promise<void>;
  /** All events up to `position` are in the rows. */
  saveCheckpoint(position: bigint): Promise<void>;
}
