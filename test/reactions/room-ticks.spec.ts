import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { emojis, type Emoji, type ReactionCounts } from '../../src/reactions/reactions.js';
import { RoomTicks } from '../../src/reactions/room-ticks.js';

const heart = '\u2764\uFE0F';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

describe('the ticks of a room', () => {
  it('tell once, a second after the first reaction, what came until then', () => {
    const told: [number, string, ReactionCounts][] = [];
    const begin = Date.now();
    const ticks = new RoomTicks((room, reactions) => told.push([Date.now() - begin, room, reactions]), 1_000);
    ticks.add('hall', '👏');
    jest.advanceTimersByTime(600);
    ticks.add('hall', '👏');
    ticks.add('stage', heart);
    jest.advanceTimersByTime(399);
    ticks.add('hall', '👍');
    expect(told).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(told).toEqual([[1_000, 'hall', { '👏': 2, '👍': 1 }]]);
    jest.advanceTimersByTime(5_000);
    expect(told.slice(1)).toEqual([[1_600, 'stage', { [heart]: 1 }]]);
    ticks.add('hall', '😮');
    jest.advanceTimersByTime(1_000);
    expect(told.slice(2)).toEqual([[7_000, 'hall', { '😮': 1 }]]);
  });

  it('leave nothing out, tell nothing twice, and tell a room at most once a second (property)', () => {
    const step = fc.record({
      room: fc.constantFrom('a', 'b', '__proto__'),
      emoji: fc.constantFrom<Emoji>(...emojis),
      wait: fc.nat({ max: 700 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const told: { room: string; at: number; reactions: ReactionCounts }[] = [];
        const ticks = new RoomTicks((room, reactions) => told.push({ room, at: Date.now(), reactions }), 1_000);
        for (const { room, emoji, wait } of steps) {
          ticks.add(room, emoji);
          jest.advanceTimersByTime(wait);
        }
        jest.advanceTimersByTime(1_000);
        for (const room of new Set(steps.map((one) => one.room))) {
          const ofRoom = told.filter((one) => one.room === room);
          for (const emoji of emojis) {
            const sent = steps.filter((one) => one.room === room && one.emoji === emoji).length;
            expect(ofRoom.reduce((sum, { reactions }) => sum + (reactions[emoji] ?? 0), 0)).toBe(sent);
          }
          const gaps = ofRoom.slice(1).map(({ at }, n) => at - (ofRoom[n]?.at ?? 0));
          expect(gaps.filter((gap) => gap < 1_000)).toEqual([]);
        }
      }),
    );
  });
});
