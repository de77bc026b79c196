import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  openEmbeddedEventStore,
  type EmbeddedEventStore,
} from '../../src/event-store/embedded/embedded-event-store.js';
import { WrongExpectedRevision, type EventStore } from '../../src/event-store/event-store.js';
import type { CommandContext, Decider } from '../../src/eventsourcing/decider.js';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import { CommandLoop, NotResent } from '../../src/eventsourcing/handle.js';
import { chainProblem } from '../../src/eventsourcing/hash-chain.js';
import { Refused } from '../../src/eventsourcing/refused.js';
import { EventRegistry } from '../../src/eventsourcing/registry.js';
import { alice } from '../spec/decider-spec.js';

type Added = { type: 'Added'; data: { by: number; total: number } };
type Add = { readonly type: 'Add'; readonly id: string; readonly by: number };

/** A counter that never exceeds 1,000. */
const counters: Decider<number, Add, Added> = {
  category: 'counter',
  events: { Added: { schema: 1 } },
  initial: 0,
  streamOf: ({ id }) => id,
  evolve: (total, event) => total + event.data.by,
  decide: ({ by }, total) => {
    if (total + by > 1000) throw new Refused('counter.full');
    return [{ type: 'Added', data: { by, total: total + by } }];
  },
};

const add = (by: number): Add => ({ type: 'Add', id: 'a', by });
const as = (commandId: string, over: Partial<CommandContext> = {}): CommandContext => ({
  ...alice,
  commandId,
  ...over,
});
const registry = new EventRegistry(counters.events);

let dir: string;
let store: EmbeddedEventStore;
let loop: CommandLoop;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'convoke-handle-'));
  store = await openEmbeddedEventStore({ dir });
  loop = new CommandLoop(store, registry);
});

afterEach(async () => {
  await store.close();
  await rm(dir, { recursive: true });
});

async function all(): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for await (const event of store.readStream('counter-a')) events.push(event);
  return events;
}

describe('handle', () => {
  it('appends what was decided, with metadata and an unbroken hash chain', async () => {
    await loop.handle(counters, add(1), as('c1'));
    const { state, revision, position } = await loop.handle(counters, add(2), as('c2'));
    const events = await all();
    expect({ state, revision, position }).toEqual({ state: 3, revision: 1n, position: events[1]?.position });
    let hash = '';
    for (const event of events) {
      expect(chainProblem(hash, event)).toBeUndefined();
      hash = event.metadata.hash ?? '';
    }
    const { now: at, ...who } = as('c2');
    expect(events[1]?.metadata).toMatchObject({ ...who, at, schema: 1 });
  });

  it('answers a resend with the first success and appends nothing, in this process and in the next', async () => {
    const first = await loop.handle(counters, add(1), as('c1'));
    await loop.handle(counters, add(5), as('c2'));
    for (const again of [loop, new CommandLoop(store, registry)]) {
      expect(await again.handle(counters, add(99), as('c1'))).toEqual(first);
    }
    expect(await all()).toHaveLength(2);
  });

  it('answers the same id given many times at once with one effect', async () => {
    const loops = [loop, new CommandLoop(store, registry)];
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_one, index) => loops[index % 2]?.handle(counters, add(1), as('c1'))),
    );
    expect(new Set(answers.map((answer) => answer?.revision))).toEqual(new Set([0n]));
    expect(await all()).toHaveLength(1);
  });

  it('refuses the id of another action, and takes the same id from another user', async () => {
    await loop.handle(counters, add(1), as('c1'));
    await expect(loop.handle(counters, add(1), as('c1', { action: 'other' }))).rejects.toMatchObject({
      code: 'protocol.invalid',
    });
    await loop.handle(counters, add(1), as('c1', { actorId: 'bob' }));
    expect(new Set((await all()).map(({ id }) => id)).size).toBe(2);
  });

  it('decides a refused command anew', async () => {
    await loop.handle(counters, add(1000), as('c1'));
    await expect(loop.handle(counters, add(1), as('c2'))).rejects.toMatchObject({ code: 'counter.full' });
    await loop.handle(counters, add(-10), as('c3'));
    expect((await loop.handle(counters, add(1), as('c2'))).state).toBe(991);
  });

  it('lets 50 commands of one process through without a conflict, in order', async () => {
    const done = await Promise.all(
      Array.from({ length: 50 }, (_one, index) => loop.handle(counters, add(1), as(`c${index}`))),
    );
    expect(done.map(({ revision }) => revision)).toEqual(Array.from({ length: 50 }, (_one, index) => BigInt(index)));
  });

  it('reads on and decides again when another process was faster', async () => {
    const other = new CommandLoop(store, registry);
    await loop.handle(counters, add(1), as('c1'));
    await other.handle(counters, add(10), as('c2'));
    expect((await loop.handle(counters, add(100), as('c3'))).state).toBe(111);
  });

  it('never refuses on a state that another process has moved on from', async () => {
    const other = new CommandLoop(store, registry);
    await loop.handle(counters, add(1000), as('c1'));
    await other.handle(counters, add(-500), as('c2'));
    expect((await loop.handle(counters, add(400), as('c3'))).state).toBe(900);
  });

  it('keeps the chain when two processes carry out one command at the same moment', async () => {
    const other = new CommandLoop(store, registry);
    await Promise.all([loop.stateOf(counters, 'a'), other.stateOf(counters, 'a')]);
    const [first, second] = await Promise.all([
      loop.handle(counters, add(1), as('c1', { now: '2026-01-01T00:00:00.000Z' })),
      other.handle(counters, add(1), as('c1', { now: '2026-01-01T00:00:00.001Z' })),
    ]);
    expect(second).toMatchObject({ revision: first.revision, state: first.state });
    // Whichever was second must not go on from what it would have written.
    await other.handle(counters, add(1), as('c2'));
    await loop.handle(counters, add(1), as('c3'));
    let hash = '';
    for (const event of await all()) {
      expect(chainProblem(hash, event)).toBeUndefined();
      hash = event.metadata.hash ?? '';
    }
  });

  it('gives up after 3 tries, and at once when the client gave a revision', async () => {
    let tries = 0;
    const busy: EventStore = Object.create(store, {
      append: {
        value: async (stream: string) => {
          tries++;
          throw new WrongExpectedRevision(stream, 0n, 1n);
        },
      },
    });
    await expect(new CommandLoop(busy, registry).handle(counters, add(1), as('c1'))).rejects.toMatchObject({
      code: 'concurrency.conflict',
    });
    expect(tries).toBe(3);
    await loop.handle(counters, add(1), as('c1'));
    await expect(loop.handle(counters, add(1), as('c2'), { expected: 5n })).rejects.toMatchObject({
      code: 'concurrency.conflict',
    });
    await loop.handle(counters, add(1), as('c2'), { expected: 0n });
  });

  it('only answers a resend when that is all it is asked for', async () => {
    await expect(loop.handle(counters, add(1), as('c1'), { onlyResend: true })).rejects.toBeInstanceOf(NotResent);
    const first = await loop.handle(counters, add(1), as('c1'));
    expect(await loop.handle(counters, add(1), as('c1'), { onlyResend: true })).toEqual(first);
    expect(await loop.resent(counters, 'a', as('c1'))).toEqual(first);
    expect(await loop.resent(counters, 'a', as('c2'))).toBeUndefined();
  });

  it('knows the state at a position', async () => {
    const first = await loop.handle(counters, add(1), as('c1'));
    await loop.handle(counters, add(2), as('c2'));
    expect(await loop.stateOf(counters, 'a', first.position)).toBe(1);
    expect(await loop.stateOf(counters, 'a')).toBe(3);
    expect(await loop.stateOf(counters, 'unknown')).toBe(0);
  });
});
