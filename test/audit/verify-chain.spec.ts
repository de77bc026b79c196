import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AuditKey } from '../../src/audit/audit-key.js';
import { readHeads, signHeads } from '../../src/audit/heads.js';
import { verifyChain } from '../../src/audit/verify-chain.js';
import { CorruptEvent } from '../../src/event-store/event-store.js';
import type { Metadata, RecordedEvent } from '../../src/eventsourcing/events.js';
import { chain } from '../../src/eventsourcing/hash-chain.js';
import { collect } from '../contract/event-store-helpers.js';
import { recorded } from '../spec/decider-spec.js';
import { altered, emptyLog, fillLog, type TestLog } from './logs.js';

const total = 10_000;

let log: TestLog;
let events: RecordedEvent[];

beforeAll(async () => {
  log = await emptyLog();
  await fillLog(log.store, 200, total / 200);
  events = await collect(log.store.readAll());
});

afterAll(() => log.remove());

async function* replay(list: readonly RecordedEvent[]): AsyncGenerator<RecordedEvent, void> {
  yield* list;
}

/** The same events as if somebody had written them so: with hashes that fit. */
function rechained(list: readonly RecordedEvent[]): RecordedEvent[] {
  const hashes = new Map<string, string>();
  return list.map((event) => {
    const [next] = chain(hashes.get(event.stream) ?? '', [event]);
    if (!next) throw new Error('one event was chained');
    hashes.set(event.stream, next.metadata.hash ?? '');
    return next;
  });
}

describe('the chains of a log of 10,000 events', () => {
  it('are intact, and others get their turn meanwhile', async () => {
    let turns = 0;
    let done = false;
    const count = (): void => {
      turns += 1;
      if (!done) setImmediate(count);
    };
    count();
    const report = await verifyChain(log.store.readAll());
    done = true;
    expect(report).toMatchObject({ ok: true, events: total, streams: 200, position: BigInt(total - 1) });
    expect(report.heads).toHaveLength(200);
    expect(turns).toBeGreaterThanOrEqual(Math.floor(total / 512));
  });

  const flipped = (text: string, at: number): string => {
    const index = at % text.length;
    return text.slice(0, index) + (text[index] === 'x' ? 'y' : 'x') + text.slice(index + 1);
  };
  const inMetadata =
    (name: keyof Metadata) =>
    (event: RecordedEvent, at: number): RecordedEvent => {
      const before = event.metadata[name];
      const after = typeof before === 'number' ? before + 1 : flipped(before || '-', at);
      return { ...event, metadata: { ...event.metadata, [name]: after } };
    };
  const names = ['commandId', 'action', 'correlationId', 'causationId', 'actorId', 'world', 'at', 'schema'] as const;
  const changes: [string, (event: RecordedEvent, at: number) => RecordedEvent][] = [
    ['id', (event, at) => ({ ...event, id: flipped(event.id, at) })],
    ['type', (event, at) => ({ ...event, type: flipped(event.type, at) })],
    ['data', (event, at) => ({ ...event, data: { ...event.data, note: flipped(String(event.data['note']), at) } })],
    ['revision', (event, at) => ({ ...event, revision: event.revision + 1n + BigInt(at) })],
    ['position', (event, at) => ({ ...event, position: -2n - BigInt(at) })],
    ...([...names, 'hash', 'prevHash'] as const).map((name): (typeof changes)[number] => [name, inMetadata(name)]),
  ];

  it.each(changes)('name the event whose %s was changed', async (_name, change) => {
    await fc.assert(
      fc.asyncProperty(fc.nat(total - 1), fc.nat(99), async (index, at) => {
        const target = events[index];
        if (!target) throw new Error('there is such an event');
        const read = altered(log.store.readAll(), (event) =>
          event.position === target.position ? change(event, at) : event,
        );
        const { ok, problem } = await verifyChain(read);
        expect(ok).toBe(false);
        const { id, stream, revision, position } = change(target, at);
        expect(problem).toEqual({ id, stream, revision, position, reason: expect.any(String) });
      }),
      { numRuns: 2 },
    );
  });

  it('name the event before which another was taken out', async () => {
    const gone = events[4_321];
    const next = events.find(({ stream, revision }) => stream === gone?.stream && revision === gone.revision + 1n);
    const { problem } = await verifyChain(replay(events.filter((event) => event !== gone)));
    expect(problem).toMatchObject({
      id: next?.id,
      reason: `revision ${next?.revision} follows revision ${(gone?.revision ?? 0n) - 1n}`,
    });
  });

  it('are looked at in one world alone, also where an event pretends to be of another', async () => {
    const report = await verifyChain(log.store.readAll(), { world: 'other' });
    expect(report).toMatchObject({ ok: true, events: total / 2, streams: 100 });
    expect(report.heads.every(({ stream }) => Number(stream.slice(5)) % 2 === 1)).toBe(true);
    const target = events.find(({ revision, metadata }) => revision === 20n && metadata.world === 'other');
    const moved = (event: RecordedEvent): RecordedEvent =>
      event.id === target?.id ? { ...event, metadata: { ...event.metadata, world: 'demo' } } : event;
    const found = await verifyChain(altered(log.store.readAll(), moved), { world: 'other' });
    expect(found.problem).toMatchObject({ id: target?.id, reason: 'its hash does not fit its content' });
  });

  it('may be missing: write-only streams have none, and retention takes their beginning', async () => {
    const plain = [5n, 6n, 7n].map((revision) => {
      const { hash: _hash, prevHash: _prevHash, ...metadata } = recorded({ type: 'Reacted', data: {} }).metadata;
      return recorded({ type: 'Reacted', data: {} }, { stream: 'reactions-1', revision, position: revision, metadata });
    });
    expect(await verifyChain(replay(plain))).toMatchObject({ ok: true, events: 3, heads: [] });
    const { problem } = await verifyChain(replay(plain.filter(({ revision }) => revision !== 6n)));
    expect(problem).toMatchObject({ revision: 7n, reason: 'revision 7 follows revision 5' });
  });

  it('tell damage the store found, and never what the store said of it', async () => {
    async function* damaged(): AsyncGenerator<RecordedEvent, void> {
      for await (const event of log.store.readAll({ limit: 500 })) yield event;
      throw new CorruptEvent(500n, 'the index has secret-stream 3 there');
    }
    const { ok, events: checked, problem } = await verifyChain(damaged());
    expect({ ok, checked, problem }).toEqual({
      ok: false,
      checked: 500,
      problem: { position: 500n, reason: 'the stored event is damaged or missing' },
    });
    const closed = await emptyLog();
    await closed.remove();
    await expect(verifyChain(closed.store.readAll())).rejects.toThrow('closed');
  });
});

describe('signed heads', () => {
  let known: Awaited<ReturnType<typeof readHeads>>;
  let jws: string;
  let key: AuditKey;

  beforeAll(async () => {
    key = await AuditKey.of(log.dir);
    jws = await signHeads(key, await verifyChain(log.store.readAll()), log.store.epoch);
    known = await readHeads(`${jws}\n`, key.publicJwk);
  });

  it('hold as long as the log only grows', async () => {
    const grown = rechained([
      ...events,
      ...events.map((event) => ({
        ...event,
        revision: event.revision + BigInt(total / 200),
        position: event.position + BigInt(total),
      })),
    ]);
    expect(await verifyChain(replay(grown), { known: known.heads })).toMatchObject({ ok: true, events: 2 * total });
  });

  it('find a history whose chain was computed anew', async () => {
    const target = events[1_234];
    const rewritten = rechained(events.map((event) => (event === target ? { ...event, data: {} } : event)));
    expect(await verifyChain(replay(rewritten))).toMatchObject({ ok: true });
    const { problem } = await verifyChain(replay(rewritten), { known: known.heads });
    expect(problem).toMatchObject({ stream: target?.stream, reason: 'its hash is not the one of the signed head' });
  });

  it('find a cut tail, a stream that is gone, and one that lost its chain', async () => {
    const head = events.at(-1);
    const missing = {
      stream: head?.stream,
      revision: head?.revision,
      reason: 'the event of the signed head is missing',
    };
    expect((await verifyChain(replay(events.slice(0, -1)), { known: known.heads })).problem).toEqual(missing);
    const without = events.filter(({ stream }) => stream !== head?.stream);
    expect((await verifyChain(replay(without), { known: known.heads })).problem).toEqual(missing);
    const bare = events.map((event) => {
      const { hash: _hash, prevHash: _prevHash, ...metadata } = event.metadata;
      return event.stream === head?.stream ? { ...event, metadata } : event;
    });
    expect((await verifyChain(replay(bare))).ok).toBe(true);
    expect((await verifyChain(replay(bare), { known: known.heads })).problem).toMatchObject({ stream: head?.stream });
  });

  it('are refused when they were changed, signed by another key or are no heads', async () => {
    const other = await emptyLog();
    const stranger = await AuditKey.of(other.dir);
    await other.remove();
    await expect(readHeads(jws, stranger.publicJwk)).rejects.toThrow('not signed with this key');
    const [header = '', payload = '', signature = ''] = jws.split('.');
    const edited = Buffer.from(Buffer.from(payload, 'base64url').toString().replace('hall-1', 'hall-2')).toString(
      'base64url',
    );
    await expect(readHeads([header, edited, signature].join('.'), key.publicJwk)).rejects.toThrow('changed since');
    await expect(readHeads('no heads', key.publicJwk)).rejects.toThrow('not signed with this key');
    await expect(readHeads(await key.sign({ at: 'x', heads: [] }, 'else'), key.publicJwk)).rejects.toThrow(
      'no document of heads',
    );
    await expect(readHeads(await key.sign({}, 'convoke-heads+jws'), key.publicJwk)).rejects.toThrow('holds no heads');
  });

  it('are signed with a key that is made once', async () => {
    const again = await AuditKey.of(log.dir);
    expect(again.publicJwk).toEqual(key.publicJwk);
    expect(key.publicJwk).toEqual({
      kty: 'OKP',
      crv: 'Ed25519',
      x: expect.any(String),
      alg: 'EdDSA',
      use: 'sig',
      kid: expect.any(String),
    });
  });
});
