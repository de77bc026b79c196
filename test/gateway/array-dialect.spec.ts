import { afterEach, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { Refused } from '../../src/eventsourcing/refused.js';
import { arrayDialect } from '../../src/gateway/dialects/array.js';
import { MalformedFrame, unread } from '../../src/gateway/dialects/dialect.js';
import { defaultLimits } from '../../src/gateway/limits.js';
import { errorOf, Harness } from './harness.js';

const malformed: readonly (readonly [string, number | string | null, RegExp])[] = [
  ['{', null, /not valid JSON/],
  ['', null, /not valid JSON/],
  ['{"action":"x"}', null, /JSON array/],
  ['"ping"', null, /JSON array/],
  ['null', null, /JSON array/],
  ['[]', null, /empty/],
  ['[null]', null, /first element is the action/],
  ['[5, 7, {}]', 7, /first element is the action/],
  ['["", "x", {}]', 'x', /first element is the action/],
  ['[["ping"], {}]', null, /first element is the action/],
  ['["ping", 1, 2]', null, /ping is/],
  ['["authenticate"]', null, /\["authenticate", {…}\]/],
  ['["authenticate", null]', null, /\["authenticate", {…}\]/],
  ['["authenticate", []]', null, /\["authenticate", {…}\]/],
  ['["authenticate", {}, {}]', null, /\["authenticate", {…}\]/],
  ['["room.enter"]', null, /id of the call, is missing/],
  ['["room.enter", {}]', null, /number or a string/],
  ['["room.enter", null, {}]', null, /number or a string/],
  ['["room.enter", true, {}]', null, /number or a string/],
  ['["room.enter", "", {}]', null, /number or a string/],
  [`["room.enter", "${'x'.repeat(201)}", {}]`, null, /number or a string/],
  ['["room.enter", 1e999, {}]', null, /number is too large/],
  ['["room.enter", 5]', 5, /payload, is missing/],
  ['["room.enter", "a", null]', 'a', /object or an array/],
  ['["room.enter", 5, "x"]', 5, /object or an array/],
  ['["room.enter", 5, {}, 1]', 5, /three elements/],
];

let harness: Harness | undefined;
afterEach(async () => {
  await harness?.stop();
  harness = undefined;
});

describe('the array dialect', () => {
  it.each(malformed)('says what is wrong with %s', (text, id, message) => {
    let thrown: unknown;
    try {
      arrayDialect.decode(text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(MalformedFrame);
    expect(thrown).toMatchObject({
      origin: { id },
      refused: { code: 'protocol.invalid', message: expect.stringMatching(message) },
    });
  });

  it('reads what the contract shows', () => {
    const { decode } = arrayDialect;
    expect(decode('["ping"]')).toMatchObject({ kind: 'ping', payload: undefined });
    expect(decode('["ping", null]')).toMatchObject({ kind: 'ping', payload: null });
    expect(decode('["authenticate", {"token":"t"}]')).toMatchObject({ kind: 'authenticate', payload: { token: 't' } });
    expect(decode('["room.config.reorder", "a", ["r"]]')).toEqual({
      kind: 'call',
      action: 'room.config.reorder',
      id: 'a',
      payload: ['r'],
    });
    expect(decode('["room.enter", -1.5, {}]')).toMatchObject({ id: -1.5, payload: {} });
  });

  it('writes what the contract shows', () => {
    const call = { action: 'x', id: 123 };
    expect(arrayDialect.pong(unread, undefined)).toBe('["pong"]');
    expect(arrayDialect.pong(unread, null)).toBe('["pong",null]');
    expect(arrayDialect.success(call, undefined)).toBe('["success",123,{}]');
    expect(arrayDialect.success(call, [])).toBe('["success",123,[]]');
    expect(arrayDialect.failure(unread, new Refused('a.b', 'No.'))).toBe(
      '["error",null,{"code":"a.b","message":"No."}]',
    );
    expect(arrayDialect.failure({ ...call, id: 'x' }, new Refused('a.b', 'No.', [{ field: 'f', message: 'm' }]))).toBe(
      '["error","x",{"code":"a.b","message":"No.","details":[{"field":"f","message":"m"}]}]',
    );
    expect(arrayDialect.event('room.reaction', { n: 1 })).toBe('["room.reaction",{"n":1}]');
  });
});

/** Frames that are none: cut, spliced or mistyped valid ones, and arbitrary JSON and text. */
const broken = fc
  .oneof(
    fc.constantFrom(...malformed.map(([text]) => text)),
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.json({ maxDepth: 4 }),
    fc.json({ maxDepth: 2 }).map((json) => `["echo",${json}`),
    fc.tuple(fc.jsonValue(), fc.jsonValue(), fc.jsonValue(), fc.jsonValue()).map((frame) => JSON.stringify(frame)),
    fc.integer({ min: 33, max: 5_000 }).map((depth) => `["echo",1,${'['.repeat(depth)}${']'.repeat(depth)}]`),
    fc.constantFrom('__proto__', '\\u005f_proto__').map((key) => `["echo",1,{"${key}":{"a":1}}]`),
  )
  .map((text) => Buffer.from(text).toString());

const isMalformed = (text: string): boolean => {
  try {
    arrayDialect.decode(text);
    return false;
  } catch {
    return true;
  }
};

it('answers thousands of malformed frames with an error each, and stays usable', async () => {
  const { rate: _off, ...limits } = defaultLimits;
  harness = await Harness.start({}, { limits });
  const client = await harness.client('alice');
  const frames = fc.sample(broken, { numRuns: 4_000, seed: 20_260_101 }).filter(isMalformed);
  expect(frames.length).toBeGreaterThan(3_000);
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', note);
  for (let start = 0; start < frames.length; start += 500) {
    const some = frames.slice(start, start + 500);
    client.send(...some, ['echo', start, { start }]);
    const answers = await client.take(some.length);
    expect(answers.map((answer) => [(answer as string[])[0], errorOf(answer).code])).toEqual(
      some.map(() => ['error', 'protocol.invalid']),
    );
    expect(await client.next()).toEqual(['success', start, { start }]);
  }
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
  expect(harness.logged).toEqual([]);
  expect(harness.handler.calls.every((action) => action === 'echo')).toBe(true);
});
