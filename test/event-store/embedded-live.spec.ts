import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { openEmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import type { EmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import { StoreUnavailable } from '../../src/event-store/event-store.js';
import type { EventFilter, LogMessage } from '../../src/event-store/event-store.js';
import {
  collect,
  eventsOf,
  follow,
  idsOf,
  isCaughtUp,
  someEvent,
  someEvents,
} from '../contract/event-store-helpers.js';

describe('live subscriptions of the embedded store', () => {
  let dir: string;
  let store: EmbeddedEventStore;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'log-'));
    store = await openEmbeddedEventStore({ dir });
  });
  afterEach(async () => {
    await store.close();
    await rm(dir, { recursive: true });
  });

  /** A view in memory, kept by a loop that handles messages without awaiting. */
  async function view(filter: EventFilter = {}): Promise<Set<string>> {
    const ids = new Set<string>();
    await new Promise<void>((caughtUp) => {
      void follow(store, { filter }, (messages) => {
        const message = messages.at(-1);
        if (message?.type === 'events') for (const { id } of message.events) ids.add(id);
        if (message?.type === 'caughtUp') caughtUp();
        return false;
      }).catch(() => {});
    });
    // `caughtUp` was handled; one turn later the loop waits for the next message.
    await nextTurn();
    return ids;
  }

  it('have handled an append before the code that awaited it goes on', async () => {
    const views = [
      await view(),
      await view({ streamPrefixes: ['room-'] }),
      await view({ types: ['SomethingHappened'] }),
    ];
    const append = async (n: number): Promise<void> => {
      for (let revision = -1n; revision < 9n; revision++) {
        const events = someEvents(1 + (n % 3));
        await store.append(`room-${n}`, 'any', events);
        for (const ids of views) expect(idsOf(events).every((id) => ids.has(id))).toBe(true);
      }
    };
    await Promise.all(Array.from({ length: 60 }, (_, n) => append(n)));
    const large = someEvents(1_500);
    await store.append('room-large', 'no_stream', large);
    for (const ids of views) expect(idsOf(large).every((id) => ids.has(id))).toBe(true);
  });

  it('get what a reader gets: not the objects appended, and one copy for all', async () => {
    const data = { text: 'as written', gone: undefined };
    const messages: LogMessage[][] = [];
    const wait = async () => messages.push(await follow(store, {}, (all) => eventsOf(all).length === 1));
    const waiting = [wait(), wait()];
    await view();
    // Data with an undefined field is not Json, yet easily made by spreading optional fields: it is dropped everywhere.
    await store.append('room-1', 'no_stream', [{ ...someEvent(), data: JSON.parse(JSON.stringify(data)) }]);
    await Promise.all(waiting);
    const [read] = await collect(store.readAll());
    const [first, second] = messages.map((all) => eventsOf(all)[0]);
    expect(first).toStrictEqual(read);
    expect(second).toBe(first);
  });

  it('miss nothing and repeat nothing whenever they start', async () => {
    const last = 300;
    const following: Promise<LogMessage[]>[] = [];
    const starts: number[] = [];
    for (let n = 0; n <= last; n++) {
      const appended = store.append('room-1', 'any', [someEvent('Counted', { n })]);
      for (let turn = 0; turn < n % 6; turn++) await nextTurn();
      if (n < 200) {
        const after = await store.head();
        starts.push(Number(after) + 1);
        following.push(follow(store, { after }, (all) => eventsOf(all.slice(-1)).at(-1)?.data.n === last));
      }
      await appended;
    }
    for (const [i, messages] of (await Promise.all(following)).entries()) {
      const first = starts[i] ?? 0;
      const expected = Array.from({ length: last + 1 - first }, (_, n) => first + n);
      expect(eventsOf(messages).map(({ data }) => data.n)).toEqual(expected);
    }
  });

  it('keep little for a busy subscriber, which reads the rest from the log and says when it is live again', async () => {
    const subscription = store.subscribeToAll()[Symbol.asyncIterator]();
    expect(await subscription.next()).toMatchObject({ value: { type: 'caughtUp' } });
    const sent = someEvents(400);
    for (const event of sent) await store.append('room-1', 'any', [event]);
    const messages: LogMessage[] = [];
    while (!isCaughtUp(messages)) {
      const { value } = await subscription.next();
      messages.push(value);
    }
    expect(idsOf(eventsOf(messages))).toEqual(idsOf(sent));
    // Some kept commits of one event, one chunk of the log, `caughtUp`.
    expect(messages.length).toBeLessThan(30);
    await subscription.return?.();
  });

  it('say by one checkpoint that a stretch was filtered out while they were busy', async () => {
    const subscription = store.subscribeToAll({ filter: { types: ['Rare'] } })[Symbol.asyncIterator]();
    await subscription.next();
    for (let n = 0; n < 100; n++) await store.append('room-1', 'any', someEvents(1));
    expect(await subscription.next()).toEqual({ done: false, value: { type: 'checkpoint', position: 99n } });
    await subscription.return?.();
  });

  it('fail when the store is closed, which first finishes the appends it took', async () => {
    const failing = follow(store, {}, () => false);
    const appended = Promise.all(
      Array.from({ length: 50 }, (_, n) => store.append(`room-${n}`, 'no_stream', someEvents(2))),
    );
    const closed = store.close();
    await expect(failing).rejects.toThrow(StoreUnavailable);
    expect(await appended).toHaveLength(50);
    await closed;
    await expect(store.append('room-1', 'any', someEvents(1))).rejects.toThrow('the event store is closed');
    await expect(collect(store.readAll())).rejects.toThrow('the event store is closed');
    await expect(collect(store.readStream('room-1'))).rejects.toThrow(StoreUnavailable);
    await expect(store.head()).rejects.toThrow(StoreUnavailable);
    await expect(follow(store, {}, () => true)).rejects.toThrow(StoreUnavailable);
    store = await openEmbeddedEventStore({ dir });
    expect(await store.head()).toBe(99n);
  });
});
