import * as fc from 'fast-check';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import { newEvent } from './tally.js';
import type { TallyEvent } from './tally.js';

const boxNames = ['a', 'b', 'c', 'd', '__proto__', 'constructor'];
const box = fc.constantFrom(...boxNames);

export const streams = ['tally-1', 'tally-2', 'tally-3'] as const;

export interface Placed {
  readonly stream: string;
  readonly event: TallyEvent;
}

/** Events of three streams, each with a note of its own. */
export const placedEvents = fc
  .array(
    fc.record({
      stream: fc.constantFrom(...streams),
      kind: fc.oneof(
        { weight: 8, arbitrary: fc.constant('Noted' as const) },
        { weight: 3, arbitrary: fc.constant('Labelled' as const) },
        { weight: 2, arbitrary: fc.constant('Ignored' as const) },
        { weight: 1, arbitrary: fc.constant('Spoilt' as const) },
      ),
      boxes: fc.array(box, { maxLength: 4, size: 'max' }),
      box,
    }),
    { maxLength: 40, size: 'max' },
  )
  .map((all) =>
    all.map(({ stream, kind, boxes, box: one }, index): Placed => {
      const note = `n${index}`;
      if (kind === 'Labelled') return { stream, event: { type: kind, data: { box: one, label: note } } };
      if (kind === 'Ignored') return { stream, event: { type: kind, data: { note } } };
      return { stream, event: { type: kind, data: { boxes, note } } };
    }),
  );

/** Recorded as a store would, with gaps between positions. */
export const recordedEvents = fc.tuple(placedEvents, fc.array(fc.integer({ min: 1, max: 3 }))).map(([all, gaps]) => {
  const revisions = new Map<string, bigint>();
  let position = -1n;
  return all.map(({ stream, event }, index): RecordedEvent => {
    const revision = (revisions.get(stream) ?? -1n) + 1n;
    revisions.set(stream, revision);
    position += BigInt(gaps[index] ?? 1);
    return { ...newEvent(event), stream, revision, position };
  });
});
