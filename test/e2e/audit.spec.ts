import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { auditedServer, type AuditedServer, type AuditEvent } from './audited-server.js';
import { eventsOf } from './stored-log.js';
import { tokenFor, tokens } from './support/server.js';

let place: AuditedServer;
let ask: AuditedServer['ask'];
let rooms: AuditedServer['rooms'];

beforeAll(async () => {
  place = await auditedServer();
  ({ ask, rooms } = place);
});

afterAll(() => place.remove());

const linesIn = (text: string): AuditEvent[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));

describe('GET /audit/events', () => {
  it('pages through all events of the caller’s world and no other', async () => {
    const found: AuditEvent[] = [];
    let next: string | undefined;
    let pages = 0;
    do {
      const { status, body } = await ask(`events?limit=3${next === undefined ? '' : `&after=${next}`}`);
      expect(status).toBe(200);
      expect(body.events.length).toBeLessThanOrEqual(3);
      found.push(...body.events);
      next = body.next;
      pages += 1;
    } while (next !== undefined);
    expect(found.map(({ id }) => id)).toEqual(place.inDemo.map(({ id }) => id));
    expect(pages).toBe(Math.ceil(found.length / 3));
    expect(new Set(found.map(({ world }) => world))).toEqual(new Set(['demo']));
  });

  it('streams the same as lines', async () => {
    const { body } = await ask('events?limit=1000');
    for (const lines of [
      await ask('events', undefined, 'application/x-ndjson, */*;q=0.1'),
      await ask('events?format=ndjson'),
    ]) {
      expect(linesIn(lines.text)).toEqual(body.events);
    }
    expect(linesIn((await ask('events?format=ndjson&limit=2')).text)).toEqual(body.events.slice(0, 2));
    expect((await ask('events?format=json', undefined, 'application/x-ndjson')).body).toEqual(body);
  });

  it('chooses by type, actor and time', async () => {
    const all = (await ask('events')).body.events;
    const chosen = async (query: string): Promise<readonly AuditEvent[]> => (await ask(`events?${query}`)).body.events;
    expect(await chosen('type=RoomDeleted')).toEqual(all.filter(({ type }) => type === 'RoomDeleted'));
    expect(await chosen('type=Nothing')).toEqual([]);
    const bobs = all.filter(({ actorid }) => actorid === 'bob');
    expect(bobs.length).toBeGreaterThan(1);
    expect(await chosen('actor=bob')).toEqual(bobs);
    const { time = '' } = bobs[0] ?? {};
    expect(await chosen(`since=${time}`)).toEqual(all.filter((event) => event.time >= time));
    expect(await chosen(`until=${time}`)).toEqual(all.filter((event) => event.time < time));
    expect(await chosen(`since=${time}&until=${time}`)).toEqual([]);
    expect(await chosen('since=2000-01-01T00:00:00%2B02:00')).toEqual(all);
  });

  it.each([
    ['limit=0', 'limit must be a whole number from 1 to 1000'],
    ['limit=1001', 'limit must be a whole number from 1 to 1000'],
    ['limit=1e2', 'limit must be a whole number from 1 to 1000'],
    ['limit=', 'limit must be a whole number from 1 to 1000'],
    ['limit=1&limit=1', 'limit must be given once'],
    ['after=12', 'after must be a position as it was given out'],
    ['since=2026-02-30T00:00:00Z', 'since must be a time such as'],
    ['until=yesterday', 'until must be a time such as'],
    ['until=2026-01-01', 'until must be a time such as'],
    ['type=', 'type must be a text of 1 to 300 characters'],
    ['format=xml', 'format must be json or ndjson'],
    ['world=other', 'world is not a parameter of this request'],
    ['__proto__=1', '__proto__ is not a parameter of this request'],
    ['%3Cscript%3E=1', '?script? is not a parameter of this request'],
  ])('refuses ?%s', async (query, message) => {
    const { status, body } = await ask(`events?${query}`);
    expect({ status, code: body.code, detail: body['detail'] }).toEqual({
      status: 400,
      code: 'protocol.invalid',
      detail: expect.stringContaining(message),
    });
  });

  it('says so when a position is of another log, or beyond this one', async () => {
    const [epoch] = (await ask('events?limit=1')).body.next?.split('.') ?? [];
    for (const after of ['another-log.3', `${epoch}.999999`]) {
      expect(await ask(`events?after=${after}`)).toMatchObject({ status: 409, body: { code: 'reset_required' } });
    }
    expect((await ask(`events?after=${epoch}.${place.stored.length - 1}`)).body).toEqual({ events: [] });
  });

  it('ends when the reader hangs up, and the server goes on', async () => {
    const token = await tokenFor('ada', ['admin']);
    const socket = connect(place.server.port, '127.0.0.1');
    const request = `GET /audit/events?format=ndjson HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`;
    await new Promise<void>((resolve) => socket.write(request, () => resolve()));
    socket.destroy();
    expect((await ask('events?limit=1')).status).toBe(200);
  });
});

describe('GET /audit/streams', () => {
  it('pages through one stream in both directions', async () => {
    const stream = `room-${rooms['demo']}`;
    const all = (await ask(`streams/${stream}`)).body;
    expect(all).toEqual({ stream, events: expect.any(Array) });
    expect(all.events.map(({ revision }) => Number(revision))).toEqual(all.events.map((_event, index) => index));
    const first = (await ask(`streams/${stream}?limit=2`)).body;
    expect(first).toEqual({ stream, events: all.events.slice(0, 2), next: '2' });
    expect((await ask(`streams/${stream}?from=2`)).body.events).toEqual(all.events.slice(2));
    const last = (await ask(`streams/${stream}?direction=backwards&limit=1`)).body;
    expect(last.events).toEqual(all.events.slice(-1));
    const before = (await ask(`streams/${stream}?direction=backwards&from=${last.next}`)).body;
    expect(before).toEqual({ stream, events: all.events.slice(0, -1).toReversed() });
    expect((await ask(`streams/${stream}?from=900`)).body).toEqual({ stream, events: [] });
    expect(linesIn((await ask(`streams/${stream}?format=ndjson`)).text)).toEqual(all.events);
  });

  it.each(['from=-1', 'from=x', 'from=9223372036854775808', 'direction=up', 'limit=1001', 'after=1'])(
    'refuses ?%s',
    async (query) => {
      expect(await ask(`streams/world-demo?${query}`)).toMatchObject({
        status: 400,
        body: { code: 'protocol.invalid' },
      });
    },
  );
});

describe('GET /audit/state', () => {
  it('is what the aggregate was then', async () => {
    const room = rooms['demo'];
    const events = (await ask(`streams/room-${room}`)).body.events;
    const now = await ask(`state/room/${room}`);
    const last = events.at(-1);
    const { revision, position, time: at } = last ?? {};
    expect(now.body).toEqual({ kind: 'room', id: room, revision, position, at, state: { status: 'deleted' } });
    const scheduled = events.find(({ type }) => type === 'RoomScheduleChanged');
    const then = {
      revision: scheduled?.revision,
      state: { config: { name: 'Hall of demo', schedule_data: { title: 'Opening' } } },
    };
    expect((await ask(`state/room/${room}?at=${scheduled?.position}`)).body).toMatchObject(then);
    expect((await ask(`state/room/${room}?at=${scheduled?.time}`)).body).toMatchObject({ kind: 'room', id: room });
    expect((await ask('state/room_directory/demo')).body).toMatchObject({
      state: { rooms: {}, lastPlaces: { [room ?? '']: 1 } },
    });
    expect(await ask(`state/room/${room}?at=2000-01-01T00:00:00Z`)).toMatchObject({ status: 404 });
    expect(await ask(`state/room/${room}?at=then`)).toMatchObject({ status: 400, body: { code: 'protocol.invalid' } });
    expect(await ask(`state/room/${room}?at=x.1`)).toMatchObject({ status: 409, body: { code: 'reset_required' } });
  });
});

describe('who may ask', () => {
  const routes = ['events', 'events?format=ndjson', 'streams/world-demo', 'state/world/demo', 'verify', 'key'];

  it.each(routes)('%s needs a token and world:audit', async (route) => {
    expect(await ask(route, null)).toMatchObject({ status: 401, body: { code: 'auth.missing_token' } });
    expect(await ask(route, 'nonsense')).toMatchObject({ status: 401, body: { code: 'auth.invalid_token' } });
    const late = await tokens.sign({ sub: 'ada', world: 'demo', traits: ['admin'] }, '-1s');
    expect(await ask(route, late)).toMatchObject({ status: 401, body: { code: 'auth.expired_token' } });
    expect(await ask(route, await tokenFor('mia', ['moderator']))).toMatchObject({
      status: 403,
      body: { code: 'auth.denied' },
    });
  });

  it('answers a stream of another world like one that is not there', async () => {
    const there = rooms['other'] ?? '';
    for (const path of [`streams/room-${there}`, `state/room/${there}`, 'streams/world-other', 'state/world/other']) {
      const unknown = path.replace(there, 'nowhere').replace('other', 'nowhere');
      const [foreign, absent] = [await ask(path), await ask(unknown)];
      expect(foreign.status).toBe(404);
      expect(foreign.text).toBe(absent.text);
    }
    const long = encodeURIComponent('€'.repeat(1_000));
    for (const path of [`streams/${long}`, `state/room/${long}`, 'streams/%00', 'state/room/..%2F']) {
      expect(await ask(path)).toMatchObject({ status: 404, body: { code: 'stream.unknown' } });
    }
    expect((await ask('state/nothing/demo')).text).toBe((await ask('state/world/nowhere')).text);
  });

  it('shows nothing of another world anywhere', async () => {
    const { body: verified } = await ask('verify');
    // Whoever asked in the meantime is known to the world since.
    const stored = await eventsOf(place.dataDir);
    const demo = stored.filter(({ metadata }) => metadata.world === 'demo');
    const heads = Buffer.from(verified.heads?.split('.')[1] ?? '', 'base64url').toString();
    const texts = [
      heads,
      ...(await Promise.all(['events', 'events?format=ndjson', 'verify'].map((path) => ask(path)))).map(
        ({ text }) => text,
      ),
    ];
    for (const text of texts) {
      expect(text).toContain(':');
      for (const foreign of [rooms['other'], 'of other', 'world-other', 'worlds/other'])
        expect(text).not.toContain(foreign);
    }
    expect(verified).toMatchObject({
      ok: true,
      events: demo.length,
      streams: new Set(demo.map(({ stream }) => stream)).size,
    });
    const other = await ask('events', await tokenFor('ada', ['admin'], { world: 'other' }));
    expect(other.body.events).toHaveLength(stored.length - demo.length);
  });

  it('tells in errors neither what was sent nor how it is built', async () => {
    const paths = [
      'events?limit=pa55word',
      'streams/pa55word',
      'state/room/pa55word',
      'events?after=pa55word.1',
      'state/pa55word/x',
    ];
    for (const path of paths) {
      const { status, text } = await ask(path);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(text).not.toMatch(/pa55word|\bat .*[/\\]|\.[jt]s\b|Bearer/);
    }
  });
});
