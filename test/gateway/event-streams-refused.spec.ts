import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { CorruptEvent, StoreUnavailable, type EventStore } from '../../src/event-store/event-store.js';
import { formatPosition } from '../../src/event-store/position.js';
import { call, history, Stage } from './event-streams-parts.js';

let stage: Stage;
let hidden: string;
let foreign: string;

beforeAll(async () => {
  stage = await Stage.open();
  hidden = await stage.room('Hidden', false);
  foreign = await stage.room('Foreign', true, 'other');
});

afterEach(() => stage.stopServing());
afterAll(() => stage.close());

const ok = {};

describe('what cannot be followed', () => {
  const refusal = async (payload: object, token = 'ann'): Promise<unknown> => {
    const harness = await stage.serve();
    const { code, details } = (await call(await harness.client(token), 'events.subscribe', payload)) as {
      code: string;
      details?: { field: string; message: string }[];
    };
    return [code, ...(details ?? []).map(({ field, message }) => `${field}: ${message}`)];
  };
  const forms = 'must be world, user:<own id>, room:<id>, meeting:<id>';

  it.each<[what: string, payload: object, field: string]>([
    ['no topics', {}, 'topics'],
    ['a text', { topics: 'world' }, 'topics'],
    ['an empty list', { topics: [] }, 'topics'],
    ['a topic twice', { topics: ['world', 'world'] }, 'topics'],
    ['a number among them', { topics: ['world', 7] }, 'topics'],
    ['101 topics', { topics: Array.from({ length: 101 }, (_none, n) => `room:${n}`) }, 'topics'],
    ['a topic too long', { topics: ['x'.repeat(401)] }, 'topics'],
    ['a number as position', { topics: ['world'], after: 5 }, 'after'],
    ['an empty position', { topics: ['world'], after: '' }, 'after'],
    ['null as position', { topics: ['world'], after: null }, 'after'],
    ['another field', { topics: ['world'], since: 'start' }, 'since'],
  ])('%s: the field at fault', async (_what, payload, field) => {
    expect(await refusal(payload)).toEqual(['protocol.invalid', expect.stringMatching(`^${field}: ${field} `)]);
  });

  it.each([
    'meetings:1',
    'meeting: ',
    'room',
    'room:',
    'room: ',
    'world:demo',
    'constructor',
    'toString:1',
    ':',
    'rooms:1',
    'World',
  ])('the topic %j: what is served', async (topic) => {
    expect(await refusal({ topics: ['world', topic] })).toEqual(['protocol.invalid', `topics: topics[1] ${forms}`]);
  });

  it('a room that is not there, not in sight or of another world, another user', async () => {
    const unknown = 'topics: topics[0]: There is no such room.';
    expect(await refusal({ topics: ['room:nowhere'] })).toEqual(['room.unknown', unknown]);
    expect(await refusal({ topics: [`room:${foreign}`] }, 'adm+admin')).toEqual(['room.unknown', unknown]);
    expect(await refusal({ topics: [`room:${hidden}`] })).toEqual(['protocol.denied', expect.any(String)]);
    expect(await refusal({ topics: ['user:bob'] }, 'adm+admin')).toEqual(['auth.denied', expect.any(String)]);
  });

  it('more than 100 topics on one connection', async () => {
    const harness = await stage.serve();
    const client = await harness.client('adm+admin');
    const made: string[] = [];
    for (let n = 0; n < 100; n++) made.push(await stage.room(`Many ${n}`));
    const topics = made.map((room) => `room:${room}`);
    expect(await call(client, 'events.subscribe', { topics })).toEqual(ok);
    await history(client);
    expect(await call(client, 'events.subscribe', { topics: ['world'] })).toMatchObject({ code: 'protocol.invalid' });
    expect(await call(client, 'events.subscribe', { topics: topics.slice(0, 2) })).toEqual(ok);
  });

  it('a position this log cannot go on from: reset_required', async () => {
    const head = await stage.store.head();
    const { epoch } = stage.store;
    for (const after of [
      formatPosition('5c0ffee0-0000-4000-8000-000000000000', 1n),
      formatPosition(epoch, head + 1n),
      formatPosition(epoch, 10n ** 18n),
      `${epoch}.-1`,
      `${epoch}.01`,
      '12',
      'nonsense',
    ]) {
      expect([after, await refusal({ topics: ['world'], after })]).toEqual([after, ['reset_required']]);
    }
  });
});

/** The log, but reading it fails with these errors first. */
function failing(...errors: Error[]): EventStore {
  return new Proxy(stage.store, {
    get: (store, name) => {
      if (name !== 'readAll') {
        const value: unknown = Reflect.get(store, name, store);
        return typeof value === 'function' ? value.bind(store) : value;
      }
      return (...args: Parameters<EventStore['readAll']>) => {
        const error = errors.shift();
        if (error) throw error;
        return store.readAll(...args);
      };
    },
  });
}

describe('a log that cannot be read', () => {
  it('says reset_required where an event is damaged', async () => {
    const harness = await stage.serve({ store: failing(new CorruptEvent(1n, 'test')) });
    const client = await harness.client('adm+admin');
    await call(client, 'events.subscribe', { topics: ['world'], after: 'start' });
    expect(await client.next()).toEqual(['reset_required', { topics: ['world'] }]);
    expect(harness.connectionOf('adm').subscriptions).toBeUndefined();
  });

  it('is tried again when it was away', async () => {
    const harness = await stage.serve({ store: failing(new StoreUnavailable('away')) });
    const client = await harness.client('adm+admin');
    await call(client, 'events.subscribe', { topics: ['world'], after: 'start' });
    expect((await history(client)).events.length).toBeGreaterThan(10);
  });
});
