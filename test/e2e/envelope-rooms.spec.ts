import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { wireTable } from '../../src/gateway/wire/index.js';
import { identityWire } from '../../src/gateway/wire/identity.js';
import { eventsWire } from '../../src/gateway/wire/events.js';
import { invitesWire } from '../../src/gateway/wire/invites.js';
import { presenceWire } from '../../src/gateway/wire/presence.js';
import { reactionsWire } from '../../src/gateway/wire/reactions.js';
import { roomsWire } from '../../src/gateway/wire/rooms.js';
import { type Envelope, none, type Speaker, speakers } from './support/envelope.js';
import { temporaryServers, type ServerProcess } from './support/server.js';

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;
beforeAll(async () => {
  servers = await temporaryServers();
  server = await servers.start({ env: { RATE_LIMIT: 'off' } });
});
afterAll(() => servers.remove());

const open: Speaker[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

const done = { error: none };
const answer = (data: unknown): Envelope => ({ data, error: none });
const failed = (code: number): unknown => ({ error: { status: true, code, message: expect.any(String) } });
/** What the tests below asked for, in either way. */
const asked = new Set<string>();

describe.each(speakers)('over %s', (name, connect) => {
  const world = `w-${name.length}`;
  const as = async (user: string, traits: readonly string[] = []): Promise<Speaker> => {
    const speaker = await connect(server, user, traits, world);
    open.push(speaker);
    const ask = speaker.ask.bind(speaker);
    speaker.ask = (endpoint, data, id) => {
      asked.add(endpoint);
      return ask(endpoint, data, id);
    };
    return speaker;
  };
  const dataOf = async <T>(reply: Promise<Envelope>): Promise<T> => {
    const { data, error } = await reply;
    expect(error).toEqual(none);
    return data as T;
  };

  it('rooms are made, changed, ordered and deleted, and everyone hears of it', async () => {
    const [admin, bob] = [await as('admin', ['admin']), await as('bob')];
    type Config = { readonly id: string; readonly name: string };
    const made = await dataOf<Config & { room: string }>(admin.ask('room.create', { name: 'Hall' }));
    const { room, ...config } = made;
    expect(made).toMatchObject({ room, id: room, name: 'Hall', sorting_priority: 1, trait_grants: {} });
    expect(await bob.hear('room.create')).toEqual(answer(config));
    const foyer = (await dataOf<Config>(admin.ask('room.create', { name: 'Foyer' }))).id;
    expect(await admin.ask('room.config.get', { room })).toEqual(answer(config));
    const patched = { ...config, name: 'Great Hall' };
    expect(await admin.ask('room.config.patch', { room, name: 'Great Hall' })).toEqual(answer(patched));
    const updated = await bob.hear('world.updated');
    expect(updated).toMatchObject({ data: { rooms: expect.any(Array) }, error: none });
    const ordered = await dataOf<Config[]>(admin.ask('room.config.reorder', [foyer, room]));
    expect(ordered.map(({ id }) => id)).toEqual([foyer, room]);
    expect(await admin.ask('room.config.list')).toEqual(answer(ordered));
    expect(await bob.ask('room.enter', { room })).toEqual(done);
    const schedule_data = { session: 1 };
    expect(await admin.ask('room.schedule', { room, schedule_data })).toEqual(done);
    expect(await bob.hear('room.schedule')).toEqual(answer({ room, schedule_data }));
    expect(await admin.ask('room.delete', { room })).toEqual(done);
    expect(await bob.hear('room.delete')).toEqual(answer({ id: room }));
    expect(await admin.ask('room.config.get', { room })).toEqual(failed(404));
    expect(await admin.ask('room.delete', { room: foyer })).toEqual(done);
  });

  it('people come and go, react and are counted', async () => {
    const [admin, bob] = [await as('admin', ['admin']), await as('bob')];
    const { room } = await dataOf<{ room: string }>(admin.ask('room.create', { name: 'Stage' }));
    expect(await admin.ask('room.enter', { room })).toEqual(answer({ viewers: [{ id: 'admin', profile: {} }] }));
    expect(await admin.hear('world.user_count_change')).toEqual(answer({ room, users: 'few' }));
    expect(await bob.ask('room.enter', { room })).toEqual(done);
    expect(await admin.hear('room.viewer.added')).toEqual(answer({ user: { id: 'bob', profile: {} } }));
    expect(await bob.ask('room.react', { room, reaction: '👏' })).toEqual(done);
    expect(await admin.hear('room.reaction')).toEqual(answer({ room, reactions: { '👏': 1 } }));
    expect(await bob.ask('room.react', { room, reaction: 'x' })).toEqual(failed(400));
    expect(await bob.ask('room.leave', { room })).toEqual(done);
    expect(await admin.hear('room.viewer.removed')).toEqual(answer({ user_id: 'bob' }));
    await bob.ask('room.enter', { room });
    await admin.hear('room.viewer.added');
    bob.close();
    expect(await admin.hear('room.viewer.removed')).toEqual(answer({ user_id: 'bob' }));
    const { url } = await dataOf<{ url: string }>(admin.ask('room.invite.anonymous.link', { room }));
    expect(url).toMatch(/\/[A-Za-z0-9]{6}$/);
    await admin.ask('room.delete', { room });
  });

  it('rights are given and taken, and act at once', async () => {
    const [admin, bob] = [await as('admin', ['admin']), await as('bob')];
    const { room } = await dataOf<{ room: string }>(admin.ask('room.create', { name: 'Desk' }));
    const announce = (): Promise<Envelope> => bob.ask('room.schedule', { room, schedule_data: null });
    expect(await announce()).toEqual(failed(403));
    expect(await admin.ask('room.grant', { room, user: 'bob', role: 'moderator' })).toEqual(done);
    expect(await announce()).toEqual(done);
    expect(await admin.ask('room.revoke', { room, user: 'bob', role: 'moderator' })).toEqual(done);
    expect(await announce()).toEqual(failed(403));
    expect(await admin.ask('world.grant', { user: 'bob', role: 'admin' })).toEqual(done);
    const settings = await dataOf<object>(bob.ask('world.config.get'));
    expect(settings).toMatchObject({ id: world, title: world });
    const patched = { ...settings, title: 'Days' };
    expect(await bob.ask('world.config.patch', { title: 'Days' })).toEqual(answer(patched));
    expect(await admin.ask('world.revoke', { user: 'bob', role: 'admin' })).toEqual(done);
    expect(await bob.ask('world.config.get')).toEqual(failed(403));
    await admin.ask('world.config.patch', { title: world });
    await admin.ask('room.delete', { room });
  });

  it('the log can be followed', async () => {
    const admin = await as('admin', ['admin']);
    const { room } = await dataOf<{ room: string }>(admin.ask('room.create', { name: 'Log' }));
    const topics = [`room:${room}`];
    expect(await admin.ask('events.subscribe', { topics, after: 'start' })).toEqual(done);
    expect(await admin.hear('event')).toMatchObject({ data: { type: 'RoomCreated', specversion: '1.0' }, error: none });
    // The creator is the owner of the room.
    expect(await admin.hear('event')).toMatchObject({ data: { type: 'RoomRoleGranted' } });
    expect(await admin.hear('caught_up')).toMatchObject({ data: { topics, position: expect.any(String) } });
    await admin.ask('room.schedule', { room, schedule_data: { session: 2 } });
    expect(await admin.hear('event')).toMatchObject({ data: { type: 'RoomScheduleChanged' } });
    expect(await admin.ask('events.unsubscribe', { topics })).toEqual(done);
    expect(await admin.ask('events.subscribe', { topics, after: 'nonsense' })).toEqual(failed(409));
    expect(await admin.ask('room.delete', { room })).toEqual(done);
  });

  it('a failure says why, with its number', async () => {
    const [admin, bob] = [await as('admin', ['admin']), await as('bob')];
    const cases: [Speaker, string, unknown, number, RegExp][] = [
      [bob, 'room.create', { name: 'x' }, 403, /permission/],
      [admin, 'room.create', { name: 'x', colour: 1 }, 400, /colour/],
      [admin, 'room.create', { name: 'x', command_id: 'c' }, 400, /command_id/],
      [admin, 'room.create', {}, 400, /name/],
      [admin, 'room.create', { name: 'Twice' }, 0, /^$/],
      [admin, 'room.create', { name: 'Twice' }, 409, /name/],
      [admin, 'room.enter', { room: 'nowhere' }, 404, /room/],
      [admin, 'room.fly', {}, 404, /action/],
      [admin, 'constructor', {}, 404, /action/],
    ];
    for (const [who, endpoint, data, code, message] of cases) {
      const { error } = await who.ask(endpoint, data);
      expect([endpoint, error.code, error.status]).toEqual([endpoint, code, code !== 0]);
      expect(error.message).toMatch(message);
    }
  });
});

it('every action of the rooms’ tables was asked for', () => {
  const tables = [roomsWire, presenceWire, reactionsWire, invitesWire, identityWire, eventsWire];
  const actions = tables.flatMap((table) => Object.keys(table.actions));
  expect(actions.filter((action) => !asked.has(action))).toEqual([]);
  expect(actions.filter((action) => !wireTable.actions[action])).toEqual([]);
});
