import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { clip, freeIntervals, intersect, isFree, merge, subtract, type Flat } from '../../src/time/intervals.js';

const size = 40;
const raw = fc
  .array(fc.tuple(fc.nat(size), fc.nat(size)), { maxLength: 6 })
  .map((pairs) => pairs.flatMap(([a, b]) => [Math.min(a, b), Math.max(a, b)]));
const flat = raw.map(merge);

const has = (intervals: Flat, at: number): boolean =>
  intervals.some((start, index) => index % 2 === 0 && start <= at && at < (intervals[index + 1] ?? 0));
const points = Array.from({ length: size + 2 }, (_none, at) => at - 1);

/** The points in it; null where it is not sorted, disjoint, or has an interval that is empty or touches another. */
function pointsIn(found: Flat): readonly number[] | null {
  const rises = found.every((at, index) => index === 0 || at > (found[index - 1] ?? Infinity));
  return rises && found.length % 2 === 0 ? points.filter((at) => has(found, at)) : null;
}

describe('lists of intervals (properties)', () => {
  it('merge to what is in any of them', () => {
    fc.assert(fc.property(raw, (some) => expect(pointsIn(merge(some))).toEqual(points.filter((at) => has(some, at)))));
  });

  it('are subtracted, intersected and clipped point by point', () => {
    fc.assert(
      fc.property(flat, flat, fc.nat(size), fc.nat(size), (one, other, from, until) => {
        expect(pointsIn(subtract(one, other))).toEqual(points.filter((at) => has(one, at) && !has(other, at)));
        expect(pointsIn(intersect(one, other))).toEqual(points.filter((at) => has(one, at) && has(other, at)));
        const clipped = points.filter((at) => has(one, at) && from <= at && at < until);
        expect(pointsIn(clip(one, { from, until }))).toEqual(clipped);
      }),
    );
  });

  it('are free where all are available and nobody is busy, buffers included', () => {
    const agenda = fc.record({ available: flat, busy: flat });
    const buffers = fc.record({ before: fc.nat(5), after: fc.nat(5) });
    fc.assert(
      fc.property(
        fc.array(agenda, { maxLength: 4 }),
        fc.nat(size),
        fc.nat(size),
        buffers,
        (people, from, until, around) => {
          const { before, after } = around;
          const frozen = people.map(({ available, busy }) => ({
            available: Object.freeze(available),
            busy: Object.freeze(busy),
          }));
          const expected = points.filter((at) => {
            const reach = Array.from({ length: before + 1 + after }, (_none, index) => at - before + index);
            const fits = people.every(
              ({ available, busy }) => has(available, at) && !reach.some((near) => has(busy, near)),
            );
            return from <= at && at < until && fits;
          });
          expect(pointsIn(freeIntervals(frozen, { from, until }, around))).toEqual(expected);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('leave room for a booking exactly where nothing of it is taken', () => {
    fc.assert(
      fc.property(flat, fc.nat(size - 1), fc.integer({ min: 1, max: size }), (busy, from, length) => {
        const range = { from, until: from + length };
        const taken = Array.from({ length }, (_none, index) => from + index).some((at) => has(busy, at));
        expect(isFree(busy, range)).toBe(!taken);
      }),
    );
  });
});
