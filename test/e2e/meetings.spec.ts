import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { codeOf } from './outcomes.js';
import { headOf } from './stored-log.js';
import { connectAs, temporaryServers, type ServerProcess, type SocketClient } from './support/server.js';

interface Meeting {
  readonly meetingId: string;
  readonly startDate: string;
  readonly participantIds: readonly string[];
  readonly isValid: boolean;
}
interface Slots {
  readonly availableTimeSlots: readonly { readonly startDate: string; readonly endDate: string }[];
}

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;
let worlds = 0;

beforeAll(async () => {
  servers = await temporaryServers();
  server = await servers.start({ env: { RATE_LIMIT: 'off' } });
});

afterAll(() => servers.remove());

/** Three people and an admin of a world of their own. */
async function cast(at = server) {
  const world = `m-${++worlds}`;
  const [alice, bob, carol, admin] = await Promise.all([
    connectAs(at, 'alice', [], { world }),
    connectAs(at, 'bob', [], { world }),
    connectAs(at, 'carol', [], { world }),
    connectAs(at, 'admin', ['admin'], { world }),
  ]);
  return { alice, bob, carol, admin, world };
}

const on = (time: string): string => `2027-03-${time}:00Z`;
const group = { sourceType: 'group', sourceIds: ['g-1'], subject: 'Talk' };
const at = (start: string, end: string) => ({ startDate: on(start), endDate: on(end) });
const create = async (client: SocketClient, fields: object): Promise<Meeting> =>
  (await client.call<{ meeting: Meeting }>('meeting:createMeeting', { ...group, ...fields })).meeting;
const get = async (client: SocketClient, meetingId: string): Promise<Meeting> =>
  (await client.call<{ meeting: Meeting }>('meeting:getMeeting', { meetingId })).meeting;
const statusOf = async (client: SocketClient, meetingId: string): Promise<unknown> => {
  const range = { startDate: '2027-01-01T00:00:00Z', endDate: '2028-01-01T00:00:00Z' };
  const { meetings } = await client.call<{ meetings: (Meeting & { status: string })[] }>(
    'meeting:listUserMeetings',
    range,
  );
  return meetings.find((one) => one.meetingId === meetingId)?.status;
};
const answer = (client: SocketClient, what: 'accept' | 'decline', meetingId: string): Promise<unknown> =>
  client.call(`meeting:${what}MeetingRequest`, { meetingId });

describe('nobody is booked twice', () => {
  it('by creating over a meeting, nor by a buffer that reaches into one', async () => {
    const { alice } = await cast();
    await create(alice, { ...at('01T09:00', '01T10:00'), bufferAfter: 15 });
    expect(await codeOf(create(alice, at('01T09:30', '01T10:30')))).toBe('meeting.conflict');
    expect(await codeOf(create(alice, at('01T10:00', '01T11:00')))).toBe('meeting.conflict');
    expect(await codeOf(create(alice, { ...at('01T10:20', '01T11:00'), bufferBefore: 10 }))).toBe('meeting.conflict');
    expect(await codeOf(create(alice, at('01T10:15', '01T11:00')))).toBe('success');
  });

  it('by accepting two invitations to one time, whoever sent them', async () => {
    const { alice, bob, carol } = await cast();
    const times = at('01T09:00', '01T10:00');
    const one = await create(alice, { ...times, invitedUserIds: ['bob'] });
    const other = await create(carol, { ...times, invitedUserIds: ['bob'] });
    const told = await Promise.all([one, other].map(({ meetingId }) => codeOf(answer(bob, 'accept', meetingId))));
    expect(told.toSorted()).toEqual(['meeting.conflict', 'success']);
    const [accepted, refused] = told[0] === 'success' ? [one, other] : [other, one];
    expect(await statusOf(bob, refused.meetingId)).toBe('received');
    await answer(bob, 'decline', accepted.meetingId);
    expect(await codeOf(answer(bob, 'accept', refused.meetingId))).toBe('success');
  });

  it('unless MEETING_CONFLICTS is allow', async () => {
    const other = await temporaryServers();
    try {
      const allowing = await other.start({ env: { MEETING_CONFLICTS: 'allow' } });
      const { alice, bob } = await cast(allowing);
      const times = { ...at('01T09:00', '01T10:00'), invitedUserIds: ['bob'] };
      const [one, two] = [await create(alice, times), await create(alice, times)];
      await answer(bob, 'accept', one.meetingId);
      await answer(bob, 'accept', two.meetingId);
      expect(await statusOf(bob, two.meetingId)).toBe('accepted');
    } finally {
      await other.remove();
    }
  });
});

describe('a meeting that moves', () => {
  it('is refused onto the organizer’s time, and sends whoever has no time there back to received', async () => {
    const { alice, bob, carol } = await cast();
    const meeting = await create(alice, { ...at('01T09:00', '01T10:00'), invitedUserIds: ['bob', 'carol'] });
    const { meetingId } = meeting;
    await create(alice, at('01T12:00', '01T13:00'));
    await create(bob, at('01T15:00', '01T16:00'));
    await answer(bob, 'accept', meetingId);
    await answer(carol, 'accept', meetingId);
    const move = (start: string, end: string): Promise<unknown> =>
      alice.call('meeting:updateMeeting', { meetingId, ...at(start, end) });
    expect(await codeOf(move('01T12:30', '01T13:30'))).toBe('meeting.conflict');
    expect((await get(carol, meetingId)).startDate).toBe('2027-03-01T09:00:00.000Z');
    await move('01T15:30', '01T16:30');
    expect(await statusOf(carol, meetingId)).toBe('accepted');
    await expect(statusOf(bob, meetingId)).resolves.toBe('received');
    // Carol's old time is free, her new one is taken.
    expect(await codeOf(create(carol, at('01T09:00', '01T10:00')))).toBe('success');
    expect(await codeOf(create(carol, at('01T16:00', '01T17:00')))).toBe('meeting.conflict');
    expect((await get(bob, meetingId)).participantIds).toEqual(['alice', 'bob', 'carol']);
  });

  it('frees the time of all when it is deleted', async () => {
    const { alice, bob } = await cast();
    const times = at('01T09:00', '01T10:00');
    const { meetingId } = await create(alice, { ...times, invitedUserIds: ['bob'] });
    await answer(bob, 'accept', meetingId);
    expect(await codeOf(create(bob, times))).toBe('meeting.conflict');
    expect(await alice.call('meeting:deleteMeeting', { meetingId })).toEqual({});
    expect(await codeOf(create(bob, times))).toBe('success');
    expect(await codeOf(create(alice, times))).toBe('success');
    expect(await codeOf(get(bob, meetingId))).toBe('meeting.unknown');
  });

  it('stays at its instant when the clocks change', async () => {
    const { alice } = await cast();
    const { meetingId } = await create(alice, {
      startDate: '2027-03-28T02:30:00+01:00',
      endDate: '2027-03-28T04:30:00+02:00',
    });
    expect(await get(alice, meetingId)).toMatchObject({
      startDate: '2027-03-28T01:30:00.000Z',
      endDate: '2027-03-28T02:30:00.000Z',
    });
  });
});

describe('who may', () => {
  it('see it: its people; change it: its organizer; answer it: the invited', async () => {
    const { alice, bob, carol } = await cast();
    const { meetingId } = await create(alice, { ...at('01T09:00', '01T10:00'), invitedUserIds: ['bob'] });
    const of = { meetingId };
    expect(await codeOf(carol.call('meeting:getMeeting', of))).toBe('meeting.unknown');
    expect(await codeOf(carol.call('meeting:updateMeeting', { ...of, subject: 'x' }))).toBe('meeting.unknown');
    expect(await codeOf(carol.call('meeting:deleteMeeting', of))).toBe('meeting.unknown');
    expect(await codeOf(answer(carol, 'accept', meetingId))).toBe('meeting.unknown');
    expect(await codeOf(bob.call('meeting:updateMeeting', { ...of, subject: 'x' }))).toBe('protocol.denied');
    expect(await codeOf(bob.call('meeting:deleteMeeting', of))).toBe('protocol.denied');
    expect(await codeOf(answer(alice, 'decline', meetingId))).toBe('meeting.own');
    await answer(bob, 'decline', meetingId);
    expect((await get(bob, meetingId)).participantIds).toEqual(['alice']);
    await answer(bob, 'accept', meetingId);
    expect((await get(alice, meetingId)).participantIds).toEqual(['alice', 'bob']);
  });

  it('is asked in each world for itself', async () => {
    const [here, there] = [await cast(), await cast()];
    const times = at('01T09:00', '01T10:00');
    const { meetingId } = await create(here.alice, { ...times, invitedUserIds: ['bob'] });
    expect(await codeOf(get(there.alice, meetingId))).toBe('meeting.unknown');
    expect(await codeOf(answer(there.bob, 'accept', meetingId))).toBe('meeting.unknown');
    expect(await codeOf(there.alice.call('meeting:deleteMeeting', { meetingId }))).toBe('meeting.unknown');
    expect(await codeOf(create(there.alice, times))).toBe('success');
  });

  it('meet in a room: who may see it; its deletion makes the meeting invalid', async () => {
    const { alice, bob, admin } = await cast();
    const { room } = await admin.call<{ room: string }>('room.create', { name: 'Hall' });
    const hidden = await admin.call<{ room: string }>('room.create', {
      name: 'Vault',
      trait_grants: { viewer: ['vip'] },
    });
    await admin.call('world.config.patch', { trait_grants: { attendee: [], admin: ['admin'], room_creator: [] } });
    const inRoom = (id: string) => ({ sourceType: 'prop', sourceIds: [id, 'p-1'], ...at('01T09:00', '01T10:00') });
    await admin.call('room.config.patch', { room, trait_grants: { viewer: [] } });
    expect(await codeOf(create(alice, inRoom('no-such-room')))).toBe('room.unknown');
    expect(await codeOf(create(alice, inRoom(hidden.room)))).toBe('protocol.denied');
    const { meetingId, isValid } = await create(alice, { ...inRoom(room), invitedUserIds: ['bob'] });
    expect(isValid).toBe(true);
    const told = bob.waitFor(
      ({ name, body }) => name === 'meeting:onMeetingUpdated' && !(body as { meeting: Meeting }).meeting.isValid,
    );
    await admin.call('room.delete', { room });
    expect((await told).body).toMatchObject({ meeting: { meetingId, isValid: false } });
    expect((await get(alice, meetingId)).isValid).toBe(false);
  });
});

describe('a resend', () => {
  it('answers what the first one did, whatever has happened since, and appends nothing', async () => {
    const { alice, bob } = await cast();
    const sent = { ...group, ...at('01T09:00', '01T10:00'), invitedUserIds: ['bob'], command_id: 'make' };
    const first = await alice.call<{ meeting: Meeting }>('meeting:createMeeting', sent);
    const { meetingId } = first.meeting;
    const rename = { meetingId, subject: 'Renamed', command_id: 'rename' };
    const renamed = await alice.call('meeting:updateMeeting', rename);
    await bob.call('meeting:acceptMeetingRequest', { meetingId, command_id: 'yes' });
    await bob.call('meeting:declineMeetingRequest', { meetingId, command_id: 'no' });
    await alice.call('meeting:deleteMeeting', { meetingId, command_id: 'drop' });
    const head = await headOf(servers.dataDir);
    // Another connection, as after a restart: what the process remembers is not asked.
    expect(await alice.call('meeting:createMeeting', sent)).toEqual(first);
    expect(await alice.call('meeting:updateMeeting', rename)).toEqual(renamed);
    expect(await bob.call('meeting:acceptMeetingRequest', { meetingId, command_id: 'yes' })).toEqual({});
    expect(await alice.call('meeting:deleteMeeting', { meetingId, command_id: 'drop' })).toEqual({});
    expect(await headOf(servers.dataDir)).toBe(head);
    expect(await codeOf(alice.call('meeting:deleteMeeting', { meetingId, command_id: 'make' }))).toBe(
      'protocol.invalid',
    );
  });

  it('of a refused command is decided anew', async () => {
    const { alice } = await cast();
    const times = at('01T09:00', '01T10:00');
    const { meetingId } = await create(alice, times);
    const again = { ...group, ...times, command_id: 'again' };
    expect(await codeOf(alice.call('meeting:createMeeting', again))).toBe('meeting.conflict');
    await alice.call('meeting:deleteMeeting', { meetingId });
    expect(await codeOf(alice.call('meeting:createMeeting', again))).toBe('success');
  });
});

it('every slot offered can be booked', async () => {
  const { alice, bob } = await cast();
  const localDate = '2027-03-28T00:00:00+01:00';
  const hours = (start: string, end: string) => ({ startDate: `2027-03-28T${start}`, endDate: `2027-03-28T${end}` });
  await alice.call('meeting:setUserAvailability', {
    availability: { status: 'Available', dates: [hours('01:30:00+01:00', '10:00:00+02:00')], repetition: 1 },
    localDate,
  });
  await create(bob, { startDate: '2027-03-28T02:10:00Z', endDate: '2027-03-28T03:05:00Z', bufferAfter: 7 });
  await create(alice, { startDate: '2027-03-28T05:00:00Z', endDate: '2027-03-28T05:20:00Z', bufferBefore: 3 });
  const buffers = { bufferBefore: 5, bufferAfter: 10 };
  const asked = {
    users: [{ roomful: 'alice' }, { roomful: 'bob' }],
    localDate,
    slotLength: 20,
    slotStep: 35,
    ...buffers,
  };
  const { availableTimeSlots: slots } = await alice.call<Slots>('meeting:getTimeSlotsForMeeting', asked);
  expect(slots.length).toBeGreaterThan(5);
  for (const slot of slots) expect(await codeOf(create(alice, { ...slot, ...buffers }))).toBe('success');
});
