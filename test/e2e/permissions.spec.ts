import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { wireTable } from '../../src/gateway/wire/index.js';
import { Guest } from './guest.js';
import { RawSocket } from './raw-socket.js';
import { connectAs, temporaryServers, tokenFor, type ServerProcess, type SocketClient } from './support/server.js';

/** What each role may do, written down from the contract and not taken from the code. */
const participant = ['world:view', 'room:view', 'room:session.join'];
const moderator = [
  ...participant,
  'room:viewers',
  'room:announce',
  'room:session.moderate',
  'room:recording',
  'room:playback',
  'room:stream',
];
const owner = [...moderator.slice(1), 'room:update', 'room:delete', 'room:invite.anonymous'];
const held: Readonly<Record<string, readonly string[]>> = {
  none: [],
  attendee: ['world:view'],
  viewer: ['world:view', 'room:view'],
  participant,
  speaker: [...participant, 'room:viewers'],
  moderator,
  kiosk: ['world:view', 'room:view', 'room:invite.anonymous'],
  room_creator: ['world:rooms.create.*'],
  room_owner: owner,
  admin: [...owner, 'world:view', 'world:update', 'world:audit', 'world:rooms.create.*'],
  steward: ['world:view', 'world:rooms.create.*', 'room:announce', 'room:delete'],
};

interface Expectation {
  readonly scope: 'world' | 'room';
  /** Any of these is enough; none of them is needed where there is none. */
  readonly any: readonly string[];
  readonly payload: (room: string) => unknown;
  /** What it answers to who may, where that is not success. */
  readonly outcome?: string;
}

let names = 0;
const inWorld = (permission: string, payload: Expectation['payload'] = () => ({})): Expectation => {
  return { scope: 'world', any: [permission], payload };
};
const inRoom = (permission: string | string[], more: object = {}): Expectation => {
  return { scope: 'room', any: [permission].flat(), payload: (room) => ({ room, ...more }) };
};
const grant = { user: 'nobody', role: 'attendee' };
const ofMeeting = (more: object = {}): Expectation => {
  return { ...inWorld('world:view', () => ({ meetingId: 'none', ...more })), outcome: 'meeting.unknown' };
};
/** Rooms in meetings also take what is needed in the world: see meetings-read.spec.ts. */
const inNoRoom = (payload: object): Expectation => {
  return { scope: 'world', any: [], payload: () => payload, outcome: 'room.unknown' };
};
const times = { startDate: '2030-01-01T09:00:00Z', endDate: '2030-01-01T10:00:00Z' };
/** Nobody is busy yet. */
const free = (): object => ({ startDate: ++names * 3_600_000, endDate: (names + 1) * 3_600_000 });
const ofDay = (more: object = {}): Expectation =>
  inWorld('world:view', () => ({ localDate: times.startDate, ...more }));

/** One line for every action there is. */
const actions: Readonly<Record<string, Expectation>> = {
  'world.config.get': inWorld('world:update'),
  'world.config.patch': inWorld('world:update'),
  'world.grant': inWorld('world:update', () => grant),
  'world.revoke': inWorld('world:update', () => grant),
  'room.create': inWorld('world:rooms.create.*', () => ({ name: `Made ${++names}` })),
  'room.config.list': inWorld('room:update'),
  'room.config.reorder': inWorld('room:update', () => []),
  'room.config.get': inRoom('room:update'),
  'room.config.patch': inRoom('room:update'),
  'room.schedule': inRoom('room:announce', { schedule_data: null }),
  'room.grant': inRoom('room:update', grant),
  'room.revoke': inRoom('room:update', grant),
  'room.invite.anonymous.link': inRoom(['room:update', 'room:invite.anonymous']),
  'room.enter': inRoom('room:view'),
  'room.react': inRoom('room:view', { reaction: '👏' }),
  'room.leave': inRoom([]),
  'meeting:createMeeting': inWorld('world:view', () => {
    return { sourceType: 'group', sourceIds: ['g'], subject: 'Review', ...free() };
  }),
  'meeting:updateMeeting': ofMeeting(),
  'meeting:deleteMeeting': ofMeeting(),
  'meeting:acceptMeetingRequest': ofMeeting(),
  'meeting:declineMeetingRequest': ofMeeting(),
  'meeting:getMeeting': ofMeeting(),
  'meeting:listUserMeetings': inWorld('world:view', () => times),
  'meeting:listUserMeetingCounts': inWorld('world:view', () => ({ localDateNow: 0, offset: 0, size: 1 })),
  'meeting:create': inNoRoom({ meeting: { subject: 'Review', roomId: 'none', ...times } }),
  'meeting:update': ofMeeting({ meeting: {} }),
  'meeting:delete': ofMeeting(),
  'meeting:get': ofMeeting(),
  'meeting:listUserMeetingsInDateRange': inWorld('world:view', () => times),
  'meeting:checkPropHasMeetingsOrSocialSessions': inNoRoom({ roomId: 'none', propId: 'p' }),
  'meeting:setUserAvailability': ofDay({ availability: { status: 'Available', dates: [], repetition: 127 } }),
  'meeting:getUserAvailabilityPattern': ofDay(),
  'meeting:getUserAvailabilityForDay': ofDay(),
  'meeting:getUserAvailabilityForWeek': ofDay(),
  'meeting:getUserAvailabilityForMonth': ofDay(),
  'meeting:getTimeSlotsForMeeting': ofDay({ users: [] }),
  'meeting:getMeetingTimeSlotsForMonth': ofDay({ users: [] }),
  'meeting:getCalendarLink': inWorld('world:view'),
  'meeting:resetCalendarLink': inWorld('world:view'),
  'events.subscribe': { scope: 'room', any: ['room:view'], payload: (room) => ({ topics: [`room:${room}`] }) },
  'events.unsubscribe': { scope: 'world', any: [], payload: () => ({}) },
  // The last one: nothing can be done in the room then.
  'room.delete': inRoom('room:delete'),
};
const ofRooms = Object.entries(actions).filter(([, { scope }]) => scope === 'room');

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;
let admin: SocketClient;
/** An admin of another world, who must hear nothing of all this. */
let stranger: SocketClient;
let heard: string[];

beforeAll(async () => {
  servers = await temporaryServers();
  server = await servers.start({ env: { RATE_LIMIT: 'off' } });
  admin = await connectAs(server, 'admin', ['admin']);
  stranger = await connectAs(server, 'admin', ['admin'], { world: 'elsewhere' });
  heard = [];
  stranger.onEvent(({ name, body }) => heard.push(`${name} ${JSON.stringify(body)}`));
  await stranger.call('events.subscribe', { topics: ['world', 'user:admin'] });
  await stranger.waitFor(({ name }) => name === 'caught_up');
  heard.length = 0;
  // Each trait gives the role of its name, and nothing is given to everyone.
  const { steward = [] } = held;
  const given = Object.keys(held).filter((role) => role !== 'none');
  const trait_grants = Object.fromEntries(given.map((role) => [role, [role]]));
  await admin.call('world.config.patch', { roles: { steward }, trait_grants });
});

afterAll(() => servers.remove());

const create = async (client = admin): Promise<string> =>
  (await client.call<{ room: string }>('room.create', { name: `Room ${++names}` })).room;

type Ask = (action: string, payload: unknown) => Promise<string>;

const asking =
  (client: SocketClient): Ask =>
  (action, payload) =>
    client.call(action, payload).then(
      () => 'success',
      (error: { code?: string }) => error.code ?? String(error),
    );

const denial = { world: 'auth.denied', room: 'protocol.denied' };

/** What every action answers to one who holds this in the room and that in the world. */
async function outcomes(ask: Ask, room: string, hasInRoom: readonly string[], hasInWorld: readonly string[]) {
  const [given, expected]: Record<string, string>[] = [{}, {}];
  for (const [action, { scope, any, payload, outcome = 'success' }] of Object.entries(actions)) {
    const has = scope === 'room' ? [...hasInRoom, ...hasInWorld] : hasInWorld;
    const allowed = any.length === 0 || any.some((permission) => has.includes(permission));
    Object.assign(given ?? {}, { [action]: await ask(action, payload(room)) });
    Object.assign(expected ?? {}, { [action]: allowed ? outcome : denial[scope] });
  }
  return [given, expected];
}

it('there is an expectation for every action', () => {
  expect(Object.keys(actions).toSorted()).toEqual(Object.keys(wireTable.actions).toSorted());
});

describe.each(Object.keys(held))('the role %s', (role) => {
  const permissions = held[role] ?? [];

  it('in the world: everywhere in it', async () => {
    const client = await connectAs(server, `w-${role}`, [role]);
    const [given, expected] = await outcomes(asking(client), await create(), [], permissions);
    expect(given).toEqual(expected);
  });

  it('in a room: there, for what is done in rooms, and nowhere else', async () => {
    const [room, other] = [await create(), await create()];
    if (role !== 'none') await admin.call('room.grant', { room, user: `r-${role}`, role });
    const ask = asking(await connectAs(server, `r-${role}`));
    const inOther = await outcomes(ask, other, [], []);
    expect(inOther[0]).toEqual(inOther[1]);
    const inIt = permissions.filter((permission) => permission.startsWith('room:'));
    const [given, expected] = await outcomes(ask, room, inIt, []);
    expect(given).toEqual(expected);
  });
});

it('somebody invited has their room, and nothing in the world or another room', async () => {
  const [room, other] = [await create(), await create()];
  const { url } = await admin.call<{ url: string }>('room.invite.anonymous.link', { room });
  const guest = await Guest.signIn(server, { client_id: 'invited', invite_token: url.slice(-6) });
  const ask: Ask = async (action, payload) => (await guest.call(action, payload)).code;
  const inOther = await outcomes(ask, other, [], []);
  expect(inOther[0]).toEqual(inOther[1]);
  const [given, expected] = await outcomes(ask, room, ['room:view', 'room:session.join'], []);
  expect(given).toEqual(expected);
});

describe('a room of another world, or a deleted one', () => {
  const answer = (client: SocketClient, action: string, room: string): Promise<unknown> =>
    client.call(action, actions[action]?.payload(room)).then(
      (body) => ({ body }),
      ({ code, message, details }: { code: string; message: string; details?: object[] }) => ({
        code,
        message,
        details,
      }),
    );

  it.each(['elsewhere', 'deleted'])('is one that never existed: %s', async (which) => {
    const room = await create();
    await admin.call('room.enter', { room });
    const client = which === 'elsewhere' ? stranger : admin;
    if (which === 'deleted') await admin.call('room.delete', { room });
    for (const [action] of ofRooms) {
      const [said, never] = [
        await answer(client, action, room),
        await answer(client, action, '00000000-0000-5000-8000-000000000000'),
      ];
      expect([action, said]).toEqual([action, never]);
      const expected = action === 'room.leave' ? { body: {} } : { code: 'room.unknown' };
      expect([action, said]).toMatchObject([action, expected]);
    }
    expect(await asking(client)('room.config.reorder', [room])).toBe('room.unknown');
  });

  it('is not heard of, by no frame of no kind', async () => {
    await stranger.call('world.config.patch', { title: 'The end' });
    await stranger.waitFor(({ name, body }) => name === 'world.updated' && JSON.stringify(body).includes('The end'));
    const own = heard.filter((frame) => !frame.includes('The end'));
    expect(own).toEqual([]);
    expect(await stranger.call('room.config.list')).toEqual([]);
  });
});

it('what is missing, empty or null is answered, and the connection lives on', async () => {
  const socket = await RawSocket.signedIn(server, await tokenFor('careless', ['admin']));
  const room = await create();
  const fields = ['room', 'name', 'user', 'role', 'topics', 'schedule_data', 'reaction', 'title', 'trait_grants'];
  const payloads = [
    {},
    [],
    [null],
    Object.fromEntries(fields.map((field) => [field, null])),
    ...fields.map((field) => ({ room, [field]: null })),
    ...fields.map((field) => ({ room, [field]: {} })),
    { room },
  ];
  const answers = new Map<number, unknown>();
  const calls = Object.keys(actions).filter((action) => action !== 'room.delete');
  let id = 0;
  for (const action of calls) for (const payload of payloads) socket.send([action, ++id, payload]);
  socket.send(['ping', 'last']);
  for (;;) {
    const [name, about, body] = (await socket.next()) as [string, number | string, { code?: string }];
    if (name === 'pong') break;
    if (name === 'success' || name === 'error') answers.set(Number(about), name === 'error' ? body.code : name);
  }
  expect(answers.size).toBe(id);
  expect([...new Set(answers.values())].filter((code) => String(code).startsWith('server.'))).toEqual([]);
  expect(socket.ws.readyState).toBe(socket.ws.OPEN);
  socket.ws.terminate();
});
