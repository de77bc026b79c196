import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SignJWT, type JWTPayload } from 'jose';
import { accepted, outcomes, refusedAs, soon } from './outcomes.js';
import { RawSocket } from './raw-socket.js';
import { headOf } from './stored-log.js';
import { connectAs, secret, temporaryServers, type ServerProcess } from './support/server.js';

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;

beforeAll(async () => {
  servers = await temporaryServers();
  server = await servers.start({ env: { RATE_LIMIT: 'off', AUTH_ISSUER: 'https://issuer.example' } });
  await RawSocket.signedIn(server, await sign());
});

afterAll(() => servers.remove());

const key = new TextEncoder().encode(secret);
const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A good token but for what is given; undefined leaves a claim out. */
function sign(claims: JWTPayload = {}, by: Uint8Array = key): Promise<string> {
  const base = { sub: 'alice', world: 'demo', aud: 'convoke', iss: 'https://issuer.example', exp: soon() };
  return new SignJWT({ ...base, ...claims }).setProtectedHeader({ alg: 'HS256' }).sign(by);
}

describe('a token', () => {
  it('that is not good is refused with its code: 4401 after a frame, 401 at the upgrade; nothing is stored', async () => {
    const head = await headOf(servers.dataDir);
    const unsigned = `${base64url({ alg: 'none', typ: 'JWT' })}.${base64url({ sub: 'alice', world: 'demo', aud: 'convoke', exp: soon() })}.`;
    const good = await sign();
    const [header = '', , signature = ''] = good.split('.');
    const changed = `${header}.${base64url({ sub: 'root', world: 'demo', aud: 'convoke', traits: ['admin'] })}.${signature}`;
    const cases: [what: string, token: string, code: string][] = [
      ['expired', await sign({ exp: soon() - 3600 }), 'auth.expired_token'],
      ['audience', await sign({ aud: 'other' }), 'auth.wrong_audience'],
      ['no audience', await sign({ aud: undefined }), 'auth.wrong_audience'],
      ['world', await sign({ world: 'ghost' }), 'auth.wrong_world'],
      ['world of another type', await sign({ world: 5 }), 'auth.invalid_token'],
      ['world name', await sign({ world: '../demo' }), 'auth.invalid_token'],
      ['issuer', await sign({ iss: 'https://other.example' }), 'auth.invalid_token'],
      ['no issuer', await sign({ iss: undefined }), 'auth.invalid_token'],
      ['none', unsigned, 'auth.invalid_token'],
      ['key', await sign({}, new TextEncoder().encode('x'.repeat(32))), 'auth.invalid_token'],
      ['changed', changed, 'auth.invalid_token'],
      ['cut', good.slice(0, -1), 'auth.invalid_token'],
      ['no token', 'nonsense', 'auth.invalid_token'],
      ['long', `${good}${'x'.repeat(20_000)}`.slice(0, 15_000), 'auth.invalid_token'],
      ['digits', await sign({ sub: '12345' }), 'auth.invalid_token'],
      ['no sub', await sign({ sub: undefined }), 'auth.invalid_token'],
      ['empty sub', await sign({ sub: '' }), 'auth.invalid_token'],
      ['uid of digits', await sign({ sub: undefined, uid: '7' }), 'auth.invalid_token'],
      ['zone', await sign({ zoneinfo: 'Mars/Olympus' }), 'auth.invalid_token'],
      ['zone as an offset', await sign({ zoneinfo: '+02:00' }), 'auth.invalid_token'],
      ['traits', await sign({ traits: 'admin' }), 'auth.invalid_token'],
      ['traits of another type', await sign({ traits: [1] }), 'auth.invalid_token'],
      ['profile', await sign({ profile: 'x' }), 'auth.invalid_token'],
      ['not yet', await sign({ nbf: soon() }), 'auth.invalid_token'],
    ];
    for (const [what, token, code] of cases) {
      expect([what, await outcomes(server, token)]).toEqual([what, refusedAs(code)]);
    }
    // A token for this world on the path of another; that one does not come into being.
    expect(await outcomes(server, good, 'ghost')).toEqual(refusedAs('auth.wrong_world'));
    expect(await headOf(servers.dataDir)).toBe(head);
  });

  it('that is good is accepted, with uid for sub, a zone, several audiences, or without an expiry', async () => {
    for (const claims of [
      {},
      { sub: undefined, uid: 'alice' },
      { zoneinfo: 'Europe/Paris' },
      { zoneinfo: 'UTC' },
      { aud: ['other', 'convoke'] },
      { exp: undefined },
      { world: undefined },
      { sub: 'ünï 🎉' },
    ]) {
      expect([claims, await outcomes(server, await sign(claims))]).toEqual([claims, accepted]);
    }
  });

  it('says who its bearer is', async () => {
    const profile = { display_name: 'Ada Ünï', nested: { avatar: [1, null] } };
    const socket = await RawSocket.open(server);
    const token = await sign({ sub: 'ada', profile, email: 'ada@example.org', traits: ['moderator'] });
    const welcome = await socket.ask(['authenticate', { token }]);
    expect(welcome).toEqual([
      'authenticated',
      {
        'user.config': { id: 'ada', profile },
        'world.config': expect.objectContaining({ world: { id: 'demo', title: 'demo' } }),
      },
    ]);
    expect(Object.keys((welcome as [string, Record<string, object>])[1]['world.config'] ?? {}).toSorted()).toEqual([
      'permissions',
      'rooms',
      'world',
    ]);
    // Renewed on the open connection; not for another user, and a bad one ends it.
    expect(await socket.ask(['authenticate', { token: await sign({ sub: 'ada' }) }])).toMatchObject([
      'authenticated',
      {},
    ]);
    expect(await socket.ask(['authenticate', { token: await sign({ sub: 'eve' }) }])).toMatchObject([
      'error',
      null,
      { code: 'protocol.invalid' },
    ]);
    expect(await socket.ask(['authenticate', { token: 'x' }])).toMatchObject([
      'error',
      null,
      { code: 'auth.invalid_token' },
    ]);
    expect((await socket.closed).code).toBe(4401);
  });

  it('that expires cuts its socket off within 5 s, and nothing is done or heard after it', async () => {
    const admin = await RawSocket.signedIn(server, await sign({ traits: ['admin'], sub: 'admin' }));
    const socket = await RawSocket.signedIn(server, await sign({ exp: Math.floor(Date.now() / 1000) + 2 }));
    const expiry = (Math.floor(Date.now() / 1000) + 2) * 1000;
    expect(await socket.closed).toEqual({ code: 4401, reason: 'auth.expired_token' });
    expect(Date.now() - expiry).toBeLessThan(5_000);
    const heard = socket.frames.length;
    await admin.ask(['room.create', 1, { name: 'After' }]);
    expect(socket.frames).toHaveLength(heard);
  });
});

describe('an authenticate frame', () => {
  it('without a token or with the wrong fields is refused', async () => {
    const cases: [payload: object, code: string, closed: boolean][] = [
      [{}, 'auth.missing_token', true],
      [{ token: '' }, 'auth.missing_token', true],
      [{ token: `${'x'.repeat(30_000)}` }, 'auth.invalid_token', true],
      [{ client_id: 'c', invite_token: 'abcdef' }, 'auth.invalid_token', true],
      [{ token: 5 }, 'protocol.invalid', false],
      [{ token: null }, 'protocol.invalid', false],
      [{ client_id: '' }, 'protocol.invalid', false],
      [{ client_id: 7 }, 'protocol.invalid', false],
      [{ token: 'x', admin: true }, 'protocol.invalid', false],
    ];
    for (const [payload, code, closed] of cases) {
      const socket = await RawSocket.open(server);
      expect(await socket.ask(['authenticate', payload])).toMatchObject(['error', null, { code }]);
      const after = closed ? (await socket.closed).code : await socket.ask(['ping', 1]);
      expect([payload, after]).toEqual([payload, closed ? 4401 : ['pong', 1]]);
      socket.ws.terminate();
    }
  });

  it('with a client_id signs in a person known by it alone', async () => {
    const socket = await RawSocket.open(server);
    expect(await socket.ask(['authenticate', { client_id: 'b-1' }])).toMatchObject([
      'authenticated',
      { 'user.config': { id: 'client:b-1', profile: {} } },
    ]);
    expect(await socket.ask(['room.create', 1, { name: 'x' }])).toMatchObject(['error', 1, { code: 'auth.denied' }]);
    // A world nobody with a token has been in is none.
    const nowhere = await RawSocket.open(server, '/ws/world/nowhere');
    expect(await nowhere.ask(['authenticate', { client_id: 'b-1' }])).toMatchObject([
      'error',
      null,
      { code: 'world.unknown' },
    ]);
  });
});

describe('the upgrade', () => {
  it('takes a bearer token only, serves its paths only, and browsers of its origin only', async () => {
    const status = (path: string, headers: Record<string, string> = {}) =>
      RawSocket.open(server, path, { headers }).then(
        () => 101,
        (error: { status?: number }) => error.status,
      );
    const token = await sign();
    expect(await status('/ws/world/demo', { authorization: `bearer ${token}` })).toBe(101);
    expect(await status('/ws/world/demo', { authorization: `Basic ${token}` })).toBe(401);
    expect(await status('/ws/world/demo', { authorization: 'Bearer' })).toBe(401);
    expect(await status('/ws/world/demo', { authorization: '' })).toBe(401);
    for (const path of [
      '/',
      '/ws/world/',
      '/ws/world/a/b',
      '/ws/world/..',
      '/ws/world/%2e%2e',
      `/ws/world/${'x'.repeat(65)}`,
    ]) {
      expect([path, await status(path)]).toEqual([path, 404]);
    }
    expect(await status('/ws/world/%zz')).toBe(400);
    const { host } = new URL(server.url);
    for (const [origin, expected] of [
      [`http://${host}`, 101],
      ['http://evil.example', 403],
      [`http://${host}.evil.example`, 403],
      ['null', 403],
    ] as const) {
      expect([origin, await status('/ws/world/demo', { origin })]).toEqual([origin, expected]);
    }
    // In the URL it signs nobody in.
    const open = await RawSocket.open(server, `/ws/world/demo?token=${token}&access_token=${token}`);
    expect(await open.ask(['room.leave', 1, { room: 'x' }])).toMatchObject([
      'error',
      1,
      { code: 'protocol.unauthenticated' },
    ]);
  });
});

it('traits and roles decide what is allowed', async () => {
  const at = await temporaryServers();
  try {
    const one = await at.start();
    const codes = async (traits: string[]): Promise<string[]> => {
      const client = await connectAs(one, `u-${traits.join('-')}`, traits);
      const calls: [string, object][] = [
        ['room.enter', { room }],
        ['room.schedule', { room, schedule_data: null }],
        ['room.config.get', { room }],
        ['room.config.list', {}],
        ['world.grant', { user: 'x', role: 'viewer' }],
        ['room.create', { name: `by ${traits.join('-')}` }],
      ];
      const answers = calls.map(([action, payload]) =>
        client.call(action, payload).then(
          () => 'yes',
          (error: { code: string }) => error.code,
        ),
      );
      return Promise.all(answers);
    };
    const admin = await connectAs(one, 'admin', ['admin']);
    const { room } = await admin.call<{ room: string }>('room.create', { name: 'Hall' });
    const [room_, world_] = ['protocol.denied', 'auth.denied'];
    expect(await codes([])).toEqual(['yes', room_, room_, world_, world_, world_]);
    expect(await codes(['moderator'])).toEqual(['yes', 'yes', room_, world_, world_, world_]);
    expect(await codes(['admin'])).toEqual(['yes', 'yes', 'yes', 'yes', 'yes', 'yes']);
    expect(await codes(['Admin', 'administrator'])).toEqual(['yes', room_, room_, world_, world_, world_]);
  } finally {
    await at.remove();
  }
});
