import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { Session } from '../../projections/engine/session.js';
import { recorded } from '../spec/decider-spec.js';
import { recordedEvents, streams } from './arbitraries.js';
import { circumstances, run as runModel, runThrough as runModelThrough, troubles, type Run } from './session-runs.js';
import { coldReplay, repair, tally } from './tally.js';

const model = tally();
const run = (given: Omit<Run, 'model'>) => runModel({ model, ...given });
const runThrough = (given: Omit<Parameters<typeof runModelThrough>[0], 'model'>) =>
  runModelThrough({ model, ...given });

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

  it('keeps a stream parked whose retry comes before the session is there again after a crash', async () => {
    const event = (type: string, boxes: string[], stream: string, revision: bigint, position: bigint) =>
      recorded({ type, data: { boxes, note: `n${position}` } }, { stream, revision, position, id: `e${position}` });
    const events = [
      event('Noted', [], 'tally-1', 0n, 0n),
      event('Spoilt', ['a'], 'tally-2', 0n, 1n),
      event('Noted', ['a'], 'tally-1', 1n, 2n),
    ];
    const given = { loadTurns: 0, batchSizes: [1], catchUpRows: 1, cachedRows: 0, writeEveryMs: 0 };
    const disk = await runThrough({ events: [], given, troubles: [] });
    // The row is written, with an event after the one that failed, and the checkpoint is not.
    for (const trouble of [{ after: 2, isFatal: false }, undefined]) {
      await run({ disk, events, given, trouble, work: (session) => session.retry('tally-2') });
    }
    expect([...disk.parked.keys()]).toEqual(['tally-2']);
  });
});
