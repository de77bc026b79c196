import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Guest } from './guest.js';
import { heardBy } from './hearing.js';
import { EnvelopeClient } from './support/envelope.js';
import {
  CallRefused,
  connectAs,
  temporaryServers,
  tokenFor,
  type ServerProcess,
  type SocketClient,
} from './support/server.js';

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;
let admin: SocketClient;
let ann: SocketClient;
let bob: SocketClient;
/** Is invited to nothing. */
let dan: SocketClient;
let hour = 0;

beforeAll(async () => {
  servers = await temporaryServers();
  server = await servers.start({ env: { RATE_LIMIT: 'off' } });
  admin = await connectAs(server, 'admin', ['admin']);
  [ann, bob, dan] = await Promise.all([connectAs(server, 'ann'), connectAs(server, 'bob'), connectAs(server, 'dan')]);
});
afterAll(() => servers.remove());

type View = Readonly<Record<string, unknown>> & { readonly meetingId: string };

/** Nobody is busy yet. */
function free() {
  const start = Date.parse('2030-01-01T00:00:00Z') + hour++ * 3_600_000;
  return { startDate: new Date(start).toISOString(), endDate: new Date(start + 1_800_000).toISOString() };
}

async function create(by: SocketClient, more: object = {}): Promise<View> {
  const meeting = { sourceType: 'group', sourceIds: ['g'], subject: 'Review', ...free(), ...more };
  return (await by.call<{ meeting: View }>('meeting:createMeeting', meeting)).meeting;
}

const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'success',
    (error: unknown) => (error instanceof CallRefused ? error.code : String(error)),
  );

/** The next event of this name about the meeting. */
async function hear(client: SocketClient, name: string, { meetingId }: View): Promise<unknown> {
  const { body } = await client.waitFor((event) => {
    const { meeting, ...said } = event.body as { meeting?: View; meetingId?: string };
    return event.name === name && (meeting?.meetingId ?? said.meetingId) === meetingId;
  });
  return body;
}

const roomOf = async (name: string, config: object = {}): Promise<string> =>
  (await admin.call<{ room: string }>('room.create', { name, ...config })).room;

describe('who may', () => {
  it('only people of the world meet; who came with an invite does not, in that room neither', async () => {
    const room = await roomOf('With guests');
    const { url } = await admin.call<{ url: string }>('room.invite.anonymous.link', { room });
    const guest = await Guest.signIn(server, { client_id: 'x', invite_token: url.split('/').at(-1) ?? '' });
    const meeting = { sourceType: 'room', sourceIds: [room], subject: 'Review', ...free() };
    expect((await guest.call('meeting:createMeeting', meeting)).code).toBe('auth.denied');
    expect((await guest.call('meeting:listUserMeetings', free())).code).toBe('auth.denied');
    const prop = { roomId: room, propId: 'p' };
    expect((await guest.call('meeting:checkPropHasMeetingsOrSocialSessions', prop)).code).toBe('auth.denied');
  });

  it('meets in rooms that are there and can be seen', async () => {
    const world = 'w-gated';
    const owner = await connectAs(server, 'admin', ['admin'], { world });
    await owner.call('world.config.patch', { trait_grants: { admin: ['admin'], attendee: ['staff'] } });
    const { room } = await owner.call<{ room: string }>('room.create', { name: 'Hall' });
    await owner.call('room.grant', { room, user: 'outsider', role: 'viewer' });
    const [staff, outsider] = await Promise.all([
      connectAs(server, 'staff', ['staff'], { world }),
      connectAs(server, 'outsider', [], { world }),
    ]);
    const inRoom = (...sourceIds: string[]) => {
      return { sourceType: sourceIds.length > 1 ? 'prop' : 'room', sourceIds, subject: 'Review', ...free() };
    };
    const old = (roomId: string) => ({ meeting: { roomId, subject: 'Review', ...free() } });
    const outcomes = async (client: SocketClient, id: string): Promise<string[]> => [
      await codeOf(client.call('meeting:createMeeting', inRoom(id))),
      await codeOf(client.call('meeting:createMeeting', inRoom(id, 'p'))),
      await codeOf(client.call('meeting:create', old(id))),
      await codeOf(client.call('meeting:checkPropHasMeetingsOrSocialSessions', { roomId: id, propId: 'p' })),
    ];
    expect(await outcomes(staff, room)).toEqual(Array(4).fill('protocol.denied'));
    // Sees the room, but is not let into the world.
    expect(await outcomes(outsider, room)).toEqual(Array(4).fill('auth.denied'));
    expect(await outcomes(owner, 'none')).toEqual(Array(4).fill('room.unknown'));
    expect(await outcomes(owner, room)).toEqual(Array(4).fill('success'));
    await owner.call('room.delete', { room });
    expect(await outcomes(owner, room)).toEqual(Array(4).fill('room.unknown'));
    await Promise.all([owner, staff, outsider].map((client) => client.close()));
  });

  it('sees only what is one’s own', async () => {
    const { meetingId } = await create(ann, { invitedUserIds: ['bob'] });
    const other = await connectAs(server, 'ann', [], { world: 'w-other' });
    for (const [client, code] of [
      [ann, 'success'],
      [bob, 'success'],
      [dan, 'meeting.unknown'],
      [other, 'meeting.unknown'],
    ] as const) {
      expect(await codeOf(client.call('meeting:getMeeting', { meetingId }))).toBe(code);
      expect(await codeOf(client.call('meeting:get', { meetingId }))).toBe(code);
    }
    await other.close();
  });
});

describe('reading', () => {
  it('knows at once what the same connection has done', async () => {
    const times = free();
    for (let round = 0; round < 5; round++) {
      const meeting = await create(ann, { ...times, subject: `Round ${round}` });
      const { meetings } = await ann.call<{ meetings: View[] }>('meeting:listUserMeetings', times);
      expect(meetings).toEqual([{ userId: 'ann', status: 'accepted', ...meeting }]);
      await ann.call('meeting:deleteMeeting', { meetingId: meeting.meetingId });
      expect(await ann.call('meeting:listUserMeetings', times)).toEqual({ meetings: [] });
    }
  });

  it('knows on any connection what was heard of', async () => {
    for (let round = 0; round < 5; round++) {
      const meeting = await create(ann, { invitedUserIds: ['bob'] });
      expect(await hear(bob, 'meeting:onMeetingCreated', meeting)).toEqual({ meeting });
      expect(await bob.call('meeting:getMeeting', { meetingId: meeting.meetingId })).toEqual({ meeting });
    }
  });
});

describe('events', () => {
  it('reach all sockets of the people concerned, and nobody else', async () => {
    const second = await connectAs(server, 'bob');
    const elsewhere = await connectAs(server, 'bob', [], { world: 'w-other' });
    const meeting = await create(ann, { invitedUserIds: ['bob', 'cyd'] });
    for (const client of [ann, bob, second]) await hear(client, 'meeting:onMeetingCreated', meeting);
    await bob.call('meeting:declineMeetingRequest', { meetingId: meeting.meetingId });
    for (const client of [ann, bob, second]) {
      const { meeting: after } = (await hear(client, 'meeting:onMeetingUpdated', meeting)) as { meeting: View };
      expect(after['participantIds']).toEqual(['ann', 'cyd']);
    }
    await ann.call('meeting:deleteMeeting', { meetingId: meeting.meetingId });
    expect(await hear(ann, 'meeting:onMeetingDeleted', meeting)).toEqual({ meetingId: meeting.meetingId });
    const [ofBob = [], ofDan = []] = await heardBy(server, 'demo', second, dan);
    const [ofOther = []] = await heardBy(server, 'w-other', elsewhere);
    // Who declined is told no more; what is deprecated goes to whom asked for it.
    for (const heard of [ofBob, ofDan, ofOther]) {
      expect(heard.filter(([name]) => name.startsWith('meeting:'))).toEqual([]);
    }
    await Promise.all([second.close(), elsewhere.close()]);
  });

  it('stop with the right to see the world', async () => {
    const world = 'w-revoked';
    const owner = await connectAs(server, 'admin', ['admin'], { world });
    await owner.call('world.config.patch', { trait_grants: { admin: ['admin'], viewer: ['member'] } });
    await owner.call('world.grant', { user: 'eve', role: 'viewer' });
    const eve = await connectAs(server, 'eve', [], { world });
    const first = await create(owner, { invitedUserIds: ['eve'] });
    await hear(eve, 'meeting:onMeetingCreated', first);
    await owner.call('world.revoke', { user: 'eve', role: 'viewer' });
    const second = await create(owner, { invitedUserIds: ['eve'] });
    await hear(owner, 'meeting:onMeetingCreated', second);
    await owner.call('world.grant', { user: 'eve', role: 'viewer' });
    const [heard = []] = await heardBy(server, world, eve);
    expect(heard.filter(([name]) => name.startsWith('meeting:'))).toEqual([]);
    await Promise.all([owner.close(), eve.close()]);
  });

  it('tell that the room is gone: the meetings in it, and at its props, are not valid any more', async () => {
    const room = await roomOf('Short-lived');
    const invitedUserIds = ['bob'];
    const inRoom = await create(ann, { sourceType: 'room', sourceIds: [room], invitedUserIds });
    const atProp = await create(ann, { sourceType: 'prop', sourceIds: [room, 'p'], invitedUserIds });
    const other = await create(ann, { invitedUserIds });
    await admin.call('room.delete', { room });
    for (const meeting of [inRoom, atProp]) {
      for (const client of [ann, bob]) {
        expect(await hear(client, 'meeting:onMeetingUpdated', meeting)).toEqual({
          meeting: { ...meeting, isValid: false },
        });
      }
      const { meetingId } = meeting;
      // Who writes reads what was before it, too.
      await bob.call('meeting:acceptMeetingRequest', { meetingId });
      expect(await bob.call('meeting:getMeeting', { meetingId })).toEqual({ meeting: { ...meeting, isValid: false } });
      expect(await bob.call('meeting:get', { meetingId })).toMatchObject({
        meeting: { isValid: false, room: { id: room, title: 'Short-lived' } },
      });
    }
    const { meetingId } = other;
    expect(await bob.call('meeting:getMeeting', { meetingId })).toEqual({ meeting: other });
  });

  it('and replies tell times in epoch milliseconds to those who asked for it', async () => {
    const client = await EnvelopeClient.signedIn(
      server,
      await tokenFor('kim'),
      'demo',
      '?timestamps=epoch&deprecated=1',
    );
    const times = { startDate: Date.parse('2031-01-01T09:00:00Z'), endDate: Date.parse('2031-01-01T10:00:00Z') };
    const asked = { sourceType: 'group', sourceIds: ['g'], subject: 'Review', ...times };
    const { data } = (await client.ask('meeting:createMeeting', asked)) as { data: { meeting: View } };
    expect(data.meeting).toMatchObject({ ...times, created: expect.any(Number) });
    expect(await client.hear('meeting:onMeetingCreated')).toMatchObject({ data });
    await client.ask('meeting:updateMeeting', { meetingId: data.meeting.meetingId, subject: 'Later' });
    expect(await client.hear('meeting:meetingUpdated')).toMatchObject({
      data: { meeting: { ...times, created: expect.any(Number), updated: expect.any(Number) } },
    });
    client.close();
  });
});

describe('following', () => {
  type Followed = { readonly type: string; readonly data: { readonly meetingId: string } };
  const follow = async (client: SocketClient, topic: string): Promise<void> => {
    await client.call('events.subscribe', { topics: [topic], after: 'start' });
  };
  const next = async (client: SocketClient, meetingId: string): Promise<string> => {
    const { body } = await client.waitFor(
      ({ name, body: one }) => name === 'event' && (one as Followed).data.meetingId === meetingId,
    );
    return (body as Followed).type;
  };

  it('a meeting is for its people; the own calendar for the person alone', async () => {
    const { meetingId } = await create(ann, { invitedUserIds: ['bob'] });
    const watching = await connectAs(server, 'bob');
    expect(await codeOf(follow(dan, `meeting:${meetingId}`))).toBe('meeting.unknown');
    await follow(watching, `meeting:${meetingId}`);
    expect(await next(watching, meetingId)).toBe('MeetingCreated');
    await bob.call('meeting:declineMeetingRequest', { meetingId });
    expect(await next(watching, meetingId)).toBe('MeetingDeclined');
    await follow(watching, 'user:bob');
    // The organizer's calendar is not in it.
    const own = [await next(watching, meetingId), await next(watching, meetingId), await next(watching, meetingId)];
    expect(own.toSorted()).toEqual(['InvitationDeclined', 'MeetingCreated', 'MeetingDeclined']);
    await watching.close();
  });
});
