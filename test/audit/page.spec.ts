import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fastify from 'fastify';
import { AuditKey } from '../../src/audit/audit-key.js';
import { history, type Step } from '../../src/audit/history.js';
import { batchesOf, pageOf } from '../../src/audit/page.js';
import { Verifier } from '../../src/audit/verifier.js';
import { CorruptEvent } from '../../src/event-store/event-store.js';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import { linesOf } from '../../src/rest/ndjson.js';
import { collect, someEvent } from '../contract/event-store-helpers.js';
import { emptyLog, fillLog, type TestLog } from './logs.js';

let log: TestLog;

beforeEach(async () => {
  log = await emptyLog();
  await fillLog(log.store, 40, 50);
});

afterEach(() => log.remove());

const positions = (events: readonly RecordedEvent[]): bigint[] => events.map(({ position }) => position);

describe('a page', () => {
  it('says where to go on if and only if something follows', async () => {
    const one = (after: bigint, limit: number) => pageOf(history(log.store, {}, { after }), limit);
    const all = positions(await collect(log.store.readAll()));
    expect(await one(-1n, 2_000)).toMatchObject({ events: { length: 2_000 } });
    expect(await one(-1n, 2_000)).not.toHaveProperty('until');
    const page = await one(-1n, 1_999);
    expect(page.until).toBe(all.at(-2));
    expect(positions((await one(page.until ?? 0n, 1_999)).events)).toEqual(all.slice(-1));
    expect(await one(all.at(-1) ?? 0n, 1)).toEqual({ events: [] });
  });

  it('that passes over much answers in time with where it is, and going on finds all', async () => {
    const found: bigint[] = [];
    let pages = 0;
    let after: bigint | undefined = -1n;
    while (after !== undefined) {
      const steps: AsyncGenerator<Step, void> = history(log.store, { actor: 'nobody' }, { after });
      const page = await pageOf(steps, 10, 0);
      found.push(...positions(page.events));
      after = page.until;
      pages += 1;
    }
    expect(found).toEqual([]);
    expect(pages).toBeGreaterThan(2);
  });

  it('ends at the head of its start, however the log grows, and ends when it is told to', async () => {
    const steps = history(log.store, { types: ['HallOpened'] });
    const first = await steps.next();
    await log.store.append('late', 'no_stream', [someEvent('HallOpened')]);
    const rest = (await collect(batchesOf(steps))).flat();
    const events = [...(first.value?.events ?? []), ...rest];
    expect(events.at(-1)?.position).toBeLessThan(2_000n);
    expect(events).toHaveLength(40 * 17);
    const stop = new AbortController();
    const stopped = history(log.store, {}, { signal: stop.signal });
    await stopped.next();
    stop.abort();
    expect(await collect(stopped)).toEqual([]);
  });
});

it('lines that cannot be continued cut the connection: they are never silently short', async () => {
  const app = fastify();
  app.get('/', (_request, reply) => linesOf(reply, failing()));
  async function* failing(): AsyncGenerator<readonly object[], void> {
    for await (const batch of batchesOf(history(log.store, {}))) yield batch.map(({ id }) => ({ id }));
    throw new CorruptEvent(2_000n, 'its checksum differs');
  }
  const response = await fetch(await app.listen({ port: 0, host: '127.0.0.1' }));
  expect(response.status).toBe(200);
  await expect(response.text()).rejects.toThrow('terminated');
  await app.close();
});

describe('a verification', () => {
  const running = (): AbortSignal => new AbortController().signal;

  it('of a world is carried out one at a time', async () => {
    const verifier = new Verifier(log.store, await AuditKey.of(log.dir));
    const first = verifier.verify('demo', running());
    await expect(verifier.verify('demo', running())).rejects.toMatchObject({ code: 'rate_limited' });
    const other = await verifier.verify('other', running());
    expect([await first, other]).toEqual(
      ['demo', 'other'].map(() => ({ ok: true, events: 1_000, streams: 20, heads: expect.any(String) })),
    );
    expect(await verifier.verify('demo', running())).toMatchObject({ ok: true });
  });

  it('tells damage as a problem, without heads', async () => {
    async function* damaged(): AsyncGenerator<RecordedEvent, void> {
      yield* log.store.readAll({ limit: 10 });
      throw new CorruptEvent(10n, 'its checksum differs');
    }
    const store = Object.create(log.store, { readAll: { value: damaged } });
    expect(await new Verifier(store, await AuditKey.of(log.dir)).verify('demo', running())).toEqual({
      ok: false,
      events: 5,
      streams: 1,
      problem: { position: `${log.store.epoch}.10`, reason: 'the stored event is damaged or missing' },
    });
  });
});
