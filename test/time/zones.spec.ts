import { describe, expect, it } from '@jest/globals';
import {
  dateOf,
  dayIn,
  dayMs,
  dayOf,
  daysIn,
  instantsOf,
  localOf,
  monthOf,
  startOfDay,
  weekdayOf,
  weekOf,
} from '../../src/time/zones.js';

const zones = [
  'UTC',
  'Europe/Paris',
  'America/New_York',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'America/Sao_Paulo',
  'Africa/Cairo',
  'Africa/Casablanca',
  'Pacific/Apia',
];
const years = [1975, 2011, 2014, 2018, 2026, 2100];
const hour = 3_600_000;

/** What Intl says the wall clock shows. */
function shown(format: Intl.DateTimeFormat, at: number): number {
  const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 0, day = 0, hour: hours = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hours, minute, second);
}

const numeric = 'numeric' as const;
const formatOf = (timeZone: string): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: numeric,
    month: numeric,
    day: numeric,
    hour: numeric,
    minute: numeric,
    second: numeric,
  });

describe('the wall clock of a zone', () => {
  it.each(zones)('%s shows what Intl says, every few hours of several years', (zone) => {
    const format = formatOf(zone);
    for (const year of years) {
      const wrong: string[] = [];
      for (let at = Date.UTC(year, 0); at < Date.UTC(year + 1, 0); at += 7 * hour + 1_000) {
        if (localOf(zone, at) !== shown(format, at)) wrong.push(new Date(at).toISOString());
      }
      expect(wrong).toEqual([]);
    }
  });

  it('of an offset is that far from UTC', () => {
    expect(localOf('+05:45', 0)).toBe(5.75 * hour);
    expect(localOf('-00:30', 0)).toBe(-0.5 * hour);
    expect(dayIn('-00:30', 0)).toBe(-1);
  });
});

describe('the days of a zone', () => {
  it.each(zones)('of %s tile the time line, and begin where the wall clock first shows them', (zone) => {
    for (const year of years) {
      let end = startOfDay(zone, Date.UTC(year, 0) / dayMs);
      for (let day = Date.UTC(year, 0) / dayMs; day < Date.UTC(year + 1, 0) / dayMs; day++) {
        const { from, until } = daysIn(zone, { from: day, until: day + 1 });
        expect(from).toBe(end);
        end = until;
        if (from === until) continue;
        expect(localOf(zone, from)).toBeGreaterThanOrEqual(day * dayMs);
        expect(localOf(zone, from - 1)).toBeLessThan(day * dayMs);
      }
    }
  });

  it('have the lengths their clocks give them', () => {
    const hours = (zone: string, date: string): number => {
      const { from, until } = daysIn(zone, { from: dayOf(date), until: dayOf(date) + 1 });
      return (until - from) / hour;
    };
    expect(hours('Europe/Paris', '2026-03-29')).toBe(23);
    expect(hours('Europe/Paris', '2026-10-25')).toBe(25);
    expect(hours('Australia/Lord_Howe', '2026-10-04')).toBe(23.5);
    expect(hours('America/Sao_Paulo', '2018-11-04')).toBe(23);
    expect(hours('Pacific/Apia', '2011-12-30')).toBe(0);
    expect(new Date(startOfDay('Africa/Cairo', dayOf('2026-04-24'))).toISOString()).toBe('2026-04-23T22:00:00.000Z');
    expect(localOf('Africa/Cairo', startOfDay('Africa/Cairo', dayOf('2026-04-24'))) % dayMs).toBe(hour);
  });

  it('make weeks that begin on Sunday, and months', () => {
    expect(weekdayOf(dayOf('2026-05-03'))).toBe(0);
    expect(weekdayOf(dayOf('1969-12-31'))).toBe(3);
    const { from, until } = weekOf(dayOf('2026-05-09'));
    expect([dateOf(from), dateOf(until)]).toEqual(['2026-05-03', '2026-05-10']);
    const month = monthOf(dayOf('2024-02-29'));
    expect([dateOf(month.from), dateOf(month.until)]).toEqual(['2024-02-01', '2024-03-01']);
    expect(dateOf(dayOf('9999-12-31') + 1)).toBe('9999-12-31');
  });
});

describe('local intervals', () => {
  const local = (from: string, until: string): number[] => [Date.parse(`${from}Z`), Date.parse(`${until}Z`)];
  const instants = (zone: string, intervals: readonly number[]): string[] =>
    instantsOf(zone, intervals).map((at) => new Date(at).toISOString().slice(5, 16));

  it('are the instants at which the clock shows them: none, one time or two', () => {
    expect(instants('Europe/Paris', local('2026-03-29T02:00', '2026-03-29T03:00'))).toEqual([]);
    expect(instants('Europe/Paris', local('2026-03-29T01:30', '2026-03-29T03:30'))).toEqual([
      '03-29T00:30',
      '03-29T01:30',
    ]);
    expect(instants('Europe/Paris', local('2026-10-25T02:00', '2026-10-25T02:30'))).toEqual([
      '10-25T00:00',
      '10-25T00:30',
      '10-25T01:00',
      '10-25T01:30',
    ]);
    expect(instants('Europe/Paris', local('2026-10-25T02:00', '2026-10-25T03:00'))).toEqual([
      '10-25T00:00',
      '10-25T02:00',
    ]);
    expect(instants('UTC', [])).toEqual([]);
  });
});
