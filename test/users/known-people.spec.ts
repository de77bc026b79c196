import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  openEmbeddedEventStore,
  type EmbeddedEventStore,
} from '../../src/event-store/embedded/embedded-event-store.js';
import { StoreUnavailable, type EventStore } from '../../src/event-store/event-store.js';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import { CommandLoop } from '../../src/eventsourcing/handle.js';
import { EventRegistry } from '../../src/eventsourcing/registry.js';
import type { Session } from '../../src/identity/session.js';
import { KnownPeople } from '../../src/users/known-people.js';
import { users } from '../../src/users/users.js';

const registry = new EventRegistry(users.events);
const nowhere = { reached: () => undefined };

let dir: string;
let store: EmbeddedEventStore;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'convoke-people-'));
  store = await openEmbeddedEventStore({ dir });
});

afterEach(async () => {
  await store.close();
  await rm(dir, { recursive: true });
});

/** The people as a server of its own knows them. */
const server = (log: EventStore = store, live: ConstructorParameters<typeof KnownPeople>[1] = nowhere): KnownPeople =>
  new KnownPeople(new CommandLoop(log, registry), live);

const ann = (over: Partial<Session> = {}): Session => {
  return { userId: 'ann', world: 'demo', traits: [], profile: { display_name: 'Ann' }, ...over };
};

async function events(): Promise<RecordedEvent[]> {
  const all: RecordedEvent[] = [];
  for await (const event of store.readAll()) all.push(event);
  return all;
}

/** The log, telling what is asked of it; `fail` makes appending fail. */
function watched(): { log: EventStore; asked: string[]; fail: (failing: boolean) => void } {
  const asked: string[] = [];
  let failing = false;
  const log = new Proxy<EventStore>(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        asked.push(String(name));
        if (failing) throw new StoreUnavailable('away');
        return Reflect.apply(value, target, args);
      };
    },
  });
  return { log, asked, fail: (now) => (failing = now) };
}

describe('people known to the world', () => {
  it('are recorded once, however often and wherever they sign in at the same time', async () => {
    const servers = [server(), server(), server()];
    await Promise.all(Array.from({ length: 30 }, (_one, n) => servers[n % 3]?.record(ann())));
    await server().record(ann());
    const [recorded, ...more] = await events();
    expect(more).toEqual([]);
    expect(recorded).toMatchObject({
      stream: 'user-demo/ann',
      type: 'UserProfileRecorded',
      data: { userId: 'ann', profile: { display_name: 'Ann' } },
      metadata: { actorId: 'convoke', world: 'demo', action: 'user.record' },
    });
  });

  it('are recorded again for every change, also back to what was said before', async () => {
    const people = server();
    const said: Partial<Session>[] = [
      {},
      { email: 'ann@x.org' },
      { email: 'ann@x.org', zoneinfo: 'Asia/Tokyo' },
      {},
      { email: 'ann@x.org' },
    ];
    for (const one of said) await people.record(ann(one));
    expect((await events()).map(({ data }) => data)).toEqual(
      said.map((one) => ({ userId: 'ann', profile: { display_name: 'Ann' }, traits: [], ...one })),
    );
  });

  it('are not looked up again while what they say stays the same', async () => {
    const { log, asked } = watched();
    const people = server(log);
    await people.record(ann());
    asked.length = 0;
    await people.record(ann({ issuedAt: 2_000, expiresAt: Date.now() }));
    expect(asked).toEqual([]);
    // After a restart one look tells.
    await server(log).record(ann());
    expect(asked).toEqual(['readStream']);
  });

  it('are apart in each world', async () => {
    const people = server();
    await people.record(ann());
    await people.record(ann({ world: 'other' }));
    expect((await events()).map(({ stream, metadata }) => [stream, metadata.world])).toEqual([
      ['user-demo/ann', 'demo'],
      ['user-other/ann', 'other'],
    ]);
  });

  it('are known once it is in the log and this server has read it, not before', async () => {
    const reached: bigint[] = [];
    let arrive = (): void => undefined;
    const people = server(store, {
      reached: (position) => {
        reached.push(position);
        return new Promise((resolve) => (arrive = resolve));
      },
    });
    let known = 0;
    const first = people.record(ann()).then(() => known++);
    while (reached.length === 0) await new Promise((resolve) => setImmediate(resolve));
    const second = people.record(ann()).then(() => known++);
    const [event] = await events();
    const letIn = arrive;
    while (reached.length === 1) await new Promise((resolve) => setImmediate(resolve));
    expect([known, reached]).toEqual([0, [event?.position, event?.position]]);
    letIn();
    arrive();
    await Promise.all([first, second]);
    expect(await events()).toHaveLength(1);
  });

  it('are not let in while the log is away, and are recorded when it is back', async () => {
    const { log, fail } = watched();
    const people = server(log);
    await people.record(ann());
    fail(true);
    await expect(people.record(ann({ userId: 'bob' }))).rejects.toThrow(StoreUnavailable);
    await expect(people.record(ann({ email: 'ann@x.org' }))).rejects.toThrow(StoreUnavailable);
    // Who says nothing new needs no log.
    await people.record(ann());
    fail(false);
    await people.record(ann({ userId: 'bob' }));
    await people.record(ann({ email: 'ann@x.org' }));
    expect((await events()).map(({ data: { userId, email } }) => [userId, email])).toEqual([
      ['ann', undefined],
      ['bob', undefined],
      ['ann', 'ann@x.org'],
    ]);
  });
});
