import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { codeOf } from './outcomes.js';
import { SocketClient, temporaryServers, tokenFor, type ServerProcess } from './support/server.js';

type Span = { readonly startDate: string; readonly endDate: string };
type Reason = Span & {
  readonly kind: string;
  readonly user?: string;
  readonly weekday?: number;
  readonly date?: string;
  readonly meetingId?: string;
};
interface Explained {
  readonly slots: readonly Span[];
  readonly gaps: readonly (Span & { readonly reasons: readonly Reason[] })[];
}

interface Person {
  readonly user: string;
  readonly email: string;
  readonly token: string;
  readonly client: SocketClient;
}

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;
let people = 0;

beforeAll(async () => {
  servers = await temporaryServers();
  server = await servers.start({ env: { RATE_LIMIT: 'off' } });
});

afterAll(() => servers.remove());

async function newPerson(zoneinfo = 'Europe/Paris'): Promise<Person> {
  const user = `person-${++people}`;
  const email = `${user}@Example.org`;
  const token = await tokenFor(user, [], { zoneinfo, email });
  return { user, email, token, client: await SocketClient.connect({ url: server.url, world: 'demo', token }) };
}

const span = (startDate: string, endDate: string): Span => ({ startDate, endDate });

/** On Monday 5 May 2031, when Paris is 2 hours ahead of UTC. */
const at = (time: string, day = '05'): string => `2031-05-${day}T${time}:00+02:00`;
const utc = (time: string, day = '05'): string => `2031-05-${day}T${time}:00.000Z`;

const available = ({ client }: Person, from: string, to: string, repetition = 127) =>
  client.call('meeting:setUserAvailability', {
    availability: { status: 'Available', dates: [span(at(from), at(to))], repetition },
    localDate: at('00:00'),
  });

const offWork = ({ client }: Person, from: string, to: string) =>
  client.call('meeting:setUserAvailability', {
    availability: { status: 'NotAvailable', dates: [span(at(from), at(to))] },
    localDate: at('00:00'),
  });

async function book({ client }: Person, from: string, to: string, more: object = {}): Promise<string> {
  const { meeting } = await client.call<{ meeting: { meetingId: string } }>('meeting:createMeeting', {
    sourceType: 'group',
    sourceIds: ['g'],
    subject: 'Talk',
    startDate: from,
    endDate: to,
    ...more,
  });
  return meeting.meetingId;
}

async function slots(
  { client }: Person,
  users: readonly object[],
  more: object = {},
  action = 'getTimeSlotsForMeeting',
) {
  const reply = await client.call<{ availableTimeSlots: Span[] }>(`meeting:${action}`, {
    users,
    localDate: at('00:00'),
    ...more,
  });
  expect(Object.keys(reply)).toEqual(['availableTimeSlots']);
  return reply.availableTimeSlots;
}

async function explain({ token }: Person, parameters: Record<string, string>, status = 200): Promise<Explained> {
  const query = new URLSearchParams(parameters);
  const answer = await fetch(`${server.url}/slots?${query}`, { headers: { authorization: `Bearer ${token}` } });
  expect(answer.status).toBe(status);
  return (await answer.json()) as Explained;
}

const may5 = { startDate: at('00:00'), endDate: at('24:00') };

describe('slots', () => {
  it('are when everyone is available and nobody is busy, by id and by e-mail, whatever is unknown', async () => {
    const [ann, bob] = [await newPerson(), await newPerson('Asia/Kathmandu')];
    await available(ann, '09:00', '17:00');
    // 12:00 to 21:00 in Kathmandu is 06:15 to 15:15 UTC.
    await bob.client.call('meeting:setUserAvailability', {
      availability: {
        status: 'Available',
        dates: [span('2031-05-05T12:00:00+05:45', '2031-05-05T21:00:00+05:45')],
        repetition: 127,
      },
      localDate: '2031-05-05T00:00:00+05:45',
    });
    await book(ann, at('10:00'), at('11:00'));
    const both = [{ roomful: ann.user }, { email: bob.email.toUpperCase(), roomful: '' }, { email: 'nobody@x' }];
    const found = [span(utc('07:00'), utc('08:00')), span(utc('09:00'), utc('15:00'))];
    expect(await slots(ann, both)).toEqual(found);
    expect(await slots(bob, [...both, { roomful: 'nobody' }, { roomful: ann.user }])).toEqual(found);
    expect(await slots(ann, [{ roomful: 'nobody' }, { email: 'nobody@x' }])).toEqual([]);
    const month = await slots(ann, both, {}, 'getMeetingTimeSlotsForMonth');
    expect(month).toHaveLength(31 + 1);
    expect(month).toEqual(expect.arrayContaining(found));
  });

  it('are seen at once by whoever changed them, and free again when a meeting is over with', async () => {
    const ann = await newPerson();
    await available(ann, '09:00', '10:00');
    const me = [{ roomful: ann.user }];
    for (let round = 0; round < 5; round++) {
      expect(await slots(ann, me)).toEqual([span(utc('07:00'), utc('08:00'))]);
      const meetingId = await book(ann, at('09:00'), at('09:30'));
      expect(await slots(ann, me)).toEqual([span(utc('07:30'), utc('08:00'))]);
      await ann.client.call('meeting:updateMeeting', { meetingId, startDate: at('09:15'), endDate: at('09:45') });
      expect(await slots(ann, me)).toEqual([span(utc('07:00'), utc('07:15')), span(utc('07:45'), utc('08:00'))]);
      await ann.client.call('meeting:deleteMeeting', { meetingId });
    }
  });

  it('of invited people are taken by what they accepted only', async () => {
    const [ann, bob] = [await newPerson(), await newPerson()];
    await available(bob, '09:00', '12:00');
    const meetingId = await book(ann, at('09:00'), at('10:00'), { invitedUserIds: [bob.user] });
    const him = [{ roomful: bob.user }];
    expect(await slots(bob, him)).toEqual([span(utc('07:00'), utc('10:00'))]);
    await bob.client.call('meeting:acceptMeetingRequest', { meetingId });
    expect(await slots(bob, him)).toEqual([span(utc('08:00'), utc('10:00'))]);
    await bob.client.call('meeting:declineMeetingRequest', { meetingId });
    expect(await slots(bob, him)).toEqual([span(utc('07:00'), utc('10:00'))]);
  });

  it('can all be booked: with their buffers, beside meetings that have buffers of their own', async () => {
    const ann = await newPerson();
    await available(ann, '09:00', '17:00');
    await book(ann, at('11:00'), at('12:00'), { bufferBefore: 15, bufferAfter: 30 });
    const asked = { bufferBefore: 10, bufferAfter: 20, slotLength: 40, slotStep: 20 };
    const me = [{ roomful: ann.user }];
    // Busy from 10:45 to 12:30; with the asked buffers until 10:25 and from 12:40 on.
    expect(await slots(ann, me, { bufferBefore: 10, bufferAfter: 20 })).toEqual([
      span(utc('07:00'), utc('08:25')),
      span(utc('10:40'), utc('15:00')),
    ]);
    let booked = 0;
    for (let offered = await slots(ann, me, asked); offered[0]; offered = await slots(ann, me, asked)) {
      const { startDate, endDate } = offered.at(booked % 2 === 0 ? 0 : -1) ?? offered[0];
      await book(ann, startDate, endDate, { bufferBefore: 10, bufferAfter: 20 });
      booked++;
    }
    expect(booked).toBeGreaterThan(3);
    // A minute nearer and it is a conflict: nothing was held back.
    expect(await codeOf(book(ann, at('10:30'), at('10:46')))).toBe('meeting.conflict');
  });

  it('know of meetings that are on another day or month where the person is', async () => {
    const ann = await newPerson('Pacific/Honolulu');
    const utcDay = { localDate: '2031-05-01T00:00:00Z' };
    await book(ann, '2031-05-01T05:00:00Z', '2031-05-01T06:00:00Z');
    const caller = await newPerson('UTC');
    const free = [span(utc('00:00', '01'), utc('05:00', '01')), span(utc('06:00', '01'), utc('00:00', '02'))];
    expect(await slots(caller, [{ roomful: ann.user }], utcDay)).toEqual(free);
    const [, , ...month] = await slots(caller, [{ roomful: ann.user }], utcDay, 'getMeetingTimeSlotsForMonth');
    expect(month).toEqual([]);
  });

  it('are from now on, and from the notice on', async () => {
    const ann = await newPerson('UTC');
    const me = [{ roomful: ann.user }];
    const [today, before] = [new Date().toISOString(), Date.now()];
    const [first] = await slots(ann, me, { localDate: today }, 'getMeetingTimeSlotsForMonth');
    const start = Date.parse(first?.startDate ?? '');
    expect(start % 60_000).toBe(0);
    expect(start).toBeGreaterThanOrEqual(before);
    expect(start - before).toBeLessThanOrEqual(120_000);
    expect(await slots(ann, me, { localDate: '2020-01-01T00:00:00Z' })).toEqual([]);
    expect(await slots(ann, me, { localDate: today, minimumNotice: 2 * 1_440 })).toEqual([]);
  });

  it('refuse what is no request', async () => {
    const ann = await newPerson();
    const me = [{ roomful: ann.user }];
    for (const wrong of [
      { users: undefined },
      { users: [{}] },
      { users: [{ roomful: '' }] },
      { users: [null] },
      { users: [{ roomful: ann.user, name: 'x' }] },
      { localDate: 'today' },
      { bufferBefore: -1 },
      { bufferAfter: 1_441 },
      { minimumNotice: 0.5 },
      { slotLength: 0 },
      { slotStep: 10 },
      { slots: 1 },
    ])
      expect([wrong, await codeOf(slots(ann, me, wrong))]).toEqual([wrong, 'protocol.invalid']);
    expect(await codeOf(slots(ann, me, { slotLength: 1 }, 'getMeetingTimeSlotsForMonth'))).toBe('protocol.invalid');
    expect(await slots(ann, me, { slotLength: 5 }, 'getMeetingTimeSlotsForMonth')).toHaveLength(31 * 288);
  });
});

describe('GET /slots', () => {
  it('tells of every gap which rule or meeting of whom it is; the meeting itself only to its people', async () => {
    const [ann, bob, eve] = [await newPerson(), await newPerson(), await newPerson()];
    await available(ann, '09:00', '17:00', 0b0000010);
    await offWork(ann, '12:00', '13:00');
    const meetingId = await book(bob, at('10:00'), at('10:30'), { invitedUserIds: [ann.user] });
    const of = { users: `${ann.user},${bob.email}`, ...may5 };
    const found = await explain(ann, of);
    expect(found.slots).toEqual([
      span(utc('07:00'), utc('08:00')),
      span(utc('08:30'), utc('10:00')),
      span(utc('11:00'), utc('15:00')),
    ]);
    const pattern = { user: ann.user, kind: 'pattern', weekday: 1 };
    expect(found.gaps).toEqual([
      {
        ...span(utc('22:00', '04'), utc('07:00')),
        reasons: [{ ...pattern, ...span(utc('22:00', '04'), utc('07:00')) }],
      },
      {
        ...span(utc('08:00'), utc('08:30')),
        reasons: [{ user: bob.email, kind: 'meeting', meetingId, ...span(utc('08:00'), utc('08:30')) }],
      },
      {
        ...span(utc('10:00'), utc('11:00')),
        reasons: [{ user: ann.user, kind: 'override', date: '2031-05-05', ...span(utc('10:00'), utc('11:00')) }],
      },
      { ...span(utc('15:00'), utc('22:00')), reasons: [{ ...pattern, ...span(utc('15:00'), utc('22:00')) }] },
    ]);
    const seen = (await explain(eve, of)).gaps[1]?.reasons;
    expect(seen).toEqual([{ user: bob.email, kind: 'meeting', ...span(utc('08:00'), utc('08:30')) }]);
    const buffered = await explain(eve, { ...of, bufferAfter: '10' });
    expect(buffered.gaps[1]?.reasons.map(({ kind }) => kind)).toEqual(['meeting', 'buffer']);
    const past = await explain(ann, {
      users: ann.user,
      startDate: '2020-01-01T00:00:00Z',
      endDate: '2020-01-02T00:00:00Z',
    });
    expect(past.slots).toEqual([]);
    expect(past.gaps[0]?.reasons.map(({ kind }) => kind)).toContain('past');
  });

  it('knows people whose ids hold commas, and nobody else', async () => {
    const user = 'a,b%c';
    const token = await tokenFor(user, [], { zoneinfo: 'UTC' });
    const client = await SocketClient.connect({ url: server.url, world: 'demo', token });
    const odd: Person = { user, email: '', token, client };
    expect((await explain(odd, { users: encodeURIComponent(user), ...may5 })).slots).toHaveLength(1);
    expect(await explain(odd, { users: 'a,b', ...may5 })).toEqual({ slots: [], gaps: [] });
  });

  it('refuses what is no request', async () => {
    const ann = await newPerson();
    const good = { users: ann.user, ...may5 };
    const { endDate: _end, ...endless } = good;
    for (const wrong of [
      endless,
      { ...good, users: 'a,,b' },
      { ...good, users: '%' },
      { ...good, endDate: at('00:00') },
      { ...good, endDate: '2031-07-07T00:00:00Z' },
      { ...good, startDate: 'now' },
      { ...good, slotStep: '5' },
      { ...good, other: '1' },
    ])
      expect(await explain(ann, wrong, 400)).toMatchObject({ code: 'protocol.invalid' });
    expect((await fetch(`${server.url}/slots`)).status).toBe(401);
  });
});
