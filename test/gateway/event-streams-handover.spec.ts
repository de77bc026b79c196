import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatPosition } from '../../src/event-store/position.js';
import { mayFollow } from './event-oracle.js';
import type { EventStore } from '../../src/event-store/event-store.js';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import type { LiveLog } from '../../src/gateway/live-log.js';
import { call, history, idsOf, Stage, type CloudBody, type Message } from './event-streams-parts.js';
import type { Client, Harness } from './harness.js';

const roomNames = ['a', 'b'];
let stage: Stage;
let rooms: string[];

beforeAll(async () => {
  stage = await Stage.open();
  rooms = [];
  for (const name of roomNames) rooms.push(await stage.room(name));
});

afterEach(() => stage.stopServing());
afterAll(() => stage.close());

/** One who follows topics over many connections, each going on where the last one was cut. */
class Resuming {
  readonly events: CloudBody[] = [];
  readonly problems: string[] = [];
  #ws: { terminate(): void } | undefined;
  /** Grows with every cut, so that a connection that opens after one knows. */
  #cuts = 0;
  #position: string;
  #caughtUp: () => void = () => {};

  constructor(
    private readonly harness: Harness,
    readonly topics: readonly string[],
    position: string,
  ) {
    this.#position = position;
  }

  /** Resolves when caught up, or when it is cut before. */
  async resume(): Promise<void> {
    this.cut();
    const cuts = this.#cuts;
    const { ws } = await this.harness.client('adm+admin');
    const isCurrent = (): boolean => this.#cuts === cuts;
    if (!isCurrent()) return ws.terminate();
    this.#ws = ws;
    const caughtUp = new Promise<void>((resolve) => (this.#caughtUp = resolve));
    ws.on('message', (data) => {
      if (!isCurrent()) return;
      const [name, body] = JSON.parse(String(data)) as Message;
      if (name === 'event') this.events.push(body as CloudBody);
      else if (name === 'error') this.problems.push(JSON.stringify(body));
      if (name === 'event' || name === 'caught_up') this.#position = (body as CloudBody).position;
      if (name === 'caught_up' || name === 'error') this.#caughtUp();
    });
    ws.send(JSON.stringify(['events.subscribe', 1, { topics: this.topics, after: this.#position }]));
    return caughtUp;
  }

  cut(): void {
    this.#cuts++;
    this.#ws?.terminate();
    this.#caughtUp();
  }
}

type Step =
  | { readonly do: 'write'; readonly room: number; readonly count: number }
  | { readonly do: 'burst'; readonly count: number }
  | { readonly do: 'resume'; readonly who: number }
  | { readonly do: 'cut'; readonly who: number }
  | { readonly do: 'turn'; readonly turns: number };

const who = fc.nat({ max: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('write' as const), room: fc.nat({ max: 1 }), count: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ do: fc.constant('burst' as const), count: fc.integer({ min: 2, max: 12 }) }),
  fc.record({ do: fc.constant('resume' as const), who }),
  fc.record({ do: fc.constant('cut' as const), who }),
  fc.record({ do: fc.constant('turn' as const), turns: fc.integer({ min: 1, max: 5 }) }),
);

const small = fc.record({
  recent: fc.integer({ min: 1, max: 6 }),
  stretch: fc.integer({ min: 1, max: 7 }),
  kept: fc.integer({ min: 1, max: 3 }),
});

describe('from history to live', () => {
  it('there is no gap and no duplicate, wherever stretches end, connections are cut and events come', async () => {
    await fc.assert(
      fc.asyncProperty(small, fc.array(step, { minLength: 5, maxLength: 25 }), async (sizes, steps) => {
        const harness = await stage.serve({ sizes });
        const head = await stage.store.head();
        const start = formatPosition(stage.store.epoch, head);
        const all = [
          [`room:${rooms[0]}`],
          ['world', `room:${rooms[1]}`],
          ['world', `room:${rooms[0]}`, `room:${rooms[1]}`],
        ];
        const followers = all.map((topics) => new Resuming(harness, topics, start));
        const pending: Promise<unknown>[] = [];
        let n = 0;
        for (const one of steps) {
          if (one.do === 'write') {
            for (let i = 0; i < one.count; i++) await stage.schedule(rooms[one.room] ?? '', ++n);
          } else if (one.do === 'burst') {
            // Not waited for: they come while others catch up, and several to a commit.
            for (let i = 0; i < one.count; i++) {
              const room = rooms[i % 2] ?? '';
              pending.push(
                i % 3 === 0
                  ? stage.inRoom({ type: 'PatchRoomConfig', room, description: `${++n}` })
                  : stage.schedule(room, ++n),
              );
            }
          } else if (one.do === 'resume') pending.push(followers[one.who]?.resume() ?? Promise.resolve());
          else if (one.do === 'cut') followers[one.who]?.cut();
          else for (let i = 0; i < one.turns; i++) await new Promise((resolve) => setImmediate(resolve));
        }
        // A conflict of two writers of one room is not what is tested.
        await Promise.allSettled(pending);
        await Promise.all(followers.map((follower) => follower.resume()));
        const events = await stage.events(head);
        for (const { topics, events: got, problems } of followers) {
          const expected = events.filter(mayFollow({ user: 'adm', world: 'demo', isAdmin: true }, topics));
          expect(problems).toEqual([]);
          expect(idsOf(got)).toEqual(idsOf(expected));
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('many who resume at once', () => {
  it('share what is read and each get what comes after their own position', async () => {
    for (let n = 0; n < 40; n++) await stage.schedule(rooms[0] ?? '', n);
    const harness = await stage.serve({ sizes: { recent: 1, stretch: 3, kept: 4 } });
    const topics = [`room:${rooms[0]}`];
    const all = (await stage.events()).filter(mayFollow({ user: 'adm', world: 'demo', isAdmin: true }, topics));
    const clients = await Promise.all(Array.from({ length: 30 }, () => harness.client('adm+admin')));
    // The nearest to the end go first: what was read for them must not be taken for what others still lack.
    const from = clients.map((_client, n) => all.at(-1 - ((7 * n) % 37)));
    clients.forEach((client, n) => {
      const after = formatPosition(stage.store.epoch, from[n]?.position ?? 0n);
      client.send(['events.subscribe', 1, { topics, after }]);
    });
    for (const [n, client] of clients.entries()) {
      expect(await client.next()).toEqual(['success', 1, {}]);
      const expected = all.filter(({ position }) => position > (from[n]?.position ?? 0n));
      expect(idsOf((await history(client)).events)).toEqual(idsOf(expected));
    }
  });
});

/** A live log whose facts fall behind the store until they are let go on. */
class Behind {
  position: bigint;
  isHeld = false;
  #held: RecordedEvent[] = [];
  #tell: (events: readonly RecordedEvent[]) => void = () => {};
  readonly #reached: { readonly position: bigint; readonly resolve: () => void }[] = [];

  constructor(live: LiveLog) {
    this.position = live.position;
    live.onEvents((events) => {
      this.#held.push(...events);
      if (!this.isHeld) this.goOn();
    });
  }

  onEvents(listener: (events: readonly RecordedEvent[]) => void): void {
    this.#tell = listener;
  }

  reached(position: bigint): Promise<void> | undefined {
    if (position <= this.position) return undefined;
    return new Promise((resolve) => this.#reached.push({ position, resolve }));
  }

  goOn(): void {
    const events = this.#held;
    this.#held = [];
    this.isHeld = false;
    this.#tell(events);
    this.position = events.at(-1)?.position ?? this.position;
    for (const { position, resolve } of this.#reached) if (position <= this.position) resolve();
  }
}

/** The log, which is not read before it is let go on. */
function waiting(store: EventStore): { readonly store: EventStore; readonly goOn: () => void } {
  let goOn = (): void => {};
  const gate = new Promise<void>((resolve) => (goOn = resolve));
  async function* readAll(...options: Parameters<EventStore['readAll']>): AsyncIterable<RecordedEvent> {
    await gate;
    yield* store.readAll(...options);
  }
  const held = new Proxy(store, {
    get: (target, name) => {
      if (name === 'readAll') return readAll;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { store: held, goOn };
}

const event = async (client: Client): Promise<string> => ((await client.next()) as [string, CloudBody])[1].id;

describe('what the facts of access do not reflect yet', () => {
  it('waits for them, also when it could be read, and then comes once', async () => {
    let behind: Behind | undefined;
    const harness = await stage.serve({ told: (live) => (behind = new Behind(live)) });
    const client = await harness.client('adm+admin');
    const [before, after] = [await stage.head(), behind?.position ?? 0n];
    if (behind) behind.isHeld = true;
    for (let n = 0; n < 5; n++) await stage.schedule(rooms[0] ?? '', n);
    const topics = [`room:${rooms[0]}`];
    await call(client, 'events.subscribe', { topics, after: 'start' });
    const { events, caughtUp } = await history(client);
    expect(caughtUp.position).toBe(before);
    const all = (await stage.events()).filter(mayFollow({ user: 'adm', world: 'demo', isAdmin: true }, topics));
    expect(idsOf(events)).toEqual(idsOf(all.filter(({ position }) => position <= after)));
    behind?.goOn();
    const live = [
      await event(client),
      await event(client),
      await event(client),
      await event(client),
      await event(client),
    ];
    expect([...idsOf(events), ...live]).toEqual(idsOf(all));
  });

  it('can be gone on from, by one whom another process has told further', async () => {
    let behind: Behind | undefined;
    const harness = await stage.serve({ told: (live) => (behind = new Behind(live)) });
    const client = await harness.client('adm+admin');
    if (behind) behind.isHeld = true;
    await stage.schedule(rooms[0] ?? '', 1);
    const after = await stage.head();
    const answered = call(client, 'events.subscribe', { topics: [`room:${rooms[0]}`], after });
    const other = await harness.client('adm+admin');
    await call(other, 'events.unsubscribe', {});
    behind?.goOn();
    expect(await answered).toEqual({});
    expect(await history(client)).toMatchObject({ events: [], caughtUp: { position: after } });
  });
});

describe('two subscriptions of one connection', () => {
  it('bring an event once that happens while one of them catches up', async () => {
    const { store, goOn } = waiting(stage.store);
    const [room = ''] = rooms;
    const after = formatPosition(stage.store.epoch, (await stage.store.head()) - 1n);
    const harness = await stage.serve({ store });
    const client = await harness.client('adm+admin');
    await call(client, 'events.subscribe', { topics: ['world'] });
    await history(client);
    await call(client, 'events.subscribe', { topics: [`room:${room}`], after });
    const head = await stage.store.head();
    await stage.inRoom({ type: 'PatchRoomConfig', room, description: 'Told by the first' });
    await stage.schedule(room, 77);
    goOn();
    const [patched, scheduled] = idsOf(await stage.events(head));
    expect(await event(client)).toBe(patched);
    const ids = idsOf((await history(client)).events);
    expect([ids.includes(patched ?? ''), ids.at(-1)]).toEqual([false, scheduled]);
  });
});
