import { describe, expect, it } from '@jest/globals';
import { availability, type AvailabilityEvent } from '../../src/availability/availability.js';
import { OwnAvailability } from '../../src/availability/own-availability.js';
import { agendaOf, type StoredPerson } from '../../src/availability/stored-people.js';
import type { BookedTime } from '../../src/meetings/calendar.events.js';
import { freeIntervals, isFree } from '../../src/time/intervals.js';
import { monthOf, weekOf } from '../../src/time/zones.js';
import { alice } from '../spec/decider-spec.js';
import { storedPeople } from './worlds.js';

type Dates = readonly (readonly [string, string])[];

/** A person whose rules were set in this order, as queries find the person. */
class Person {
  readonly #rules: AvailabilityEvent[] = [];
  readonly #busy: BookedTime[] = [];

  constructor(readonly zone: string) {}

  set(status: 'Available' | 'NotAvailable', dates: Dates, localDate: string, repetition?: number): this {
    const spans = dates.map(([startDate, endDate]) => ({ startDate, endDate }));
    const rule = { status, dates: spans, ...(repetition !== undefined && { repetition }) };
    const command = { type: 'SetUserAvailability', availability: rule, localDate, zoneinfo: this.zone } as const;
    const state = this.#rules.reduce((folded, event) => availability.evolve(folded, event), availability.initial);
    this.#rules.push(...availability.decide(command, state, { ...alice, actorId: 'p' }));
    return this;
  }

  meets(from: string, until: string): this {
    const [startDate, endDate] = [Date.parse(from), Date.parse(until)];
    this.#busy.push({ startDate, endDate, busyFrom: startDate, busyUntil: endDate, zone: this.zone });
    return this;
  }

  get stored(): StoredPerson {
    const calendar = this.#busy.map((time, index) => {
      return {
        type: 'InvitationAccepted' as const,
        data: { userId: 'p', meetingId: `m${index}`, booking: '0', time },
      };
    });
    const one = { user: 'p', zone: this.zone, rules: this.#rules, calendar, busy: this.#busy };
    const person = storedPeople([one]).get('p');
    if (!person) throw new Error('nobody there');
    return person;
  }

  #own(): OwnAvailability {
    return new OwnAvailability({ read: async (_world, users) => new Map(users.map((user) => [user, this.stored])) });
  }

  get #caller() {
    return { world: 'demo', userId: 'p', after: 0n, zoneinfo: this.zone };
  }

  async day(localDate: string, around = (day: number) => ({ from: day, until: day + 1 })) {
    const { status, dates } = await this.#own().view(this.#caller, localDate, around);
    return status === 'Available' ? dates.map(text) : status;
  }

  week = (localDate: string) => this.day(localDate, weekOf);
  month = (localDate: string) => this.day(localDate, monthOf);

  async pattern(localDate: string) {
    const { availabilities } = await this.#own().pattern(this.#caller, localDate);
    return availabilities.map(({ dates }) => dates.map(text));
  }
}

const text = ({ startDate, endDate }: { startDate: Date; endDate: Date }): string =>
  `${startDate.toISOString().slice(0, 16)} ${endDate.toISOString().slice(0, 16)}`;

const weekdays = 0b0111110;

describe('availability', () => {
  it('is at the same wall-clock time on both sides of a change of the clock', async () => {
    const ann = new Person('America/New_York').set(
      'Available',
      [['2026-01-05T09:00:00-05:00', '2026-01-05T17:00:00-05:00']],
      '2026-01-05T00:00:00-05:00',
      127,
    );
    expect(await ann.day('2026-03-07T00:00:00-05:00')).toEqual(['2026-03-07T14:00 2026-03-07T22:00']);
    expect(await ann.day('2026-03-08T00:00:00-05:00')).toEqual(['2026-03-08T13:00 2026-03-08T21:00']);
    expect(await ann.day('2026-11-01T00:00:00-04:00')).toEqual(['2026-11-01T14:00 2026-11-01T22:00']);
  });

  it('has days of 23 and 25 hours, nothing in what the clock skips, and both of what it shows twice', async () => {
    const ann = new Person('Europe/Paris');
    expect(await ann.day('2026-03-29T12:00:00+02:00')).toEqual(['2026-03-28T23:00 2026-03-29T22:00']);
    expect(await ann.day('2026-10-25T12:00:00+02:00')).toEqual(['2026-10-24T22:00 2026-10-25T23:00']);
    ann.set(
      'Available',
      [['2026-01-05T02:15:00+01:00', '2026-01-05T02:45:00+01:00']],
      '2026-01-05T00:00:00+01:00',
      127,
    );
    expect(await ann.day('2026-03-29T12:00:00+02:00')).toBe('NotAvailable');
    expect(await ann.day('2026-10-25T12:00:00+02:00')).toEqual([
      '2026-10-25T00:15 2026-10-25T00:45',
      '2026-10-25T01:15 2026-10-25T01:45',
    ]);
  });

  it('follows an override on the day it names where the person is, not where the one who looks is', async () => {
    const ann = new Person('Pacific/Auckland')
      .set(
        'Available',
        [['2026-05-04T09:00:00+12:00', '2026-05-04T17:00:00+12:00']],
        '2026-05-04T00:00:00+12:00',
        weekdays,
      )
      .set('NotAvailable', [], '2026-05-05T08:00:00+12:00');
    // Tuesday in Auckland is over before it is over in New York; only that Tuesday is gone.
    expect(await ann.week('2026-05-05T00:00:00+12:00')).toEqual([
      '2026-05-03T21:00 2026-05-04T05:00',
      '2026-05-05T21:00 2026-05-06T05:00',
      '2026-05-06T21:00 2026-05-07T05:00',
      '2026-05-07T21:00 2026-05-08T05:00',
    ]);
    const tuesdayInNewYork = { from: Date.parse('2026-05-05T04:00Z'), until: Date.parse('2026-05-06T04:00Z') };
    const free = freeIntervals([agendaOf(ann.stored, tuesdayInNewYork)], tuesdayInNewYork);
    expect(free.map((at) => new Date(at).toISOString().slice(0, 16))).toEqual(['2026-05-05T21:00', '2026-05-06T04:00']);
  });

  it('takes 24:00 and ranges over midnight; each belongs to the day it starts on', async () => {
    const night: Dates = [['2026-05-04T22:00:00Z', '2026-05-05T06:00:00Z']];
    const ann = new Person('UTC').set('Available', night, '2026-05-04T00:00:00Z', 0b0000010);
    expect(await ann.week('2026-05-04T00:00:00Z')).toEqual(['2026-05-04T22:00 2026-05-05T06:00']);
    expect(await ann.day('2026-05-05T00:00:00Z')).toEqual(['2026-05-05T00:00 2026-05-05T06:00']);
    expect((await ann.pattern('2026-05-05T00:00:00Z'))[1]).toEqual(['2026-05-04T22:00 2026-05-05T06:00']);
    // An override of the next day leaves the tail; taking its time away does not.
    ann.set('Available', [['2026-05-05T12:00:00Z', '2026-05-05T24:00:00Z']], '2026-05-05T00:00:00Z');
    expect(await ann.day('2026-05-05T00:00:00Z')).toEqual([
      '2026-05-05T00:00 2026-05-05T06:00',
      '2026-05-05T12:00 2026-05-06T00:00',
    ]);
    ann.set('NotAvailable', [['2026-05-05T05:00:00Z', '2026-05-05T13:00:00Z']], '2026-05-05T00:00:00Z');
    expect(await ann.day('2026-05-05T00:00:00Z')).toEqual([
      '2026-05-05T00:00 2026-05-05T05:00',
      '2026-05-05T13:00 2026-05-06T00:00',
    ]);
  });

  it('taken away every week goes from the night before and into the day after, too', async () => {
    const ann = new Person('UTC')
      .set('Available', [['2026-05-04T20:00:00Z', '2026-05-05T08:00:00Z']], '2026-05-04T00:00:00Z', 127)
      // Tuesdays from 22:00 to 02:00, and from 00:00 to 01:00.
      .set(
        'NotAvailable',
        [
          ['2026-05-05T22:00:00Z', '2026-05-06T02:00:00Z'],
          ['2026-05-05T00:00:00Z', '2026-05-05T01:00:00Z'],
        ],
        '2026-05-05T00:00:00Z',
        0b0000100,
      );
    expect(await ann.day('2026-05-05T00:00:00Z')).toEqual([
      '2026-05-05T01:00 2026-05-05T08:00',
      '2026-05-05T20:00 2026-05-05T22:00',
    ]);
    expect(await ann.day('2026-05-06T00:00:00Z')).toEqual([
      '2026-05-06T02:00 2026-05-06T08:00',
      '2026-05-06T20:00 2026-05-07T00:00',
    ]);
  });

  it('of a date stays a rule: a new pattern shines through what an override only takes away', async () => {
    const hours = (from: string, to: string): Dates => [[`2026-05-05T${from}:00Z`, `2026-05-05T${to}:00Z`]];
    const ann = new Person('UTC')
      .set('NotAvailable', hours('12:00', '13:00'), '2026-05-05T00:00:00Z')
      .set('Available', hours('09:00', '17:00'), '2026-05-05T00:00:00Z', 127);
    expect(await ann.day('2026-05-05T00:00:00Z')).toEqual([
      '2026-05-05T09:00 2026-05-05T12:00',
      '2026-05-05T13:00 2026-05-05T17:00',
    ]);
    ann.set('Available', hours('20:00', '21:00'), '2026-05-05T00:00:00Z');
    expect(await ann.day('2026-05-05T00:00:00Z')).toEqual(['2026-05-05T20:00 2026-05-05T21:00']);
  });

  it('works in zones of +5:45', async () => {
    const ann = new Person('Asia/Kathmandu').set(
      'Available',
      [['2026-05-04T00:00:00+05:45', '2026-05-04T00:15:00+05:45']],
      '2026-05-04T00:00:00+05:45',
      127,
    );
    expect(await ann.day('2026-05-05T00:00:00+05:45')).toEqual(['2026-05-04T18:15 2026-05-04T18:30']);
    expect(await ann.month('2026-05-05T00:00:00+05:45')).toHaveLength(31);
  });

  it('works on days that begin at 01:00, that come to midnight twice, and that do not exist', async () => {
    const rio = new Person('America/Sao_Paulo');
    expect(await rio.day('2018-11-04T12:00:00-02:00')).toEqual(['2018-11-04T03:00 2018-11-05T02:00']);
    rio.set(
      'Available',
      [['2018-10-01T00:00:00-03:00', '2018-10-01T02:00:00-03:00']],
      '2018-10-01T00:00:00-03:00',
      127,
    );
    expect(await rio.day('2018-11-04T12:00:00-02:00')).toEqual(['2018-11-04T03:00 2018-11-04T04:00']);
    // 23:00 to 24:00 of the seventeenth was there twice.
    const late = new Person('America/Sao_Paulo').set(
      'Available',
      [['2018-01-01T23:00:00-02:00', '2018-01-01T24:00:00-02:00']],
      '2018-01-01T00:00:00-02:00',
      127,
    );
    expect(await late.day('2018-02-17T12:00:00-02:00')).toEqual(['2018-02-18T01:00 2018-02-18T03:00']);
    const apia = new Person('Pacific/Apia');
    expect(await apia.day('2011-12-29T12:00:00-10:00')).toEqual(['2011-12-29T10:00 2011-12-30T10:00']);
    expect(await apia.day('2011-12-30T12:00:00-10:00')).toBe('NotAvailable');
    expect(await apia.day('2011-12-31T12:00:00+14:00')).toEqual(['2011-12-30T10:00 2011-12-31T10:00']);
  });
});

describe('a slot', () => {
  const range = { from: Date.parse('2026-05-05T00:00Z'), until: Date.parse('2026-05-06T00:00Z') };
  const times = (found: readonly number[]) => found.map((at) => new Date(at).toISOString().slice(11, 16));

  it('keeps the buffers that are asked for from meetings on both sides, and from those outside the range', () => {
    const ann = new Person('UTC')
      .meets('2026-05-05T09:00Z', '2026-05-05T10:00Z')
      .meets('2026-05-05T11:00Z', '2026-05-05T12:00Z')
      .meets('2026-05-06T00:00Z', '2026-05-06T01:00Z')
      .meets('2026-05-04T23:00Z', '2026-05-05T00:00Z');
    const buffers = { before: 15 * 60_000, after: 30 * 60_000 };
    const free = freeIntervals([agendaOf(ann.stored, range)], range, buffers);
    expect(times(free)).toEqual(['00:15', '08:30', '10:15', '10:30', '12:15', '23:30']);
  });

  it('is one that booking takes, to the minute', () => {
    const ann = new Person('UTC').meets('2026-05-05T09:00Z', '2026-05-05T10:00Z');
    const { busy } = agendaOf(ann.stored, range);
    const at = (from: string, until: string) => ({
      from: Date.parse(`2026-05-05T${from}Z`),
      until: Date.parse(`2026-05-05T${until}Z`),
    });
    expect(isFree(busy, at('08:00', '09:00'))).toBe(true);
    expect(isFree(busy, at('10:00', '11:00'))).toBe(true);
    expect(isFree(busy, at('08:00', '09:01'))).toBe(false);
    expect(isFree(busy, at('09:59', '11:00'))).toBe(false);
    expect(isFree(busy, at('08:00', '11:00'))).toBe(false);
  });
});
