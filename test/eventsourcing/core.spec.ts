import { describe, expect, it } from '@jest/globals';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { v5 } from 'uuid';
import { canonicalJson } from '../../src/eventsourcing/canonical.js';
import type { Json, Metadata, NewEvent } from '../../src/eventsourcing/events.js';
import { chain, chainProblem } from '../../src/eventsourcing/hash-chain.js';
import { aggregateId, eventId, uuidv5 } from '../../src/eventsourcing/ids.js';
import { Lru } from '../../src/eventsourcing/lru.js';
import { numbersOf } from '../../src/eventsourcing/refused.js';
import { EventRegistry } from '../../src/eventsourcing/registry.js';
import { recorded } from '../spec/decider-spec.js';

function event(id: string, data: NewEvent['data']): NewEvent {
  const { type, metadata } = recorded({ type: 'Noted', data });
  return { id, type, data, metadata };
}
const withMetadata = <E extends NewEvent>(one: E, over: Partial<Metadata>): E => ({
  ...one,
  metadata: { ...one.metadata, ...over },
});

describe('ids', () => {
  it('are the same for the same decision and differ by world, actor, command, stream, index and decision', () => {
    const one = { world: 'w', actorId: 'a', commandId: 'c', correlationId: 'x', now: '2026-01-01T00:00:00.000Z' };
    const ids = [
      eventId(one, 's', 0),
      eventId(one, 's', 1),
      eventId(one, 't', 0),
      eventId({ ...one, world: 'v' }, 's', 0),
      eventId({ ...one, actorId: 'b' }, 's', 0),
      eventId({ ...one, commandId: 'd' }, 's', 0),
      eventId({ ...one, correlationId: 'y' }, 's', 0),
      eventId({ ...one, now: '2026-01-01T00:00:00.001Z' }, 's', 0),
      aggregateId(one),
    ];
    expect(new Set(ids).size).toBe(ids.length);
    expect(eventId({ ...one }, 's', 0)).toBe(ids[0]);
    expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});

describe('what is written out for speed', () => {
  it('is the UUIDv5 of the uuid package (property)', () => {
    const namespace = '6f0c1f0e-6f4b-5d9a-9f57-8b3f0d2a7c11';
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => expect(uuidv5(name)).toBe(v5(name, namespace))),
      { numRuns: 1_000 },
    );
  });

  it('is the canonical JSON of the canonicalize package, integer-like keys, escapes and exponents included (property)', () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.nat().map(String),
      fc.constantFrom('\u2028', '"\\', '\u007f'),
    );
    const { json } = fc.letrec((tie) => ({
      json: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(null, true, false, 1e21, 1e-7, -0),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        text,
        fc.array(tie('json'), { maxLength: 5 }),
        fc.dictionary(text, tie('json'), { maxKeys: 6 }),
      ),
    }));
    fc.assert(
      fc.property(json, (value) => expect(canonicalJson(value as Json)).toBe(canonicalize(value))),
      { numRuns: 2_000 },
    );
  });

  it('leaves out members that are undefined, as storing them would', () => {
    const value: object = { b: undefined, a: [1, { c: undefined }] };
    expect(canonicalJson(value as Json)).toBe('{"a":[1,{}]}');
  });
});

describe('the hash chain', () => {
  const jsonData = fc
    .dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }))
    .map((data) => JSON.parse(JSON.stringify(data)));

  it('survives storage as JSON and does not depend on the order of keys (property)', () => {
    fc.assert(
      fc.property(fc.array(jsonData, { minLength: 1, maxLength: 4 }), (datas) => {
        let hash = '';
        for (const one of chain(
          '',
          datas.map((data, index) => event(`e${index}`, data)),
        )) {
          const stored: NewEvent = JSON.parse(JSON.stringify(one));
          const { metadata, data, type, id } = stored;
          const reversed = { metadata, data, type, id };
          expect(chainProblem(hash, reversed)).toBeUndefined();
          hash = one.metadata.hash ?? '';
        }
      }),
    );
  });

  it('shows every change', () => {
    const [first, second] = chain('', [event('e1', { n: 1 }), event('e2', { n: 2 })]);
    if (!first || !second) throw new Error('no events');
    const hash = first.metadata.hash ?? '';
    expect(chainProblem(hash, second)).toBeUndefined();
    const changed = [
      { ...second, id: 'e3' },
      { ...second, type: 'Other' },
      { ...second, data: { n: 3 } },
      withMetadata(second, { actorId: 'eve' }),
      withMetadata(second, { at: '2026-01-01T09:00:00.001Z' }),
      withMetadata(second, { hash: 'ff' }),
    ];
    for (const one of changed) expect(chainProblem(hash, one)).toContain('hash');
    expect(chainProblem('', second)).toContain('follow');
    expect(chainProblem(hash, first)).toContain('follow');
  });
});

describe('the event registry', () => {
  const registry = new EventRegistry({
    Noted: { schema: 3, upcasters: { 1: (data) => ({ ...data, b: 1 }), 2: (data) => ({ ...data, c: 2 }) } },
  });
  const stored = (schema: number) => withMetadata(recorded({ type: 'Noted', data: { a: 0 } }), { schema });

  it('brings old events to the current shape, step by step', () => {
    const read = [1, 2, 3].map((schema) => registry.read(stored(schema)).data);
    expect(read).toEqual([{ a: 0, b: 1, c: 2 }, { a: 0, c: 2 }, { a: 0 }]);
  });

  it('refuses what it does not know', () => {
    const good = recorded({ type: 'Noted', data: {} });
    const bad = [
      { ...good, type: 'Unknown' },
      { ...good, data: JSON.parse('"text"') },
      { ...good, metadata: { ...good.metadata, schema: 4 } },
      { ...good, metadata: { ...good.metadata, schema: 0 } },
      { ...good, metadata: { ...good.metadata, world: JSON.parse('null') } },
    ];
    for (const one of bad) expect(() => registry.read(one)).toThrow(/^s-1@0: /);
  });

  it('refuses a gap in upcasters and a type defined twice', () => {
    expect(() => new EventRegistry({ A: { schema: 2 } })).toThrow('lacks the upcaster from schema 1');
    expect(() => new EventRegistry({ A: { schema: 1 } }, { A: { schema: 1 } })).toThrow('defined twice');
  });
});

describe('error numbers', () => {
  it.each([
    ['protocol.invalid', 400, 400, -32602],
    ['auth.expired_token', 401, 401, -32010],
    ['protocol.denied', 403, 403, -32011],
    ['auth.denied', 403, 403, -32011],
    ['room.unknown', 404, 404, -32001],
    ['meeting.unknown', 404, 404, -32001],
    ['config.invalid', 400, 400, -32602],
    ['room.unknown_reaction', 400, 400, -32602],
    ['room.unknown_schedule_data', 400, 400, -32602],
    ['breakout.disabled', 403, 403, -32011],
    ['room.invalid.name_taken', 409, 409, -32002],
    ['concurrency.conflict', 409, 409, -32002],
    ['rate_limited', 429, 705, -32029],
    ['protocol.unknown_command', 404, 404, -32601],
    ['server.unavailable', 503, 503, -32003],
    ['server.fatal', 500, 500, -32603],
  ])('%s', (code, http, envelope, rpc) => {
    expect(numbersOf(code)).toEqual({ http, envelope, rpc });
  });
});

describe('the LRU map', () => {
  it('forgets what was used longest ago', () => {
    const lru = new Lru<string, number>(2);
    lru.set('a', 1);
    lru.set('b', 2);
    lru.get('a');
    lru.set('c', 3);
    expect(['a', 'b', 'c'].map((key) => lru.get(key))).toEqual([1, undefined, 3]);
  });
});
