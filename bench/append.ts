import { join } from 'node:path';
import { openEmbeddedEventStore } from '../src/event-store/embedded/embedded-event-store.js';
import { intoLmdb, intoStore, keepInFlight, openBareLmdb } from './durable.js';
import { inTurns, perSecond } from './measure.js';
import { row, type Part } from './report.js';

/** Durable appends with 1, 64 and 256 in flight, beside lmdb doing the same puts, and beside one flush for each event. */
export const append: Part = async ({ folder, quick }) => {
  const [ms, rounds] = quick ? [200, 3] : [700, 5];
  const store = await openEmbeddedEventStore({ dir: join(await folder(), 'log') });
  const root = openBareLmdb(join(await folder(), 'lmdb'));
  const [ours, bare] = [intoStore(store), intoLmdb(root)];
  const counted = { ours: 0, bare: 0 };
  const appending = (inFlight: number) => () => perSecond(() => keepInFlight(inFlight, ms, () => ours(counted.ours++)));
  const putting = (inFlight: number) => () => perSecond(() => keepInFlight(inFlight, ms, () => bare(counted.bare++)));
  const samples = await inTurns(
    {
      ours1: appending(1),
      bare1: putting(1),
      ours64: appending(64),
      bare64: putting(64),
      ours256: appending(256),
      bare256: putting(256),
    },
    rounds,
  );
  await store.close();
  await root.close();
  const beside = { unit: 'events/s', peer: 'bare lmdb' };
  return [
    row({ ...beside, figure: '1 in flight', ours: samples.ours1, theirs: samples.bare1 }),
    row({ ...beside, figure: '64 in flight', ours: samples.ours64, theirs: samples.bare64 }),
    row({ ...beside, figure: '256 in flight', ours: samples.ours256, theirs: samples.bare256, atLeast: 0.8 }),
    row({
      figure: '256 in flight',
      unit: 'events/s',
      ours: samples.ours256,
      peer: 'lmdb, one flush per event',
      theirs: samples.bare1,
    }),
    {
      skipped: 'better-sqlite3',
      reason:
        'the versions for Node 20 download a binary when they are installed, or compile; version 13, which has binaries, asks for Node 22',
    },
    {
      skipped: 'Emmett',
      reason: 'its package asks for commander 12 as a peer, the program has 14: npm refuses to install both',
    },
  ];
};
