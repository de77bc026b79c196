import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { limitsOf } from '../../src/gateway/limits.js';
import { RequestRate } from '../../src/gateway/request-rate.js';
import { codeOf } from '../spec/decider-spec.js';

const ada = { world: 'demo', userId: 'ada' };

/** How many of so many requests are let through. */
const passed = (rate: RequestRate, person: typeof ada, asked: number): number =>
  Array.from({ length: asked }, () => codeOf(() => rate.take(person))).filter((code) => code === 'not refused').length;

describe('the rate of HTTP requests', () => {
  beforeEach(() => void jest.useFakeTimers({ now: 0 }));
  afterEach(() => void jest.useRealTimers());

  it('is 500 at once and 100 a second, for each person of each world', () => {
    const rate = new RequestRate(limitsOf(true).rate);
    expect(passed(rate, ada, 600)).toBe(500);
    expect(codeOf(() => rate.take(ada))).toBe('rate_limited');
    jest.advanceTimersByTime(1_000);
    expect(passed(rate, ada, 200)).toBe(100);
    expect(passed(rate, { ...ada, userId: 'bob' }, 600)).toBe(500);
    expect(passed(rate, { ...ada, world: 'other' }, 600)).toBe(500);
  });

  it('is none where limits are off', () => {
    expect(passed(new RequestRate(limitsOf(false).rate), ada, 2_000)).toBe(2_000);
  });
});
