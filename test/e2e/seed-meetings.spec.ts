import { existsSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { endpoints, events, readPrinted, unlike } from './meeting-shapes.js';
import { EnvelopeClient, none, SocketIoSpeaker, type Envelope, type Speaker } from './support/envelope.js';
import { connectAs, temporaryServers, tokenFor, type ServerProcess } from './support/server.js';

/** Where the original document lies beside the repository; absent in a plain clone. */
const seed = '../shared/seeds/004_104ef59ab785aaf3.txt';

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;

beforeAll(async () => {
  servers = await temporaryServers();
  server = await servers.start({ env: { RATE_LIMIT: 'off' } });
});
afterAll(() => servers.remove());

function hasAllPrinted(): void {
  expect(readPrinted(readFileSync(seed, 'utf8'))).toEqual({ endpoints, events });
}

describe('the fields of every endpoint and event', () => {
  (existsSync(seed) ? it : it.skip)('are those of the original document', hasAllPrinted);
});

const open: Speaker[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

/** Who speaks; everybody asks for the events of deprecated endpoints, too. */
const ways: readonly (readonly [string, string, (token: string, world: string) => Promise<Speaker>])[] = [
  ['raw messages', 'w-raw', (token, world) => EnvelopeClient.signedIn(server, token, world, '?deprecated=1')],
  ['Socket.IO', 'w-io', (token) => SocketIoSpeaker.signedIn(server, token, { query: { deprecated: '1' } })],
];

const day = { startDate: '2030-05-06T00:00:00.000Z', endDate: '2030-05-07T00:00:00.000Z' };
const times = { startDate: '2030-05-06T09:00:00.000Z', endDate: '2030-05-06T10:00:00.000Z' };
const color = { r: 10, g: 20.5, b: 255, a: 0.5 };
const profile = { display_name: 'Ann Archer', companyName: 'ACME' };

describe.each(ways)('over %s', (_name, world, connect) => {
  const asked = new Set<string>();
  let room: string;

  beforeAll(async () => {
    const admin = await connectAs(server, 'admin', ['admin'], { world });
    ({ room } = await admin.call<{ room: string }>('room.create', { name: 'Hall' }));
    await admin.close();
  });

  async function as(user: string, claims: object = {}): Promise<Speaker> {
    const speaker = await connect(await tokenFor(user, [], { world, ...claims }), world);
    open.push(speaker);
    return speaker;
  }

  /** What is answered has exactly the printed fields, and the request had them, too. */
  async function call<T>(speaker: Speaker, endpoint: string, data: Record<string, unknown>): Promise<T> {
    asked.add(endpoint);
    const { request = {}, response } = endpoints[endpoint] ?? {};
    expect([endpoint, Object.keys(data).toSorted()]).toEqual([endpoint, Object.keys(request).toSorted()]);
    const answer = await speaker.ask(endpoint, data);
    expect([endpoint, answer.error]).toEqual([endpoint, none]);
    expect(Object.keys(answer).toSorted()).toEqual(response ? ['data', 'error'] : ['error']);
    expect([endpoint, response ? unlike(response, answer.data) : []]).toEqual([endpoint, []]);
    return answer.data as T;
  }

  async function hear<T>(speaker: Speaker, name: string): Promise<T> {
    asked.add(name);
    const heard: Envelope = await speaker.hear(name);
    expect([name, heard.error, unlike(events[name] ?? {}, heard.data)]).toEqual([name, none, []]);
    return heard.data as T;
  }

  type Meeting = { readonly meeting: Record<string, unknown> & { readonly meetingId: string } };

  it('meetings', async () => {
    const [ann, bob] = [await as('ann', { profile }), await as('bob')];
    const { meeting } = await call<Meeting>(ann, 'meeting:createMeeting', {
      sourceType: 'prop',
      sourceIds: [room, 'p1'],
      subject: 'Review',
      description: 'Quarterly',
      color,
      invitedUserIds: ['bob', 'cyd'],
      ...times,
    });
    const { meetingId } = meeting;
    expect(meeting).toEqual({
      meetingId,
      created: expect.any(String),
      subject: 'Review',
      description: 'Quarterly',
      color,
      isValid: true,
      organizerId: 'ann',
      participantIds: ['ann', 'bob', 'cyd'],
      sourceString: `${room}+p1`,
      sourceType: 'prop',
      sourcePk: room,
      networkId: world,
      ...times,
    });
    for (const one of [ann, bob]) expect(await hear(one, 'meeting:onMeetingCreated')).toEqual({ meeting });
    expect(await call(bob, 'meeting:getMeeting', { meetingId })).toEqual({ meeting });

    await call(bob, 'meeting:acceptMeetingRequest', { meetingId });
    for (const one of [ann, bob]) expect(await hear(one, 'meeting:onMeetingUpdated')).toEqual({ meeting });
    const query = { ...day, sourceType: 'prop', sourceIds: [room, 'p1'] };
    expect(await call(bob, 'meeting:listUserMeetings', query)).toEqual({
      meetings: [{ userId: 'bob', status: 'accepted', ...meeting }],
    });
    await call(bob, 'meeting:declineMeetingRequest', { meetingId });
    const without = { ...meeting, participantIds: ['ann', 'cyd'] };
    for (const one of [ann, bob]) expect(await hear(one, 'meeting:onMeetingUpdated')).toEqual({ meeting: without });
    expect(await call(bob, 'meeting:listUserMeetings', query)).toEqual({
      meetings: [{ userId: 'bob', status: 'declined', ...without }],
    });

    const later = { startDate: '2030-05-06T11:00:00.000Z', endDate: '2030-05-06T12:00:00.000Z' };
    const patch = { subject: 'Retrospective', description: '', color: { r: 0, g: 0, b: 0, a: 1 }, ...later };
    const updated = await call<Meeting>(ann, 'meeting:updateMeeting', { meetingId, ...patch });
    expect(updated).toEqual({ meeting: { ...without, ...patch } });
    expect(await hear(ann, 'meeting:onMeetingUpdated')).toEqual(updated);

    expect(
      await call(ann, 'meeting:listUserMeetingCounts', { localDateNow: day.startDate, offset: -1, size: 3 }),
    ).toEqual({
      meetingCounts: [
        { count: 0, startDate: '2030-05-05T00:00:00.000Z', endDate: day.startDate },
        { count: 1, ...day },
        { count: 0, startDate: day.endDate, endDate: '2030-05-08T00:00:00.000Z' },
      ],
    });
    const prop = { roomId: room, propId: 'p1' };
    const check = 'meeting:checkPropHasMeetingsOrSocialSessions';
    expect(await call(bob, check, prop)).toEqual({ hasMeetingsOrSocialSessions: true });
    await call(ann, 'meeting:deleteMeeting', { meetingId });
    expect(await hear(ann, 'meeting:onMeetingDeleted')).toEqual({ meetingId });
    expect(await call(ann, check, prop)).toEqual({ hasMeetingsOrSocialSessions: false });
  });

  it('the deprecated endpoints', async () => {
    const [ann, bob] = [await as('ann', { profile }), await as('bob', { profile: { display_name: 'Bob' } })];
    const { meeting } = await call<{ meeting: { id: string } }>(ann, 'meeting:create', {
      meeting: { ...times, subject: 'Review', roomId: room, propId: '', color, invitedUserIds: ['bob'] },
    });
    const { id: meetingId } = meeting;
    const person = (id: string, firstName: string, lastName = '', companyName = '') => {
      return { id, firstName, lastName, privacyMode: 0, avatar: '', companyName, companyTitle: '' };
    };
    expect(meeting).toEqual({
      id: meetingId,
      created: expect.any(String),
      updated: expect.any(String),
      ...times,
      subject: 'Review',
      roomId: room,
      propId: '',
      color,
      isValid: true,
      room: { id: room, title: 'Hall', thumbnail: null },
      prop: null,
      organizer: person('ann', 'Ann', 'Archer', 'ACME'),
      invitedUsers: [{ user: person('bob', 'Bob'), status: 'received' }],
    });
    expect(await call(bob, 'meeting:get', { meetingId })).toEqual({ meeting });
    await call(bob, 'meeting:acceptMeetingRequest', { meetingId });
    const accepted = { ...meeting, invitedUsers: [{ user: person('bob', 'Bob'), status: 'accepted' }] };
    for (const one of [ann, bob]) expect(await hear(one, 'meeting:meetingUpdated')).toEqual({ meeting: accepted });
    const updated = await call<{ meeting: object }>(ann, 'meeting:update', {
      meetingId,
      meeting: { subject: 'At the prop', roomId: room, propId: 'p2', color },
    });
    expect(updated.meeting).toEqual({
      ...accepted,
      updated: expect.any(String),
      subject: 'At the prop',
      propId: 'p2',
      prop: { id: 'p2', title: '' },
    });
    for (const one of [ann, bob]) expect(await hear(one, 'meeting:meetingUpdated')).toEqual(updated);
    expect(await call(bob, 'meeting:listUserMeetingsInDateRange', day)).toEqual({ meetings: [updated.meeting] });
    await call(ann, 'meeting:delete', { meetingId });
    for (const one of [ann, bob]) expect(await hear(one, 'meeting:meetingDeleted')).toEqual({ meetingId });
    expect(await call(ann, 'meeting:listUserMeetingsInDateRange', day)).toEqual({ meetings: [] });
  });

  it('availability and slots', async () => {
    const eve = await as('eve', { email: 'eve@example.org', zoneinfo: 'UTC' });
    const localDate = day.startDate;
    await call(eve, 'meeting:setUserAvailability', {
      availability: { status: 'Available', dates: [times], repetition: 2 },
      localDate,
    });
    const { pattern } = await call<{ pattern: { availabilities: unknown[] } }>(
      eve,
      'meeting:getUserAvailabilityPattern',
      { localDate },
    );
    expect(pattern.availabilities).toHaveLength(7);
    for (const range of ['Day', 'Week', 'Month']) {
      const { availability } = await call<{ availability: { status: string; dates: unknown[] } }>(
        eve,
        `meeting:getUserAvailabilityFor${range}`,
        { localDate },
      );
      expect([range, availability.status, availability.dates[0]]).toEqual([range, 'Available', times]);
    }
    const users = [
      { roomful: 'eve', email: '' },
      { roomful: '', email: 'eve@example.org' },
    ];
    for (const endpoint of ['meeting:getTimeSlotsForMeeting', 'meeting:getMeetingTimeSlotsForMonth']) {
      const { availableTimeSlots } = await call<{ availableTimeSlots: unknown[] }>(eve, endpoint, { users, localDate });
      expect(availableTimeSlots[0]).toEqual(times);
    }
  });

  it('nothing of the document was left out', () => {
    expect([...asked].toSorted()).toEqual([...Object.keys(endpoints), ...Object.keys(events)].toSorted());
  });
});
