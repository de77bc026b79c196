import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JWTPayload } from 'jose';
import { Guest } from './guest.js';
import { outcomes, refusedAs } from './outcomes.js';
import { RawSocket } from './raw-socket.js';
import { eventsOf, headOf } from './stored-log.js';
import { connectAs, temporaryServers, tokenFor, type ServerProcess, type SocketClient } from './support/server.js';

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;
let admin: SocketClient;

beforeAll(async () => {
  servers = await temporaryServers();
  server = await servers.start({ env: { RATE_LIMIT: 'off' } });
  admin = await connectAs(server, 'admin', ['admin']);
});

afterAll(() => servers.remove());

/** What is recorded of a person, oldest first. */
async function recordsOf(user: string): Promise<{ world: string; data: object }[]> {
  const events = (await eventsOf(servers.dataDir)).filter(({ type }) => type === 'UserProfileRecorded');
  return events.flatMap(({ data: { userId, issuedAt: _when, ...data }, metadata: { world } }) =>
    userId === user ? [{ world, data }] : [],
  );
}

const ann = { profile: { display_name: 'Ann Lee' }, email: 'Ann@x.org', zoneinfo: 'Asia/Tokyo' };

describe('whoever signs in is known to the world', () => {
  it('once, by header, by frame and over HTTP; again when the token says something else', async () => {
    const token = await tokenFor('ann', [], ann);
    const sockets = await Promise.all(Array.from({ length: 20 }, () => RawSocket.signedIn(server, token)));
    await connectAs(server, 'plain');
    await fetch(`${server.url}/audit/key`, { headers: { authorization: `Bearer ${token}` } });
    expect(await recordsOf('ann')).toEqual([{ world: 'demo', data: { ...ann, traits: [] } }]);
    expect(await recordsOf('plain')).toEqual([{ world: 'demo', data: { profile: {}, traits: [] } }]);
    const { profile } = ann;
    const renewed = await tokenFor('ann', ['moderator'], { profile });
    expect(await sockets[0]?.ask(['authenticate', { token: renewed }])).toEqual(['authenticated', expect.anything()]);
    expect(await recordsOf('ann')).toEqual([
      { world: 'demo', data: { ...ann, traits: [] } },
      { world: 'demo', data: { profile, traits: ['moderator'] } },
    ]);
    for (const { ws } of sockets) ws.terminate();
  });

  it('when HTTP is all they ever use', async () => {
    const headers = { authorization: `Bearer ${await tokenFor('rest', [], { email: 'rest@x.org' })}` };
    expect((await fetch(`${server.url}/audit/key`, { headers })).status).toBe(403);
    expect(await recordsOf('rest')).toEqual([
      { world: 'demo', data: { profile: {}, traits: [], email: 'rest@x.org' } },
    ]);
  });

  it('in that world only', async () => {
    await connectAs(server, 'ben', [], { world: 'apart' });
    expect((await recordsOf('ben')).map(({ world }) => world)).toEqual(['apart']);
  });

  it('but never by a client_id, with an invite, nor with a token that is refused', async () => {
    const { room } = await admin.call<{ room: string }>('room.create', { name: 'Hall' });
    const { url } = await admin.call<{ url: string }>('room.invite.anonymous.link', { room });
    const head = await headOf(servers.dataDir);
    await Guest.signIn(server, { client_id: 'c1' });
    await Guest.signIn(server, { client_id: 'c2', invite_token: url.slice(-6) });
    const wrong = await tokenFor('eve', [], { world: 'other' });
    expect(await outcomes(server, wrong)).toEqual(refusedAs('auth.wrong_world'));
    await expect(Guest.signIn(server, { client_id: 'c3' }, 'nowhere')).rejects.toThrow('world.unknown');
    expect(await headOf(servers.dataDir)).toBe(head);
  });

  it('and without a token nobody has anything of their own: whoever names the same client_id is the same', async () => {
    const guest = await Guest.signIn(server, { client_id: 'c9' });
    const times = { startDate: '2030-01-01T09:00:00Z', endDate: '2030-01-01T10:00:00Z' };
    const meeting = { ...times, sourceType: 'group', sourceIds: ['g'], subject: 'Private' };
    const localDate = times.startDate;
    const asked: readonly (readonly [string, object])[] = [
      ['meeting:createMeeting', meeting],
      ['meeting:listUserMeetings', times],
      ['meeting:getCalendarLink', {}],
      ['meeting:setUserAvailability', { availability: { status: 'NotAvailable', dates: [] }, localDate }],
      ['meeting:getTimeSlotsForMeeting', { users: [], localDate }],
    ];
    for (const [action, payload] of asked)
      expect([action, (await guest.call(action, payload)).code]).toEqual([action, 'auth.denied']);
    // Not even what somebody else made theirs.
    const host = await connectAs(server, 'host');
    const invited = { ...meeting, invitedUserIds: ['client:c9'] };
    const { meeting: made } = await host.call<{ meeting: { meetingId: string } }>('meeting:createMeeting', invited);
    const topics = [`meeting:${made.meetingId}`];
    expect((await guest.call('events.subscribe', { topics })).code).toBe('meeting.unknown');
    expect((await guest.call('meeting:getMeeting', { meetingId: made.meetingId })).code).toBe('auth.denied');
    guest.socket.ws.terminate();
  });

  it('also after a restart, which records nothing again', async () => {
    await connectAs(server, 'cid', [], {});
    const head = await headOf(servers.dataDir);
    await server.kill9();
    server = await servers.start({ env: { RATE_LIMIT: 'off' } });
    await connectAs(server, 'cid');
    admin = await connectAs(server, 'admin', ['admin']);
    expect(await headOf(servers.dataDir)).toBe(head);
  });

  it('unless the id has no name of its own in the log: too long, or half a surrogate pair', async () => {
    const head = await headOf(servers.dataDir);
    for (const sub of ['🎉'.repeat(226), 'half \ud83c']) {
      expect(await outcomes(server, await tokenFor(sub))).toEqual(refusedAs('auth.invalid_token'));
    }
    expect(await headOf(servers.dataDir)).toBe(head);
    // As long as it gets, and text of any kind.
    for (const user of ['🎉'.repeat(225), 'ж'.repeat(300), 'a/b\u0000\n"']) {
      await connectAs(server, user);
      expect(await recordsOf(user)).toEqual([{ world: 'demo', data: { profile: {}, traits: [] } }]);
    }
  });
});

describe('what is recorded of a person', () => {
  it('is nothing that the read model could not write: such a token is refused', async () => {
    const head = await headOf(servers.dataDir);
    const hostile: JWTPayload[] = [
      { profile: { _bsontype: 'Long' } },
      { profile: { deep: JSON.parse('{"__proto__":{"admin":true}}') } },
      { profile: { 'a\u0000b': 1 } },
      { profile: { display_name: 'half \ud83c' } },
      { profile: { deep: JSON.parse('['.repeat(100) + ']'.repeat(100)) } },
      { email: '\ud83c@x.org' },
    ];
    for (const claims of hostile) {
      expect(await outcomes(server, await tokenFor('mallory', [], claims))).toEqual(refusedAs('auth.invalid_token'));
    }
    expect(await headOf(servers.dataDir)).toBe(head);
  });

  it('can be followed by the person and by who runs the world, and by nobody else', async () => {
    const dan = await connectAs(server, 'dan', [], { world: 'heard' });
    const root = await connectAs(server, 'root', ['admin'], { world: 'heard' });
    const told = async (client: SocketClient, topics: string[]): Promise<unknown[]> => {
      const heard: unknown[] = [];
      const stop = client.onEvent(({ name, body }) => name === 'event' && heard.push(body));
      await client.call('events.subscribe', { topics, after: 'start' });
      await client.waitFor(({ name }) => name === 'caught_up');
      stop();
      return (heard as { type: string; data: { userId: string } }[]).flatMap(({ type, data }) =>
        type === 'UserProfileRecorded' ? [data.userId] : [],
      );
    };
    expect(await told(dan, ['user:dan'])).toEqual(['dan']);
    expect(await told(dan, ['world'])).toEqual([]);
    expect(await told(root, ['world'])).toEqual(['dan', 'root']);
  });
});
