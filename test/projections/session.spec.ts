import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import type { Upcast } from '../../projections/engine/fold.js';
import { Session } from '../../projections/engine/session.js';
import { recordedEvents, streams } from './arbitraries.js';
import { Crash, Disk, crashingSink } from './crashing-sink.js';
import type { Trouble } from './crashing-sink.js';
import { scriptedLog } from './scripted-log.js';
import { coldReplay, repair, tally } from './tally.js';

interface Circumstances {
  /** How slow the database is at reading, in turns of the microtask queue. */
  readonly loadTurns: number;
  readonly batchSizes: readonly number[];
  readonly catchUpRows: number;
  readonly cachedRows: number;
  readonly writeEveryMs: number;
}

const circumstances = fc.record({
  loadTurns: fc.nat({ max: 12 }),
  batchSizes: fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
  catchUpRows: fc.integer({ min: 1, max: 6 }),
  cachedRows: fc.integer({ min: 0, max: 4 }),
  writeEveryMs: fc.constantFrom(0, 60_000),
});
/** What befalls each of several runs, one after the other. */
const troubles = fc.array(fc.record({ after: fc.nat({ max: 30 }), isFatal: fc.boolean() }), { maxLength: 6 });

interface Run {
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
async function run({ disk, events, given, trouble, upcast = (event) => event, work }: Run): Promise<void> {
  const sink = crashingSink(disk, given.loadTurns, trouble);
  const log = scriptedLog(events, given.batchSizes);
  const parked = disk.parked.values();
  const session = new Session({ ...given, model: tally(), log, sink, upcast, position: disk.checkpoint, parked });
  const stop = new AbortController();
  const outcome = session.run(stop.signal).catch(unlessCrash);
  await work?.(session).catch(unlessCrash);
  await session.reached.whenReached(events.at(-1)?.position ?? -1n, 10_000);
  stop.abort();
  await outcome;
}

async function runThrough({ troubles: all, ...given }: Omit<Run, 'disk'> & { troubles: readonly Trouble[] }) {
  const disk = new Disk();
  for (const trouble of [...all, undefined]) await run({ ...given, disk, trouble });
  return disk;
}

describe('a projection session', () => {
  it('comes to the cold replay for every sequence, batching and crash between any two writes', async () => {
    await fc.assert(
      fc.asyncProperty(recordedEvents, circumstances, troubles, async (events, given, all) => {
        const disk = await runThrough({ events, given, troubles: all });
        const expected = coldReplay(events);
        expect(disk.boxes).toEqual(expected.boxes);
        expect([...disk.parked.keys()].toSorted()).toEqual(expected.parked);
        expect(disk.checkpoint).toBe(events.at(-1)?.position ?? -1n);
      }),
      { numRuns: 400 },
    );
  });

  it('counts each event held back once, crashes or not', async () => {
    await fc.assert(
      fc.asyncProperty(recordedEvents, circumstances, troubles, async (events, given, all) => {
        const disk = await runThrough({ events, given, troubles: all });
        for (const { stream, position, heldBack } of disk.parked.values()) {
          const later = events.filter((event) => event.stream === stream && event.position > position);
          expect(heldBack).toBe(later.filter(({ type }) => type !== 'Ignored').length);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('comes to the repaired cold replay when streams are retried while events come in, crashes or not', async () => {
    const repairs = fc.uniqueArray(fc.constantFrom(...streams)).map((names) => new Set<string>(names));
    const runs = fc.tuple(recordedEvents, fc.nat({ max: 40 }), repairs, fc.nat({ max: 40 }));
    await fc.assert(
      fc.asyncProperty(runs, circumstances, troubles, async ([events, before, repaired, at], given, all) => {
        const disk = await runThrough({ events: events.slice(0, before), given, troubles: [] });
        const work = async (session: Session) => {
          await session.reached.whenReached(events[at]?.position ?? -1n, 10_000);
          for (const stream of streams) {
            const still = await session.retry(stream);
            expect(still === undefined || !repaired.has(stream)).toBe(true);
          }
        };
        for (const trouble of [...all, undefined]) {
          await run({ disk, events, given, trouble, upcast: repair(repaired), work });
        }
        const expected = coldReplay(events, repaired);
        expect(disk.boxes).toEqual(expected.boxes);
        expect([...disk.parked.keys()].toSorted()).toEqual(expected.parked);
      }),
      { numRuns: 400 },
    );
  });
});
