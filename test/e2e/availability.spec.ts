import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { codeOf } from './outcomes.js';
import { eventsOf, headOf } from './stored-log.js';
import { CallRefused, SocketClient, temporaryServers, tokenFor, type ServerProcess } from './support/server.js';

interface View {
  readonly status: string;
  readonly dates: readonly { readonly startDate: string; readonly endDate: string }[];
}

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;
let people = 0;

beforeAll(async () => {
  servers = await temporaryServers();
  server = await servers.start({ env: { RATE_LIMIT: 'off' } });
});

afterAll(() => servers.remove());

/** Somebody new; `zoneinfo` as in the token. */
async function newPerson(zoneinfo?: string): Promise<{ user: string; client: SocketClient }> {
  const user = `person-${++people}`;
  const token = await tokenFor(user, [], zoneinfo === undefined ? {} : { zoneinfo });
  return { user, client: await SocketClient.connect({ url: server.url, world: 'demo', token }) };
}

const set = (client: SocketClient, status: string, dates: readonly string[][], localDate: string, more: object = {}) =>
  client.call('meeting:setUserAvailability', {
    availability: { status, dates: dates.map(([startDate, endDate]) => ({ startDate, endDate })), ...more },
    localDate,
  });

async function viewed(
  client: SocketClient,
  range: 'Day' | 'Week' | 'Month',
  localDate: string | number,
): Promise<View> {
  const reply = await client.call<{ availability: View }>(`meeting:getUserAvailabilityFor${range}`, { localDate });
  expect(Object.keys(reply)).toEqual(['availability']);
  return reply.availability;
}

const span = (startDate: string, endDate: string) => ({ startDate, endDate });
const hours = (date: string, from: string, to: string): string[] => [
  `${date}T${from}:00+01:00`,
  `${date}T${to}:00+01:00`,
];

describe('meeting:setUserAvailability and the views', () => {
  it('a person is available all day until the first pattern says otherwise', async () => {
    const { client } = await newPerson('Europe/Paris');
    expect(await viewed(client, 'Day', '2031-01-15T12:00:00+01:00')).toEqual({
      status: 'Available',
      dates: [span('2031-01-14T23:00:00.000Z', '2031-01-15T23:00:00.000Z')],
    });
    const { pattern } = await client.call<{ pattern: { availabilities: View[] } }>(
      'meeting:getUserAvailabilityPattern',
      { localDate: '2031-01-15T12:00:00+01:00' },
    );
    expect(pattern.availabilities.map(({ status, dates }) => [status, dates[0]?.startDate])).toEqual(
      ['11', '12', '13', '14', '15', '16', '17'].map((day) => ['Available', `2031-01-${day}T23:00:00.000Z`]),
    );
  });

  it('a pattern, an override and every view answer with exactly the fields of the seed', async () => {
    const { user, client } = await newPerson('Europe/Paris');
    const monday = '2031-01-13T00:00:00+01:00';
    // Monday and Wednesday.
    const done = await set(client, 'Available', [hours('2031-01-13', '09:00', '12:00')], monday, {
      repetition: 0b1010,
    });
    expect(done).toEqual({});
    await set(client, 'Available', [hours('2031-01-14', '20:00', '24:00')], '2031-01-14T08:00:00+01:00');
    expect(await viewed(client, 'Week', monday)).toEqual({
      status: 'Available',
      dates: [
        span('2031-01-13T08:00:00.000Z', '2031-01-13T11:00:00.000Z'),
        span('2031-01-14T19:00:00.000Z', '2031-01-14T23:00:00.000Z'),
        span('2031-01-15T08:00:00.000Z', '2031-01-15T11:00:00.000Z'),
      ],
    });
    expect(await viewed(client, 'Day', '2031-01-16T00:00:00+01:00')).toEqual({
      status: 'NotAvailable',
      dates: [span('2031-01-15T23:00:00.000Z', '2031-01-16T23:00:00.000Z')],
    });
    const month = await viewed(client, 'Month', monday);
    // Mondays and Wednesdays of January 2031, and the override.
    expect(month.dates).toHaveLength(4 + 5 + 1);
    const reply = await client.call<{ pattern: { availabilities: View[] } }>('meeting:getUserAvailabilityPattern', {
      localDate: monday,
    });
    expect(reply).toEqual({
      pattern: {
        availabilities: [
          { status: 'NotAvailable', dates: [] },
          { status: 'Available', dates: [span('2031-01-13T08:00:00.000Z', '2031-01-13T11:00:00.000Z')] },
          { status: 'NotAvailable', dates: [] },
          { status: 'Available', dates: [span('2031-01-15T08:00:00.000Z', '2031-01-15T11:00:00.000Z')] },
          { status: 'NotAvailable', dates: [] },
          { status: 'NotAvailable', dates: [] },
          { status: 'NotAvailable', dates: [] },
        ],
      },
    });
    const events = (await eventsOf(servers.dataDir)).filter(({ stream }) => stream === `availability-demo/${user}`);
    expect(events.map(({ type, data }) => [type, data])).toEqual([
      [
        'AvailabilityPatternSet',
        { userId: user, zone: 'Europe/Paris', status: 'Available', intervals: [[540, 720]], weekdays: 10 },
      ],
      [
        'AvailabilityOverrideSet',
        { userId: user, zone: 'Europe/Paris', status: 'Available', intervals: [[1200, 1440]], date: '2031-01-14' },
      ],
    ]);
  });

  it('rules keep their wall-clock time over the change of the clock', async () => {
    const { client } = await newPerson('Europe/Paris');
    await set(client, 'Available', [hours('2031-01-13', '09:00', '10:00')], '2031-01-13T00:00:00+01:00', {
      repetition: 127,
    });
    expect((await viewed(client, 'Day', '2031-03-29T00:00:00+01:00')).dates).toEqual([
      span('2031-03-29T08:00:00.000Z', '2031-03-29T09:00:00.000Z'),
    ]);
    expect((await viewed(client, 'Day', '2031-03-30T00:00:00+01:00')).dates).toEqual([
      span('2031-03-30T07:00:00.000Z', '2031-03-30T08:00:00.000Z'),
    ]);
    await set(client, 'Available', [], '2031-03-30T00:00:00+01:00');
    // The day the clock goes forward has 23 hours.
    expect((await viewed(client, 'Day', '2031-03-30T00:00:00+01:00')).dates).toEqual([
      span('2031-03-29T23:00:00.000Z', '2031-03-30T22:00:00.000Z'),
    ]);
  });

  it('without a zone in the token the offset of localDate counts, and of epoch milliseconds the last one used', async () => {
    const { client } = await newPerson();
    const dates = [['2031-05-05T09:00:00+05:45', '2031-05-05T10:00:00+05:45']];
    await set(client, 'Available', dates, '2031-05-05T00:00:00+05:45');
    const nine = span('2031-05-05T03:15:00.000Z', '2031-05-05T04:15:00.000Z');
    expect((await viewed(client, 'Day', '2031-05-05T23:59:00+05:45')).dates).toEqual([nine]);
    // 18:30 UTC is after midnight of the sixth there.
    expect((await viewed(client, 'Day', Date.parse('2031-05-05T18:10:00Z'))).dates).toEqual([nine]);
    expect((await viewed(client, 'Day', Date.parse('2031-05-05T18:30:00Z'))).dates).toEqual([
      span('2031-05-05T18:15:00.000Z', '2031-05-06T18:15:00.000Z'),
    ]);
  });

  it('a resend with the same command id sets nothing again', async () => {
    const { client } = await newPerson('UTC');
    const rule = { availability: { status: 'NotAvailable', dates: [] }, localDate: '2031-05-05T00:00:00Z' };
    const first = { ...rule, command_id: 'rule-1' };
    expect(await client.call('meeting:setUserAvailability', first)).toEqual({});
    const head = await headOf(servers.dataDir);
    expect(await client.call('meeting:setUserAvailability', first)).toEqual({});
    expect(await headOf(servers.dataDir)).toBe(head);
  });
});

describe('bad input of meeting:setUserAvailability', () => {
  const at = '2031-01-13T00:00:00+01:00';
  const good = { startDate: '2031-01-13T09:00:00+01:00', endDate: '2031-01-13T10:00:00+01:00' };
  const refused: readonly (readonly [string, object, string])[] = [
    [
      'an end before the start',
      { dates: [{ ...good, endDate: '2031-01-13T08:00:00+01:00' }] },
      'availability.dates[0].endDate',
    ],
    ['an end at the start', { dates: [good, { ...good, endDate: good.startDate }] }, 'availability.dates[1].endDate'],
    [
      'more than 24 hours',
      { dates: [{ ...good, endDate: '2031-01-14T09:01:00+01:00' }] },
      'availability.dates[0].endDate',
    ],
    ['seconds', { dates: [{ ...good, startDate: '2031-01-13T09:00:01+01:00' }] }, 'availability.dates[0].startDate'],
    ['no timestamp', { dates: [{ ...good, startDate: '2031-01-13' }] }, 'availability.dates[0].startDate'],
    [
      'another day than localDate',
      { dates: [{ startDate: '2031-01-14T09:00:00+01:00', endDate: '2031-01-14T10:00:00+01:00' }] },
      'availability.dates[0].startDate',
    ],
    ['an unknown field of a date', { dates: [{ ...good, zone: 'UTC' }] }, 'availability.dates[0].zone'],
    ['an unknown field', { note: 1 }, 'availability.note'],
    ['another status', { status: 'available' }, 'availability.status'],
    ['no status', { status: undefined }, 'availability.status'],
    ['a bitmask of 0', { repetition: 0 }, 'availability.repetition'],
    ['a bitmask over 127', { repetition: 128 }, 'availability.repetition'],
    ['a bitmask that is none', { repetition: '1' }, 'availability.repetition'],
    ['dates that are no list', { dates: good }, 'availability.dates'],
    ['more than 100 dates', { dates: Array.from({ length: 101 }, () => good) }, 'availability.dates'],
  ];

  it.each(refused)('%s is protocol.invalid, names the field and stores nothing', async (_what, wrong, field) => {
    const { client } = await newPerson('Europe/Paris');
    const head = await headOf(servers.dataDir);
    const payload = { availability: { status: 'Available', dates: [good], ...wrong }, localDate: at };
    const error: unknown = await client.call('meeting:setUserAvailability', payload).catch((reason: unknown) => reason);
    if (!(error instanceof CallRefused)) throw new Error('it was not refused');
    expect([error.code, error.details?.map((detail) => detail.field)]).toEqual(['protocol.invalid', [field]]);
    expect(error.message).toContain(field);
    expect(await headOf(servers.dataDir)).toBe(head);
  });

  it('localDate is needed, and every view refuses what is none', async () => {
    const { client } = await newPerson();
    for (const action of [
      'meeting:getUserAvailabilityPattern',
      'meeting:getUserAvailabilityForDay',
      'meeting:getUserAvailabilityForWeek',
      'meeting:getUserAvailabilityForMonth',
    ]) {
      for (const payload of [{}, { localDate: '2031-02-30T00:00:00Z' }, { localDate: null }, { localDate: 1.5 }])
        expect(await codeOf(client.call(action, payload))).toBe('protocol.invalid');
    }
    expect(await codeOf(client.call('meeting:setUserAvailability', { availability: { status: 'Available' } }))).toBe(
      'protocol.invalid',
    );
  });
});
