import { describe, expect, it } from '@jest/globals';
import { availability, type AvailabilityEvent, type SetRule } from '../../src/availability/availability.js';
import { given, golden } from '../spec/decider-spec.js';

const rule = (
  status: 'Available' | 'NotAvailable',
  dates: readonly (readonly [string | number, string | number])[],
  localDate: string | number,
  more: { repetition?: number; zoneinfo?: string } = {},
): SetRule => {
  const { repetition, zoneinfo } = more;
  return {
    type: 'SetUserAvailability',
    availability: {
      status,
      dates: dates.map(([startDate, endDate]) => ({ startDate, endDate })),
      ...(repetition !== undefined && { repetition }),
    },
    localDate,
    ...(zoneinfo !== undefined && { zoneinfo }),
  };
};

const override = (
  date: string,
  zone: string,
  intervals: [number, number][],
  status = 'Available' as const,
): AvailabilityEvent => {
  return { type: 'AvailabilityOverrideSet', data: { userId: 'alice', zone, status, intervals, date } };
};

describe('when a person can be met', () => {
  it('is kept as the wall clock showed it, in the zone of the token', () => {
    given(availability)
      .when(
        rule('Available', [['2031-05-05T09:00:00+02:00', '2031-05-05T17:30:00+02:00']], '2031-05-05T00:00:00+02:00', {
          zoneinfo: 'Europe/London',
        }),
      )
      .then(override('2031-05-05', 'Europe/London', [[480, 990]]));
  });

  it('is read by the offset of localDate where the token names no zone', () => {
    given(availability)
      .when(
        rule('NotAvailable', [['2031-05-05T03:15:00Z', '2031-05-05T04:00:00Z']], '2031-05-05T00:00:00+05:45', {
          repetition: 0b1111111,
        }),
      )
      .then({
        type: 'AvailabilityPatternSet',
        data: { userId: 'alice', zone: '+05:45', status: 'NotAvailable', intervals: [[540, 585]], weekdays: 127 },
      });
  });

  it('in epoch milliseconds is of the day in the zone used last, else of UTC', () => {
    const [localDate, start] = [Date.parse('2031-05-05T20:00:00Z'), Date.parse('2031-05-05T21:00:00Z')];
    const command = rule('Available', [[start, start + 3_600_000]], localDate);
    given(availability)
      .when(command)
      .then(override('2031-05-05', 'UTC', [[1_260, 1_320]]));
    given(availability, override('2031-01-01', 'Asia/Kathmandu', [[0, 60]]))
      .when(command)
      .then(override('2031-05-06', 'Asia/Kathmandu', [[165, 225]]));
  });

  it('without dates is the whole day', () => {
    given(availability)
      .when(rule('NotAvailable', [], '2031-05-05T23:59:00Z'))
      .then({
        type: 'AvailabilityOverrideSet',
        data: { userId: 'alice', zone: '+00:00', status: 'NotAvailable', intervals: [[0, 1_440]], date: '2031-05-05' },
      });
  });

  it('may run past midnight, and 24:00 is the end of a day, also where the next one begins at 01:00', () => {
    given(availability)
      .when(
        rule(
          'Available',
          [
            ['2031-05-05T22:00:00Z', '2031-05-06T06:00:00Z'],
            ['2031-05-05T12:00:00Z', '2031-05-05T24:00:00Z'],
            ['2031-05-05T18:00:00Z', '2031-05-06T00:00:00Z'],
          ],
          '2031-05-05T00:00:00Z',
        ),
      )
      .then(
        override('2031-05-05', '+00:00', [
          [1_320, 1_800],
          [720, 1_440],
          [1_080, 1_440],
        ]),
      );
    given(availability)
      .when(
        rule('Available', [['2018-11-03T20:00:00-03:00', '2018-11-03T24:00:00-03:00']], '2018-11-03T00:00:00-03:00', {
          zoneinfo: 'America/Sao_Paulo',
        }),
      )
      .then(override('2018-11-03', 'America/Sao_Paulo', [[1_200, 1_440]]));
  });

  it('lasts up to 24 hours on the wall clock, also on a day of 25', () => {
    const day = { zoneinfo: 'Europe/Paris' };
    const whole = rule(
      'Available',
      [['2026-10-25T00:00:00+02:00', '2026-10-26T00:00:00+01:00']],
      '2026-10-25T00:00:00+02:00',
      day,
    );
    given(availability)
      .when(whole)
      .then(override('2026-10-25', 'Europe/Paris', [[0, 1_440]]));
    given(availability)
      .when(
        rule(
          'Available',
          [['2026-10-24T00:00:00+02:00', '2026-10-25T00:01:00+02:00']],
          '2026-10-24T00:00:00+02:00',
          day,
        ),
      )
      .refused('protocol.invalid');
  });

  it('of a date begins on that date where the person is', () => {
    const dates = [['2031-05-05T23:30:00Z', '2031-05-05T23:45:00Z']] as const;
    given(availability)
      .when(rule('Available', dates, '2031-05-05T00:00:00Z', { zoneinfo: 'Europe/Paris' }))
      .refused('protocol.invalid');
    given(availability)
      .when(rule('Available', dates, '2031-05-06T00:00:00Z', { zoneinfo: 'Europe/Paris' }))
      .then(override('2031-05-06', 'Europe/Paris', [[90, 105]]));
  });

  it('is remembered as the last zone and the weekly rules', () => {
    const pattern: AvailabilityEvent = {
      type: 'AvailabilityPatternSet',
      data: { userId: 'alice', zone: 'UTC', status: 'Available', intervals: [[540, 600]], weekdays: 0b10 },
    };
    const state = [pattern, override('2031-05-05', '+01:00', [[0, 5]])].reduce(
      (folded, event) => availability.evolve(folded, event),
      availability.initial,
    );
    expect(state).toEqual({ zone: '+01:00', weekly: { chosen: true, days: [[], [540, 600], [], [], [], [], []] } });
  });
});

describe('events of availability', () => {
  golden(availability, {
    AvailabilityPatternSet: [
      {
        schema: 1,
        stored: {
          userId: 'alice',
          zone: 'Europe/Paris',
          status: 'NotAvailable',
          intervals: [
            [0, 480],
            [1_320, 1_800],
          ],
          weekdays: 62,
        },
      },
    ],
    AvailabilityOverrideSet: [
      {
        schema: 1,
        stored: { userId: 'alice', zone: '+05:45', status: 'Available', intervals: [[0, 1_440]], date: '2031-05-05' },
      },
    ],
  });
});
