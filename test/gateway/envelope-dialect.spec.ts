import { afterEach, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { Refused } from '../../src/eventsourcing/refused.js';
import { arrayDialect } from '../../src/gateway/dialects/array.js';
import { type Frame, MalformedFrame, type Welcome } from '../../src/gateway/dialects/dialect.js';
import { envelopeDialect } from '../../src/gateway/dialects/envelope.js';
import { socketIoDialect } from '../../src/gateway/dialects/socket-io.js';
import { defaultLimits } from '../../src/gateway/limits.js';
import { Harness } from './harness.js';

/** Text, the endpoint and id that could be read, and what the message says. */
const malformed: readonly (readonly [string, string, number | string | null, RegExp])[] = [
  ['{', '', null, /not valid JSON/],
  ['', '', null, /not valid JSON/],
  ['[]', '', null, /JSON object/],
  ['"ping"', '', null, /JSON object/],
  ['null', '', null, /JSON object/],
  ['{}', '', null, /^endpoint must be/],
  ['{"endpoint":5,"event":{"id":7}}', '', 7, /^endpoint must be/],
  ['{"endpoint":"","event":{"id":"x"}}', '', 'x', /^endpoint must be/],
  [`{"endpoint":"${'x'.repeat(201)}","event":{"id":1}}`, '', 1, /^endpoint must be/],
  ['{"endpoint":"room.enter","event":{"id":7},"extra":1}', 'room.enter', 7, /^extra is not a field/],
  ['{"endpoint":"room.enter","event":{"id":7},"error":{}}', 'room.enter', 7, /^error is not a field/],
  ['{"endpoint":"room.enter","data":{}}', 'room.enter', null, /^event must be an object/],
  ['{"endpoint":"room.enter","event":null}', 'room.enter', null, /^event must be an object/],
  ['{"endpoint":"room.enter","event":[1]}', 'room.enter', null, /^event must be an object/],
  ['{"endpoint":"room.enter","event":{}}', 'room.enter', null, /^event\.id must be/],
  ['{"endpoint":"room.enter","event":{"id":null}}', 'room.enter', null, /^event\.id must be/],
  ['{"endpoint":"room.enter","event":{"id":""}}', 'room.enter', null, /^event\.id must be/],
  ['{"endpoint":"room.enter","event":{"id":true}}', 'room.enter', null, /^event\.id must be/],
  ['{"endpoint":"room.enter","event":{"id":9007199254740993}}', 'room.enter', null, /^event\.id must be/],
  ['{"endpoint":"room.enter","event":{"id":1,"date":"yesterday"}}', 'room.enter', 1, /^event\.date must be/],
  ['{"endpoint":"room.enter","event":{"id":1,"date":"2026-03-01T10:00:00"}}', 'room.enter', 1, /^event\.date must be/],
  ['{"endpoint":"room.enter","event":{"id":1,"date":null}}', 'room.enter', 1, /^event\.date must be/],
  ['{"endpoint":"room.enter","event":{"id":1,"position":"x"}}', 'room.enter', 1, /^event\.position is not a field/],
  ['{"endpoint":"room.enter","event":{"id":1},"data":null}', 'room.enter', 1, /^data must be/],
  ['{"endpoint":"room.enter","event":{"id":1},"data":"x"}', 'room.enter', 1, /^data must be/],
  ['{"endpoint":"room.enter","event":{"id":1},"data":{"__proto__":1}}', '', null, /__proto__/],
  ['{"endpoint":"authenticate","data":"x"}', 'authenticate', null, /^data must be/],
  ['{"endpoint":"authenticate","event":{"id":[]},"data":{}}', 'authenticate', null, /^event\.id must be/],
  ['{"endpoint":"ping","event":5}', 'ping', null, /^event must be an object/],
];

/** What a decoder throws. */
function thrownBy(decode: () => Frame): unknown {
  try {
    return decode();
  } catch (error) {
    return error;
  }
}

describe('the envelope dialect', () => {
  it.each(malformed)('says what is wrong with %s', (text, action, id, message) => {
    const thrown = thrownBy(() => envelopeDialect.decode(text));
    expect(thrown).toBeInstanceOf(MalformedFrame);
    const refused = { code: 'protocol.invalid', message: expect.stringMatching(message) };
    expect(thrown).toMatchObject({ origin: { action, id }, refused });
  });

  it('reads what the contract shows', () => {
    const { decode } = envelopeDialect;
    const call = '{"endpoint":"meeting:getMeeting","data":{"meetingId":"m"},"event":{"id":"e-1","date":1767225600000}}';
    expect(decode(call)).toEqual({
      kind: 'call',
      action: 'meeting:getMeeting',
      id: 'e-1',
      payload: { meetingId: 'm' },
      commandId: 'e-1',
    });
    expect(decode('{"endpoint":"a","event":{"id":7,"date":"2026-03-01T10:00:00+05:45"}}')).toMatchObject({
      id: 7,
      payload: {},
      commandId: '7',
    });
    expect(decode('{"endpoint":"a","event":{"id":1},"data":["r"]}')).toMatchObject({ payload: ['r'] });
    expect(decode('{"endpoint":"ping"}')).toEqual({ kind: 'ping', action: 'ping', id: null, payload: undefined });
    expect(decode('{"endpoint":"ping","data":5,"event":{"id":3}}')).toMatchObject({ kind: 'ping', id: 3, payload: 5 });
    expect(decode('{"endpoint":"ping","event":{"date":5}}')).toMatchObject({ kind: 'ping', id: null });
    expect(decode('{"endpoint":"authenticate","data":{"token":"t"},"event":{}}')).toEqual({
      kind: 'authenticate',
      action: 'authenticate',
      id: null,
      payload: { token: 't' },
    });
  });

  it('writes what the contract shows', () => {
    const call = { action: 'a', id: 'e' };
    const none = { status: false, code: 0, message: '' };
    const read = (text: string | undefined): unknown => JSON.parse(text ?? '');
    expect(envelopeDialect.success(call, { x: 1 }, 'p:1')).toBe(
      '{"endpoint":"a","event":{"id":"e","position":"p:1"},"data":{"x":1},"error":{"status":false,"code":0,"message":""}}',
    );
    for (const empty of [undefined, {}]) {
      expect(read(envelopeDialect.success(call, empty))).toEqual({ endpoint: 'a', event: { id: 'e' }, error: none });
    }
    expect(read(envelopeDialect.success(call, []))).toMatchObject({ data: [] });
    expect(read(envelopeDialect.pong({ action: 'ping', id: null }, {}))).toEqual({
      endpoint: 'ping',
      event: { id: null },
      data: {},
      error: none,
    });
    expect(read(envelopeDialect.event('x:onY', { n: 1 }))).toEqual({ endpoint: 'x:onY', data: { n: 1 }, error: none });
    const codes = { rate_limited: 705, 'room.unknown': 404, 'config.invalid': 400, 'a.b': 409, 'auth.denied': 403 };
    for (const [code, number] of Object.entries(codes)) {
      const error = { status: true, code: number, message: 'No.' };
      const refused = new Refused(code, 'No.', [{ field: 'f', message: 'm' }]);
      expect(read(envelopeDialect.failure(call, refused))).toEqual({ endpoint: 'a', event: { id: 'e' }, error });
    }
  });
});

/** What each dialect makes of the same facts. */
describe('the welcome', () => {
  const session = {
    userId: 'ada',
    world: 'demo',
    traits: [],
    profile: { display_name: 'Ada King Lovelace' },
    email: 'ada@example.org',
  };
  const config = { world: { id: 'demo', title: 'Demo days' }, permissions: ['world:view'], rooms: [] };
  const welcome: Welcome = { session, title: 'Demo days', permissions: ['world:view'], config: () => config };
  const userInfo = {
    user: {
      id: 'ada',
      firstName: 'Ada King',
      lastName: 'Lovelace',
      privacyMode: 0,
      avatar: '',
      companyName: '',
      companyTitle: '',
      email: 'ada@example.org',
      permissions: ['world:view'],
    },
    network: { id: 'demo', fullName: 'Demo days' },
  };

  it('is what the clients of each dialect expect', () => {
    expect(arrayDialect.welcome(welcome)).toEqual({
      'user.config': { id: 'ada', profile: session.profile },
      'world.config': config,
    });
    for (const dialect of [envelopeDialect, socketIoDialect]) expect(dialect.welcome(welcome)).toEqual(userInfo);
  });

  it('has an empty email where there is none', () => {
    const { email: _none, ...without } = session;
    const user = { ...userInfo.user, email: '' };
    expect(envelopeDialect.welcome({ ...welcome, session: without })).toEqual({ ...userInfo, user });
  });
});

describe('timestamps', () => {
  const body = { at: new Date(1_767_225_600_123), list: [{ at: new Date(0) }], text: '2026-01-01T00:00:00.000Z', n: 5 };
  const call = { action: 'a', id: 1 };
  const told = { at: '2026-01-01T00:00:00.123Z', list: [{ at: '1970-01-01T00:00:00.000Z' }], text: body.text, n: 5 };
  const inEpoch = { ...told, at: 1_767_225_600_123, list: [{ at: 0 }] };

  it.each([arrayDialect, envelopeDialect, socketIoDialect])(
    'are RFC 3339 with milliseconds, or epoch milliseconds where that was asked for: $name',
    (dialect) => {
      const bodyOf = (text: string): unknown => {
        const parsed: unknown = JSON.parse(text.replace(/^\d+/, ''));
        const [, second, third] = Array.isArray(parsed) ? parsed : [];
        return third ?? second?.data ?? second ?? (parsed as { data: unknown }).data;
      };
      for (const deprecated of [false, true]) {
        for (const epoch of [false, true]) {
          const variant = dialect.with({ epoch, deprecated });
          const expected = epoch ? inEpoch : told;
          expect(bodyOf(variant.success(call, body))).toEqual(expected);
          expect(bodyOf(variant.event('e', body))).toEqual(expected);
          expect([variant.deprecated, variant.name]).toEqual([deprecated, dialect.name]);
          // One object for all who chose the same, so that a broadcast is encoded once for them.
          expect(variant.with({ epoch, deprecated })).toBe(variant);
        }
      }
      expect(dialect.with({ epoch: false, deprecated: false })).toBe(dialect);
    },
  );
});

let harness: Harness | undefined;
afterEach(async () => {
  await harness?.stop();
  harness = undefined;
});

const path = '/ws/network/demo';
const signedIn = { endpoint: 'user_info', data: { user: 'alice' }, error: { status: false, code: 0, message: '' } };
const failed = (endpoint: string, id: unknown, code: number, message: unknown = expect.any(String)): object => ({
  endpoint,
  ...(endpoint !== 'invalidConnection' && { event: { id } }),
  error: { status: true, code, message },
});

describe('a socket that speaks it', () => {
  it('may ping and authenticate before it has signed in, and is closed with 4401 after invalidConnection', async () => {
    harness = await Harness.start();
    const client = await harness.client(undefined, {}, path);
    client.send({ endpoint: 'ping', data: { at: 1 }, event: { id: 'p' } }, { endpoint: 'echo', event: { id: 7 } });
    expect(await client.take(2)).toEqual([
      { endpoint: 'ping', event: { id: 'p' }, data: { at: 1 }, error: signedIn.error },
      failed('echo', 7, 401, 'Authenticate first.'),
    ]);
    client.send({ endpoint: 'authenticate', data: { token: 5 }, event: { id: 'a' } });
    expect(await client.next()).toEqual(failed('authenticate', 'a', 400));
    client.send({ endpoint: 'authenticate', data: { token: 'down' } });
    expect(await client.next()).toEqual(failed('authenticate', null, 503));
    client.send({ endpoint: 'authenticate', data: { token: 'alice' } });
    expect(await client.next()).toEqual(signedIn);
    client.send({ endpoint: 'authenticate', data: { token: 'bad' } });
    expect(await client.next()).toEqual(failed('invalidConnection', null, 401));
    expect(await client.closed).toEqual({ code: 4401, reason: 'auth.invalid_token' });
  });

  it('gets its position, its id on a failure and a rate limit with its own number', async () => {
    harness = await Harness.start({ rate: { framesPerSecond: 1, burst: 4, socketsPerUser: 50 } });
    const client = await harness.client('alice', {}, path);
    client.send(
      { endpoint: 'done', data: { a: 1 }, event: { id: 'x' } },
      { endpoint: 'refuse', event: { id: 2 } },
      { endpoint: 'crash', event: { id: 3 } },
      { endpoint: 'join', data: { topic: 't' }, event: { id: 4 } },
      { endpoint: 'echo', event: { id: 5 } },
    );
    expect(await client.take(5)).toEqual([
      { endpoint: 'done', event: { id: 'x', position: 'epoch:7' }, data: { a: 1 }, error: signedIn.error },
      failed('refuse', 2, 400, 'No.'),
      failed('crash', 3, 500, 'Something went wrong on the server.'),
      { endpoint: 'join', event: { id: 4 }, error: signedIn.error },
      failed('echo', 5, 705),
    ]);
  });

  it('answers thousands of malformed frames with an error each, and stays usable', async () => {
    const { rate: _off, ...limits } = defaultLimits;
    harness = await Harness.start({}, { limits });
    const client = await harness.client('alice', {}, path);
    const frames = fc
      .sample(broken, { numRuns: 2_000, seed: 20_260_202 })
      .filter((text) => thrownBy(() => envelopeDialect.decode(text)) instanceof MalformedFrame);
    expect(frames.length).toBeGreaterThan(1_500);
    for (let start = 0; start < frames.length; start += 500) {
      const some = frames.slice(start, start + 500);
      client.send(...some, { endpoint: 'echo', data: { start }, event: { id: start } });
      const answers = (await client.take(some.length)) as { error: { status: boolean; code: number } }[];
      expect(answers.filter(({ error }) => !(error.status && error.code === 400))).toEqual([]);
      expect(await client.next()).toMatchObject({ endpoint: 'echo', event: { id: start }, data: { start } });
    }
    expect(harness.logged).toEqual([]);
  });
});

const broken = fc
  .oneof(
    fc.constantFrom(...malformed.map(([text]) => text)),
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.json({ maxDepth: 4 }),
    fc
      .record({ endpoint: fc.jsonValue(), data: fc.jsonValue(), event: fc.jsonValue() }, { requiredKeys: [] })
      .map((frame) => JSON.stringify(frame)),
    fc.record({ id: fc.jsonValue(), date: fc.jsonValue() }).map((event) => JSON.stringify({ endpoint: 'echo', event })),
    fc.integer({ min: 33, max: 5_000 }).map((depth) => `{"endpoint":"echo","data":${'['.repeat(depth)}`),
  )
  .map((text) => Buffer.from(text).toString());
