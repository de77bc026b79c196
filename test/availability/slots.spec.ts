import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { explained, type Reason } from '../../src/availability/gaps.js';
import { slotsOf } from '../../src/availability/slots.js';
import { agendaOf, type StoredPerson } from '../../src/availability/stored-people.js';
import { Refused } from '../../src/eventsourcing/refused.js';
import { calendars } from '../../src/meetings/calendar.js';
import { clip, freeIntervals, merge, subtract, type Flat } from '../../src/time/intervals.js';
import { codeOf, alice } from '../spec/decider-spec.js';
import { freeMinutes, minute, MinuteRules, type MinutePerson } from './oracle.js';
import { cases, storedPeople, type Case, type Simulated } from './worlds.js';

const inMinutes = ({ user: _user, zone, rules, busy }: Simulated, { walls }: Case['window']): MinutePerson => {
  const wall = walls.get(zone);
  if (!wall) throw new Error(`no clock of ${zone}`);
  return { wall, rules: new MinuteRules(rules), busy: busy.map(({ busyFrom, busyUntil }) => [busyFrom, busyUntil]) };
};

/** The stretches of true minutes. */
function stretches(minutes: readonly boolean[], from: number): Flat {
  const found: number[] = [];
  for (const [index, is] of minutes.entries()) {
    if (is && !minutes[index - 1]) found.push(from + index * minute);
    if (is && !minutes[index + 1]) found.push(from + (index + 1) * minute);
  }
  return found;
}

const pairsOf = (intervals: Flat): [number, number][] =>
  Array.from({ length: intervals.length / 2 }, (_none, index) => [
    intervals[2 * index] ?? Number.NaN,
    intervals[2 * index + 1] ?? Number.NaN,
  ]);

/** Whether the person's calendar takes a meeting at this time. */
function books(
  { user, calendar }: Simulated,
  [startDate, endDate]: readonly [number, number],
  { before, after }: Case['buffers'],
) {
  const state = calendar.reduce((folded, event) => calendars.evolve(folded, event), calendars.initial);
  const time = { startDate, endDate, busyFrom: startDate - before, busyUntil: endDate + after, zone: 'UTC' };
  const details = {
    sourceType: 'group',
    sourceIds: ['g'],
    subject: 's',
    description: '',
    color: { r: 0, g: 0, b: 0, a: 1 },
  } as const;
  const command = {
    type: 'BookMeeting',
    userId: user,
    meetingId: 'new',
    time,
    details,
    invitedUserIds: [],
    conflicts: 'reject',
  } as const;
  return codeOf(() => calendars.decide(command, state, alice));
}

const found = ({ window, people, range, buffers }: Case) => {
  const minutes = freeMinutes(
    people.map((one) => inMinutes(one, window)),
    range,
    buffers,
  );
  return { minutes, free: stretches(minutes, range.from) };
};

describe('slots', () => {
  it('are what a look at every single minute finds, and all of them can be booked (10,000 cases)', () => {
    fc.assert(
      fc.property(cases, (given) => {
        const { people, range, buffers } = given;
        const agendas = [...storedPeople(people).values()].map((one) => agendaOf(one, range));
        const free = freeIntervals(agendas, range, buffers);
        expect(free).toEqual(found(given).free);
        for (const slot of pairsOf(free))
          for (const one of people) expect(books(one, slot, buffers)).toBe('not refused');
      }),
      { numRuns: 10_000 },
    );
  });

  it('of one length begin where the wall clock shows a multiple of the step (property)', () => {
    const lengths = fc.record({
      slotLength: fc.constantFrom(15, 30, 45, 60, 90),
      slotStep: fc.constantFrom(5, 15, 30, 45, 60),
    });
    fc.assert(
      fc.property(cases, lengths, (given, options) => {
        const { window, range } = given;
        const { minutes, free } = found(given);
        const wall = window.walls.get(window.zones[0] ?? '');
        if (!wall) throw new Error('no clock');
        const expected = minutes.flatMap((_is, index) => {
          const at = range.from + index * minute;
          const shown = wall.shows[(at - wall.from) / minute] ?? Number.NaN;
          const whole = minutes.slice(index, index + options.slotLength);
          const fits = whole.length === options.slotLength && whole.every(Boolean);
          return fits && (shown % 1_440) % options.slotStep === 0 ? [at, at + options.slotLength * minute] : [];
        });
        expect(slotsOf(free, wall.zone, options)).toEqual(expected);
        expect(slotsOf(free, wall.zone, { slotLength: options.slotStep })).toEqual(
          slotsOf(free, wall.zone, { slotLength: options.slotStep, slotStep: options.slotStep }),
        );
      }),
      { numRuns: 600 },
    );
  });

  it('and gaps tile the range, and every minute of a gap has its reasons (property)', () => {
    fc.assert(
      fc.property(cases, fc.nat(600), fc.nat(600), (given, past, notice) => {
        const { window, people, range, buffers } = given;
        const simulated = new Map(people.map((one) => [one.user, inMinutes(one, window)]));
        const now = range.from + (past - 300) * minute;
        const bookable = now + notice * minute;
        const isSeen = (meeting: string): boolean => meeting === 'm-0';
        const { free, gaps } = explained(storedPeople(people), { range, now, bookable, buffers, isSeen });
        expect(free).toEqual(clip(found(given).free, { from: bookable, until: Infinity }));
        const closed = gaps.flatMap(({ startDate, endDate }) => [startDate.getTime(), endDate.getTime()]);
        expect(closed).toEqual(subtract([range.from, range.until], free));
        for (const gap of gaps) {
          const [from, until] = [gap.startDate.getTime(), gap.endDate.getTime()];
          const spans = gap.reasons.flatMap(({ startDate, endDate }) => [startDate.getTime(), endDate.getTime()]);
          expect(merge(spans)).toEqual([from, until]);
          for (const reason of gap.reasons) {
            const all = minutesOf(reason);
            expect(all.filter((at) => !stands(reason, at, simulated, { now, bookable, buffers }))).toEqual([]);
          }
        }
      }),
      { numRuns: 600 },
    );
  });
});

describe('what stands against slots', () => {
  const day = 1_440 * minute;
  /** Available for a minute of every quarter of an hour: 97 stretches of a day are not. */
  const everyDay = Array.from({ length: 96 }, (_none, n) => [15 * n + 7, 15 * n + 8]).flat();
  const person: StoredPerson = {
    zone: 'UTC',
    weekly: { chosen: true, days: Array.from({ length: 7 }, () => everyDay) },
    days: new Map(),
    busy: [],
    known: true,
  };
  const search = { now: 0, bookable: 0, buffers: { before: 0, after: 0 }, isSeen: () => false };
  const reasonsOf = (people: number, days: number): number => {
    const all = Array.from({ length: people }, (_none, n) => [`p${n}`, person] as const);
    const { gaps } = explained(all, { ...search, range: { from: 0, until: days * day } });
    return gaps.reduce((sum, { reasons }) => sum + reasons.length, 0);
  };

  it('is told up to 10,000 reasons, and refused beyond before it is put together', () => {
    expect(reasonsOf(1, 62)).toBe(62 * 97);
    expect(reasonsOf(103, 1)).toBe(103 * 97);
    for (const [people, days] of [
      [104, 1],
      [2, 62],
      [60, 59],
    ] as const) {
      const started = performance.now();
      let refused: unknown;
      try {
        reasonsOf(people, days);
      } catch (error) {
        refused = error;
      }
      expect(refused).toBeInstanceOf(Refused);
      expect(refused).toMatchObject({ code: 'protocol.invalid', details: [{ field: 'endDate' }] });
      expect(performance.now() - started).toBeLessThan(500);
    }
  });
});

const minutesOf = ({ startDate, endDate }: Reason): number[] =>
  Array.from(
    { length: (endDate.getTime() - startDate.getTime()) / minute },
    (_none, index) => startDate.getTime() + index * minute,
  );

/** Whether the reason stands at this minute. */
function stands(
  reason: Reason,
  at: number,
  people: ReadonlyMap<string, MinutePerson>,
  { now, bookable, buffers }: { now: number; bookable: number; buffers: Case['buffers'] },
): boolean {
  if (reason.kind === 'past') return at < now;
  if (reason.kind === 'notice') return at >= now && at < bookable;
  const one = 'user' in reason && people.get(reason.user);
  if (!one) return false;
  const { wall, rules, busy } = one;
  const shown = wall.shows[(at - wall.from) / minute] ?? Number.NaN;
  const date = new Date(Math.floor(shown / 1_440) * 86_400_000);
  if (reason.kind === 'pattern') return !rules.at(shown) && reason.weekday === date.getUTCDay();
  if (reason.kind === 'override') return !rules.at(shown) && reason.date === date.toISOString().slice(0, 10);
  if ('meetingId' in reason && reason.meetingId !== 'm-0') return false;
  const [before, after] = reason.kind === 'buffer' ? [buffers.before, buffers.after] : [0, 0];
  return busy.some(([start, end]) => at >= start - after && at < end + before);
}
