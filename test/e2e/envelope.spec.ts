import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { numbersOf } from '../../src/eventsourcing/refused.js';
import { bad } from './bad-frames.js';
import { RawSocket } from './raw-socket.js';
import { headOf } from './stored-log.js';
import { EnvelopeClient, none } from './support/envelope.js';
import { temporaryServers, tokenFor, tokens, type ServerProcess } from './support/server.js';

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;
let admin: EnvelopeClient;
let room: string;

beforeAll(async () => {
  servers = await temporaryServers();
  server = await servers.start({ env: { RATE_LIMIT: 'off' } });
  admin = await EnvelopeClient.signedIn(server, await tokenFor('admin', ['admin']));
  ({ room } = (await admin.ask('room.create', { name: 'Hall' })).data as { room: string });
});
afterAll(() => servers.remove());

const profile = { display_name: 'Ada King Lovelace', avatar_url: 'https://x/y.png', companyName: 'Engines' };
const userInfo = {
  endpoint: 'user_info',
  data: {
    user: {
      id: 'ada',
      firstName: 'Ada King',
      lastName: 'Lovelace',
      privacyMode: 0,
      avatar: 'https://x/y.png',
      companyName: 'Engines',
      companyTitle: '',
      email: 'ada@example.org',
      permissions: expect.arrayContaining(['world:view', 'room:view', 'room:session.join']),
    },
    network: { id: 'demo', fullName: 'demo' },
  },
  error: none,
};
const ada = (claims: object = {}): Promise<string> =>
  tokenFor('ada', [], { profile, email: 'ada@example.org', ...claims });
const refused = (endpoint: string, id: unknown, code: number): object => ({
  endpoint,
  ...(endpoint !== 'invalidConnection' && { event: { id } }),
  error: { status: true, code, message: expect.any(String) },
});

describe('signing in', () => {
  it('is answered with user_info, by header or by frame, and again when it is renewed', async () => {
    const headers = { authorization: `Bearer ${await ada()}` };
    const byHeader = await RawSocket.open(server, '/ws/network/demo', { headers });
    expect(await byHeader.next()).toEqual(userInfo);
    const byFrame = await RawSocket.open(server, '/ws/network/demo');
    const authenticate = { endpoint: 'authenticate', data: { token: await ada() } };
    expect(await byFrame.ask(authenticate)).toEqual(userInfo);
    expect(await byFrame.ask({ ...authenticate, event: { id: 1 } })).toEqual(userInfo);
    const other = { endpoint: 'authenticate', data: { token: await tokenFor('eve') }, event: { id: 'x' } };
    expect(await byFrame.ask(other)).toEqual(refused('authenticate', 'x', 400));
    expect(await byFrame.ask({ endpoint: 'ping', data: 1 })).toMatchObject({ endpoint: 'ping', data: 1, error: none });
  });

  it('without an email says so with an empty text; a client_id signs in, too', async () => {
    const socket = await RawSocket.open(server, '/ws/network/demo');
    const welcome = await socket.ask({ endpoint: 'authenticate', data: { client_id: 'c-1' } });
    expect(welcome).toMatchObject({ endpoint: 'user_info', data: { user: { id: 'client:c-1', email: '' } } });
  });

  it('with a bad token is invalidConnection and ends with 4401; by header it is HTTP 401', async () => {
    const cases: [data: object, code: string][] = [
      [{ token: 'x' }, 'auth.invalid_token'],
      [{}, 'auth.missing_token'],
      [{ token: await tokenFor('a', [], { world: 'other' }) }, 'auth.wrong_world'],
    ];
    for (const [data, reason] of cases) {
      const socket = await RawSocket.open(server, '/ws/network/demo');
      expect(await socket.ask({ endpoint: 'authenticate', data })).toEqual(refused('invalidConnection', null, 401));
      expect(await socket.closed).toEqual({ code: 4401, reason });
    }
    const headers = { authorization: 'Bearer x' };
    await expect(RawSocket.open(server, '/ws/network/demo', { headers })).rejects.toMatchObject({
      status: 401,
      body: { code: 'auth.invalid_token' },
    });
    await expect(RawSocket.open(server, '/ws/network/demo?timestamps=x', {})).rejects.toMatchObject({ status: 400 });
  });

  it('is needed for everything but a ping', async () => {
    const socket = await RawSocket.open(server, '/ws/network/demo');
    expect(await socket.ask({ endpoint: 'ping' })).toEqual({ endpoint: 'ping', event: { id: null }, error: none });
    const call = { endpoint: 'room.leave', data: { room }, event: { id: 7 } };
    expect(await socket.ask(call)).toEqual(refused('room.leave', 7, 401));
  });

  it('lasts as long as the token', async () => {
    const client = await EnvelopeClient.signedIn(server, await tokens.sign({ sub: 'ada', world: 'demo' }, '2s'));
    const signedIn = Date.now();
    expect(await client.socket.closed).toEqual({ code: 4401, reason: 'auth.expired_token' });
    expect(Date.now() - signedIn).toBeLessThan(7_000);
  });
});

describe('a malformed message', () => {
  it('of every kind gets its error with what could be read of it, nothing is stored, and the connection lives on', async () => {
    const own = await EnvelopeClient.signedIn(server, await tokenFor('admin', ['admin']));
    const head = await headOf(servers.dataDir);
    const { socket } = own;
    const texts: [text: string, endpoint: string, id: unknown][] = [
      ['', '', null],
      ['{', '', null],
      ['["room.create",1,{"name":"x"}]', '', null],
      ['{}', '', null],
      ['{"endpoint":"room.create","data":{"name":"x"}}', 'room.create', null],
      ['{"endpoint":"room.create","data":{"name":"x"},"event":{"id":{}}}', 'room.create', null],
      ['{"endpoint":"room.create","data":{"name":"x"},"event":{"id":1,"date":"soon"}}', 'room.create', 1],
      ['{"endpoint":"room.create","data":{"name":"x"},"event":{"id":1},"id":2}', 'room.create', 1],
      ['{"endpoint":"room.create","data":{"name":"x","__proto__":{}},"event":{"id":1}}', '', null],
      ['{"endpoint":"room.create","data":{"name":"\\ud800"},"event":{"id":1}}', '', null],
      ['{"endpoint":"room.create","data":"x","event":{"id":1}}', 'room.create', 1],
      ['{"endpoint":5,"data":{},"event":{"id":"e"}}', '', 'e'],
    ];
    for (const [text, endpoint, id] of texts) {
      expect([text, await socket.ask(text)]).toEqual([text, refused(endpoint, id, 400)]);
    }
    expect(await socket.ask(Buffer.from('{"endpoint":"ping"}'))).toEqual(refused('', null, 400));
    for (const [action, payload, code = '', fields = []] of bad) {
      const text = JSON.stringify({ endpoint: action, data: payload, event: { id: 'x-1' } });
      // There the command's id is no field of the payload.
      const { error } = (await socket.ask(text.replaceAll('"R"', JSON.stringify(room)))) as {
        error: { status: boolean; code: number; message: string };
      };
      expect([text, error.status, error.code]).toEqual([
        text,
        true,
        text.includes('command_id') ? 400 : numbersOf(code).envelope,
      ]);
      expect([text, fields.filter((field) => !error.message.includes(field))]).toEqual([text, []]);
    }
    expect(await headOf(servers.dataDir)).toBe(head);
    expect((await own.ask('ping', 'alive')).data).toBe('alive');
  });

  it('over 64 KiB closes the connection', async () => {
    const client = await EnvelopeClient.signedIn(server, await ada());
    client.socket.send({ endpoint: 'ping', data: 'x'.repeat(65_536) });
    expect((await client.socket.closed).code).toBe(1009);
  });
});

it('a command is answered with its position, from which the log can be followed; a query has none', async () => {
  const { event, data } = await admin.reply('room.create', { name: 'Followed' });
  expect(event).toEqual({ id: expect.any(String), position: expect.any(String) });
  const topics = [`room:${(data as { room: string }).room}`];
  const { event: next } = await admin.reply('room.schedule', { ...roomOf(data), schedule_data: null });
  await admin.reply('room.schedule', { ...roomOf(data), schedule_data: { title: 'x' } });
  await admin.ask('events.subscribe', { topics, after: next?.position });
  expect(await admin.hear('event')).toMatchObject({ data: { data: { schedule_data: { title: 'x' } } } });
  expect(await admin.hear('caught_up')).toMatchObject({ data: { topics } });
  await admin.ask('events.unsubscribe', { topics });
  expect((await admin.reply('room.config.get', roomOf(data), 'q')).event).toEqual({ id: 'q' });
  expect((await admin.reply('room.leave', roomOf(data), 'l')).event).toEqual({ id: 'l' });
});

const roomOf = (data: unknown): object => ({ room: (data as { room: string }).room });

it('frames above the rate are answered with 705', async () => {
  const limited = await temporaryServers();
  try {
    const one = await limited.start();
    const client = await EnvelopeClient.signedIn(one, await tokenFor('busy'));
    for (let n = 0; n < 700; n++) client.socket.send({ endpoint: 'room.leave', data: { room: 'x' }, event: { id: n } });
    const answers: { event: { id: unknown }; error: { code: number } }[] = [];
    while (answers.length < 700) answers.push((await client.socket.next()) as (typeof answers)[number]);
    expect(answers.map(({ event }) => event.id)).toEqual(answers.map((_one, n) => n));
    const codes = answers.map(({ error }) => error.code);
    expect(new Set(codes)).toEqual(new Set([0, 705]));
    expect(codes.filter((code) => code === 705).length).toBeGreaterThan(100);
  } finally {
    await limited.remove();
  }
});
