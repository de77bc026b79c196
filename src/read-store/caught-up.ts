import { NotCaughtUp } from '../../projections/engine/errors.js';
import type { ReadModel } from '../../projections/engine/read-model.js';
import type { ProjectionReader } from '../../projections/engine/reader.js';
import type { Reader } from '../eventsourcing/execution.js';
import { Refused } from '../eventsourcing/refused.js';

/** How current rows must be (`after`), and should be (`newest`). */
export type Fresh = Pick<Reader, 'after' | 'newest'>;

const waitMs = 5_000;
/** Rows are written every 100 ms where nobody waits for them. A store that is slower than this is read as it is. */
const newestWithinMs = 250;

/** The rows of a read model once they are current enough. @throws Refused server.unavailable where they are not in time */
export async function caughtUp<Row extends object>(
  reader: ProjectionReader,
  model: ReadModel<Row>,
  { after, newest = after }: Fresh,
  timeoutMs = waitMs,
) {
  if (newest > after) await reached(reader, model, newest, newestWithinMs);
  if (!(await reached(reader, model, after, timeoutMs))) {
    throw new Refused('server.unavailable', 'The read model is behind; try again.');
  }
  return reader.collection<Row>(model);
}

/**
 * One row. What is not there is looked for once more in rows that are as new as anything the caller may have heard of: no
 * slow store makes anything unknown. @throws Refused server.unavailable
 */
export async function found<Row>(
  { after, newest = after }: Fresh,
  find: (fresh: Fresh) => Promise<Row | null>,
): Promise<Row | null> {
  return (await find({ after, newest })) ?? (newest > after ? find({ after: newest }) : null);
}

/** Whether the rows reflect the position in time. */
export async function reached(
  reader: ProjectionReader,
  model: ReadModel,
  position: bigint,
  timeoutMs: number,
): Promise<boolean> {
  try {
    await reader.wait(model, position, timeoutMs);
    return true;
  } catch (error) {
    if (error instanceof NotCaughtUp) return false;
    throw error;
  }
}
