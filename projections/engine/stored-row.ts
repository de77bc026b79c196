/** A row and the position of the last event folded into it; `row` is undefined where none exists (yet). */
export interface RowVersion<Row extends object = object> {
  readonly row: Row | undefined;
  readonly position: bigint;
}

/** A row as it lies in MongoDB: its key, and the position it reflects as 20 digits, so that it sorts as a string. */
export type StoredRow<Row extends object = object> = { readonly _id: string; readonly position: string } & Row;

/** Nothing was folded yet. */
export const BEFORE_ALL = -1n;

/** Twenty digits hold every unsigned 64-bit position. @throws RangeError for a negative position */
export function encodePosition(position: bigint): string {
  if (position < 0n) throw new RangeError(`position ${position} is negative`);
  return position.toString().padStart(20, '0');
}

export function toStored<Row extends object>(key: string, row: Row, position: bigint): StoredRow<Row> {
  const reserved = { _id: key, position: encodePosition(position) };
  // Twice: first for the order of fields, then so that a row can never overwrite them.
  return Object.assign({ ...reserved }, row, reserved);
}

export function fromStored<Row extends object>(stored: StoredRow<Row>): RowVersion<Row> {
  const { _id, position, ...fields } = stored;
  const row: object = fields;
  // What is left of a stored row without the engine's two fields is the row.
  return { row: row as Row, position: BigInt(position) };
}
