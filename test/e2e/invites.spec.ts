import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Guest } from './guest.js';
import { codeOf } from './outcomes.js';
import { eventsOf, headOf } from './stored-log.js';
import { connectAs, temporaryServers, tokenFor, type ServerProcess, type SocketClient } from './support/server.js';

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;
let admin: SocketClient;
let rooms = 0;

beforeAll(async () => {
  servers = await temporaryServers();
  const env = { RATE_LIMIT: 'off', PUBLIC_URL: 'https://vnls.io', LOG_LEVEL: 'trace' };
  server = await servers.start({ env });
  admin = await connectAs(server, 'admin', ['admin']);
});

afterAll(() => servers.remove());

const create = async (): Promise<string> =>
  (await admin.call<{ room: string }>('room.create', { name: `Invited ${++rooms}` })).room;

const linkOf = (room: string, client = admin, more: object = {}): Promise<{ url: string }> =>
  client.call('room.invite.anonymous.link', { room, ...more });

/** A room and the token that lets people in there. */
async function invited(): Promise<{ room: string; invite_token: string }> {
  const room = await create();
  const { url } = await linkOf(room);
  return { room, invite_token: url.slice('https://vnls.io/'.length) };
}

const get = (path: string): Promise<Response> => fetch(`${server.url}${path}`, { redirect: 'manual' });

describe('room.invite.anonymous.link', () => {
  it('answers one link for a room, and appends nothing for it again', async () => {
    const room = await create();
    const { url, ...rest } = await linkOf(room, admin, { command_id: 'link-1' });
    expect(rest).toEqual({});
    expect(url).toMatch(/^https:\/\/vnls\.io\/[A-Za-z0-9]{6}$/);
    const head = await headOf(servers.dataDir);
    expect(await linkOf(room)).toEqual({ url });
    expect(await linkOf(room, admin, { command_id: 'link-1' })).toEqual({ url });
    expect(await headOf(servers.dataDir)).toBe(head);
    expect((await linkOf(await create())).url).not.toBe(url);
  });

  it('needs room:update or room:invite.anonymous in the room', async () => {
    const room = await create();
    const answers: [string, string[], string][] = [
      ['visitor', [], 'protocol.denied'],
      ['speaker', ['moderator'], 'protocol.denied'],
      ['desk', ['kiosk'], 'success'],
    ];
    for (const [user, traits, code] of answers) {
      const client = await connectAs(server, user, traits);
      expect([user, await codeOf(linkOf(room, client))]).toEqual([user, code]);
    }
    await admin.call('room.grant', { room, user: 'visitor', role: 'kiosk' });
    const visitor = await connectAs(server, 'visitor');
    expect(await codeOf(linkOf(room, visitor))).toBe('success');
    expect(await codeOf(linkOf(await create(), visitor))).toBe('protocol.denied');
    await admin.call('room.delete', { room });
    expect(await codeOf(linkOf(room))).toBe('room.unknown');
  });

  it('shows its event to none but those who could ask for it', async () => {
    const room = await create();
    const [visitor, desk] = [await connectAs(server, 'v'), await connectAs(server, 'd', ['kiosk'])];
    await linkOf(room);
    for (const client of [visitor, desk]) {
      await client.call('events.subscribe', { topics: [`room:${room}`, 'world'], after: 'start' });
    }
    const types = async (client: SocketClient): Promise<string[]> => {
      const seen: string[] = [];
      for await (const { name, body } of client.events()) {
        if (name === 'caught_up') break;
        if (name === 'event') seen.push((body as { type: string }).type);
      }
      return seen;
    };
    expect(await types(desk)).toContain('InviteCreated');
    const seen = await types(visitor);
    expect(seen).toContain('RoomCreated');
    expect(seen.filter((type) => type.startsWith('Invite'))).toEqual([]);
  });
});

describe('GET /<token>', () => {
  it('leads to the room’s page for people without an account, and is never kept', async () => {
    const { room, invite_token } = await invited();
    const answer = await get(`/${invite_token}`);
    expect([answer.status, answer.headers.get('location'), answer.headers.get('cache-control')]).toEqual([
      302,
      `https://vnls.io/standalone/${room}/anonymous#invite=${invite_token}`,
      'no-store',
    ]);
  });

  it('is 404 for what is no invite, and for one whose room was deleted', async () => {
    const { room, invite_token } = await invited();
    await admin.call('room.delete', { room });
    await admin.call('room.config.list');
    for (const path of [invite_token, 'AAAAAA', 'x', '%00', 'a'.repeat(500), "'%22<script>"]) {
      const answer = await get(`/${path}`);
      expect([path, answer.status, answer.headers.get('content-type'), answer.headers.get('cache-control')]).toEqual([
        path,
        404,
        'application/problem+json; charset=utf-8',
        'no-store',
      ]);
      expect(await answer.json()).toMatchObject({ status: 404, code: 'invite.unknown' });
    }
  });

  it('hides no other path', async () => {
    expect(await (await get('/health/live')).json()).toEqual({ status: 'ok' });
    expect((await get('/audit/events')).status).toBe(401);
    expect((await get('/')).status).toBe(404);
    expect((await get('/a/b')).status).toBe(404);
  });
});

describe('authenticate with an invite_token', () => {
  it('signs in somebody who has one room and no other rights', async () => {
    const { room, invite_token } = await invited();
    await create();
    const { welcome } = await Guest.signIn(server, { client_id: 'phone-1', invite_token });
    expect(welcome['user.config']).toEqual({ id: 'client:phone-1', profile: {} });
    const { permissions, rooms: visible, world } = welcome['world.config'];
    expect([world, permissions]).toEqual([{ id: 'demo', title: 'demo' }, []]);
    expect(visible.map(({ id, permissions: held }) => [id, held])).toEqual([
      [room, ['room:view', 'room:session.join']],
    ]);
  });

  it('refuses what lets nobody in here, each with the same code', async () => {
    const { room, invite_token } = await invited();
    const elsewhere = await connectAs(server, 'admin', ['admin'], { world: 'elsewhere' });
    const foreign = await elsewhere.call<{ room: string }>('room.create', { name: 'Theirs' });
    const { url } = await linkOf(foreign.room, elsewhere);
    const refused = (token: string, world?: string) =>
      Guest.refused(server, { client_id: 'c', invite_token: token }, world);
    const invalid = ['auth.invalid_token', 4401];
    expect(await refused('AAAAAA')).toEqual(invalid);
    expect(await refused('not one')).toEqual(invalid);
    expect(await refused(url.slice(-6))).toEqual(invalid);
    expect(await refused(invite_token, 'elsewhere')).toEqual(invalid);
    expect(await refused(invite_token, 'never-seen')).toEqual(invalid);
    await admin.call('room.delete', { room });
    expect(await refused(invite_token)).toEqual(invalid);
    expect(await Guest.refused(server, { invite_token })).toEqual(['auth.missing_token', 4401]);
  });

  it('gives way to a token', async () => {
    const { invite_token } = await invited();
    const token = await tokenFor('carol');
    const { welcome } = await Guest.signIn(server, { token, client_id: 'x', invite_token });
    expect(welcome['user.config'].id).toBe('carol');
    expect(welcome['world.config'].permissions).toContain('world:view');
  });

  it('does not turn into the person known by the same client_id alone, nor back', async () => {
    const { invite_token } = await invited();
    const guest = await Guest.signIn(server, { client_id: 'twin', invite_token });
    const plain = await Guest.signIn(server, { client_id: 'twin' });
    const again = async ({ socket }: Guest, payload: object): Promise<unknown> => {
      const frame = (await socket.ask(['authenticate', payload])) as [string, unknown, { code: string }];
      return frame[0] === 'error' ? frame[2].code : frame[0];
    };
    expect(await again(guest, { client_id: 'twin' })).toBe('protocol.invalid');
    expect(await again(plain, { client_id: 'twin', invite_token })).toBe('protocol.invalid');
    expect(await again(guest, { client_id: 'twin', invite_token })).toBe('authenticated');
  });
});

describe('somebody invited', () => {
  it('may use that room and nothing else, whatever is granted elsewhere', async () => {
    const { room, invite_token } = await invited();
    const other = await create();
    const grant = { user: 'client:phone-2', role: 'admin' };
    await admin.call('room.grant', { room: other, ...grant });
    await admin.call('room.grant', { room, ...grant });
    await admin.call('world.grant', grant);
    const guest = await Guest.signIn(server, { client_id: 'phone-2', invite_token });
    const codes: [string, unknown, string][] = [
      ['room.enter', { room }, 'success'],
      ['room.leave', { room }, 'success'],
      ['room.enter', { room: other }, 'protocol.denied'],
      ['room.config.get', { room }, 'protocol.denied'],
      ['room.config.list', {}, 'auth.denied'],
      ['room.create', { name: 'Mine' }, 'auth.denied'],
      ['room.delete', { room }, 'protocol.denied'],
      ['room.invite.anonymous.link', { room }, 'protocol.denied'],
      ['world.config.get', {}, 'auth.denied'],
      ['events.subscribe', { topics: ['world'] }, 'auth.denied'],
      ['events.subscribe', { topics: [`room:${other}`] }, 'protocol.denied'],
      ['events.subscribe', { topics: ['user:client:phone-2'] }, 'auth.denied'],
      ['events.subscribe', { topics: [`room:${room}`] }, 'success'],
    ];
    for (const [action, payload, code] of codes) {
      expect([action, payload, (await guest.call(action, payload)).code]).toEqual([action, payload, code]);
    }
  });

  it('hears of that room only, to its end', async () => {
    const { room, invite_token } = await invited();
    const guest = await Guest.signIn(server, { client_id: 'phone-3', invite_token });
    await guest.call('room.enter', { room });
    const other = await create();
    await admin.call('room.enter', { room: other });
    await admin.call('room.config.patch', { room: other, description: 'x' });
    await admin.call('room.schedule', { room: other, schedule_data: { session: 1 } });
    await admin.call('world.config.patch', { title: 'demo' });
    // In the order of the log: the others' events were told, or not, when this one comes.
    await admin.call('room.config.patch', { room, description: 'Only this' });
    const updated = (await guest.hears('world.updated')) as { rooms: { id: string; description: string }[] };
    expect(updated.rooms.map(({ id, description }) => [id, description])).toEqual([[room, 'Only this']]);
    // A new order is told where it gives the room another place.
    const all = await admin.call<{ id: string }[]>('room.config.list');
    await admin.call('room.config.reorder', [room, ...all.map(({ id }) => id).filter((id) => id !== room)]);
    await guest.hears('world.updated');
    await admin.call('room.config.reorder', [room, other]);
    await admin.call('room.schedule', { room, schedule_data: { session: 2 } });
    expect(await guest.hears('room.schedule')).toEqual({ room, schedule_data: { session: 2 } });
    await admin.call('room.delete', { room });
    expect(await guest.hears('room.delete')).toEqual({ id: room });
    const before = guest.heard.length;
    await admin.call('room.config.patch', { room: other, description: 'y' });
    await admin.call('room.delete', { room: other });
    expect((await guest.call('room.enter', { room })).code).toBe('room.unknown');
    expect(guest.heard.slice(before)).toEqual([]);
    const heard = guest.heard.filter(([name]) => name !== 'world.user_count_change');
    expect(heard.map(([name]) => name)).toEqual(['world.updated', 'world.updated', 'room.schedule', 'room.delete']);
    expect(JSON.stringify(guest.socket.frames)).not.toContain(other);
  });
});

describe('the log lines', () => {
  it('hold no invite', async () => {
    const { invite_token } = await invited();
    await get(`/${invite_token}`);
    await Guest.signIn(server, { client_id: 'quiet', invite_token });
    await Guest.refused(server, { client_id: 'quiet', invite_token }, 'elsewhere');
    const tokens = (await eventsOf(servers.dataDir)).flatMap(({ type, data }) =>
      type === 'InviteCreated' ? [String(data.token)] : [],
    );
    expect(tokens).toContain(invite_token);
    const lines = [...server.stdout, ...server.stderr].join('\n');
    expect(tokens.filter((token) => lines.includes(token))).toEqual([]);
  });
});
