import { describe, expect, it } from '@jest/globals';
import { toCommand } from '../../src/eventsourcing/validation.js';
import { instant, instantOf, IsLocalDate, localDateOf } from '../../src/time/timestamps.js';
import { codeOf } from '../spec/decider-spec.js';

describe('a timestamp', () => {
  it.each([
    ['2026-05-05T09:00:00Z', Date.UTC(2026, 4, 5, 9)],
    ['2026-05-05T09:00Z', Date.UTC(2026, 4, 5, 9)],
    ['2026-05-05t09:00:00.25z', Date.UTC(2026, 4, 5, 9, 0, 0, 250)],
    ['2026-05-05 09:00:00+05:45', Date.UTC(2026, 4, 5, 3, 15)],
    ['2026-05-05T09:00:00-00:30', Date.UTC(2026, 4, 5, 9, 30)],
    ['2026-02-28T24:00:00Z', Date.UTC(2026, 2, 1)],
    ['2024-02-29T23:59:59.999999999Z', Date.UTC(2024, 1, 29, 23, 59, 59, 999)],
    [1_777_971_600_000, 1_777_971_600_000],
    [-1, -1],
  ])('%s is an instant', (value, at) => {
    expect(instantOf(value)).toBe(at);
    expect(instant(value)).toBe(at);
  });

  it.each([
    '2026-05-05',
    '2026-05-05T09:00:00',
    '2026-02-30T09:00:00Z',
    '2026-13-01T09:00:00Z',
    '2026-05-05T24:01:00Z',
    '2026-05-05T25:00:00Z',
    '2026-05-05T09:60:00Z',
    '2026-05-05T09:00:00+24:00',
    '2026-05-05T09:00:00+0200',
    '0026-05-05T09:00:00Z',
    '1899-12-31T23:59:59Z',
    '',
    '1777971600000',
    1.5,
    Number.NaN,
    Infinity,
    8.64e15,
    null,
    true,
    ['2026-05-05T09:00:00Z'],
  ])('%j is none', (value) => {
    expect(instantOf(value)).toBeUndefined();
  });
});

describe('a local date', () => {
  it('leaves room for what is counted from it', () => {
    class Asks {
      readonly type = 'Asks' as const;
      @IsLocalDate() localDate!: string;
    }
    const accepted = (localDate: string): boolean => codeOf(() => toCommand(Asks, { localDate })) === 'not refused';
    expect(accepted('1911-01-01T00:00:00Z')).toBe(true);
    expect(accepted('9988-12-31T00:00:00Z')).toBe(true);
    expect(accepted('1910-12-31T00:00:00Z')).toBe(false);
    expect(accepted('9989-01-01T00:00:00Z')).toBe(false);
  });

  it('is the day as it was written, whatever day that is elsewhere', () => {
    expect(localDateOf('2026-05-05T00:30:00+14:00')).toEqual({
      date: '2026-05-05',
      offset: '+14:00',
      instant: Date.UTC(2026, 4, 4, 10, 30),
    });
    expect(localDateOf('2026-05-05T24:00:00z')).toMatchObject({ date: '2026-05-05', offset: '+00:00' });
  });

  it('of epoch milliseconds has no day of its own', () => {
    expect(localDateOf(0)).toEqual({ date: undefined, offset: undefined, instant: 0 });
    expect(() => localDateOf('today')).toThrow(TypeError);
  });
});
