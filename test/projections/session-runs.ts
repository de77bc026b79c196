import * as fc from 'fast-check';
import type { Upcast } from '../../projections/engine/fold.js';
import type { ReadModel } from '../../projections/engine/read-model.js';
import { Session } from '../../projections/engine/session.js';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import { Crash, Disk, crashingSink } from './crashing-sink.js';
import type { Trouble } from './crashing-sink.js';
import { scriptedLog } from './scripted-log.js';

export interface Circumstances {
  /** How slow the database is at reading, in turns of the microtask queue. */
  readonly loadTurns: number;
  readonly batchSizes: readonly number[];
  readonly catchUpRows: number;
  readonly cachedRows: number;
  readonly writeEveryMs: number;
}

export const circumstances = fc.record({
  loadTurns: fc.nat({ max: 12 }),
  batchSizes: fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
  catchUpRows: fc.integer({ min: 1, max: 6 }),
  cachedRows: fc.integer({ min: 0, max: 4 }),
  writeEveryMs: fc.constantFrom(0, 60_000),
});
/** What befalls each of several runs, one after the other. */
export const troubles = fc.array(fc.record({ after: fc.nat({ max: 30 }), isFatal: fc.boolean() }), { maxLength: 6 });

export interface Run {
  readonly model: ReadModel;
  readonly disk: Disk;
  readonly events: readonly RecordedEvent[];
  readonly given: Circumstances;
  readonly trouble?: Trouble | undefined;
  readonly upcast?: Upcast;
  /** Done while events are folded. */
  readonly work?: (session: Session) => Promise<unknown>;
}

const unlessCrash = (error: unknown) => {
  if (!(error instanceof Crash)) throw error;
};

/** Runs until everything is folded or the sink crashes. */
export async function run({
  model,
  disk,
  events,
  given,
  trouble,
  upcast = (event) => event,
  work,
}: Run): Promise<void> {
  const sink = crashingSink(disk, given.loadTurns, trouble);
  const log = scriptedLog(events, given.batchSizes);
  const parked = disk.parked.values();
  const session = new Session({ ...given, model, log, sink, upcast, position: disk.checkpoint, parked });
  const stop = new AbortController();
  const outcome = session.run(stop.signal).catch(unlessCrash);
  await work?.(session).catch(unlessCrash);
  await session.reached.whenReached(events.at(-1)?.position ?? -1n, 10_000);
  stop.abort();
  await outcome;
}

/** One run after the other on one disk, the last without trouble. */
export async function runThrough({
  troubles: all,
  ...given
}: Omit<Run, 'disk'> & { readonly troubles: readonly Trouble[] }): Promise<Disk> {
  const disk = new Disk();
  for (const trouble of [...all, undefined]) await run({ ...given, disk, trouble });
  return disk;
}
