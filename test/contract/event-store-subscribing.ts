import { beforeEach, describe, expect, it } from '@jest/globals';
import type { EventStore } from '../../src/event-store/event-store.js';
import {
  collect,
  disturbances,
  eventsOf,
  follow,
  idsOf,
  isCaughtUp,
  namesOf,
  reached,
  someEvent,
  someEvents,
} from './event-store-helpers.js';
import type { StoreUnderTest } from './event-store-helpers.js';

/** How subscriptions of every adapter behave. */
export function subscribingContract(current: () => StoreUnderTest): void {
  describe('subscribing', () => {
    let tested: StoreUnderTest;
    let store: EventStore;
    beforeEach(() => {
      tested = current();
      ({ store } = tested);
    });

    it('goes from history to live, and says so once', async () => {
      const history = someEvents(3);
      const fresh = someEvents(2);
      await store.append('room-1', 'no_stream', history);
      const seen = follow(store, {}, (messages) => eventsOf(messages).length === 5);
      await follow(store, {}, isCaughtUp);
      await store.append('room-1', 2n, fresh);
      const messages = await seen;
      expect(idsOf(eventsOf(messages))).toEqual(idsOf([...history, ...fresh]));
      expect(messages.filter(({ type }) => type === 'caughtUp')).toHaveLength(1);
    });

    it('says at once that it has caught up with an empty log or at the head', async () => {
      expect(await follow(store, {}, isCaughtUp)).toEqual([{ type: 'caughtUp', position: -1n }]);
      const { position } = await store.append('room-1', 'no_stream', someEvents(2));
      expect(await follow(store, { after: position }, isCaughtUp)).toEqual([{ type: 'caughtUp', position }]);
    });

    it('has no gap and no duplicate while others write, from any position', async () => {
      const before = 500;
      const total = 2_000;
      const starts: (bigint | undefined)[] = [undefined];
      for (let n = 0; n < before; n += 100) {
        starts.push((await store.append(`room-${n}`, 'any', someEvents(100))).position);
      }
      const followers = starts.map(async (after, n) => {
        let missing = total - n * 100;
        const messages = await follow(store, after === undefined ? {} : { after }, (seen) => {
          const last = seen.at(-1);
          if (last?.type === 'events') missing -= last.events.length;
          return missing <= 0;
        });
        return eventsOf(messages);
      });
      for (let n = before; n < total; n += 10) await store.append(`room-${n % 70}`, 'any', someEvents(10));
      const all = await collect(store.readAll());
      expect(all).toHaveLength(total);
      for (const [n, after] of starts.entries()) {
        const expected = all.filter(({ position }) => after === undefined || position > after);
        expect(idsOf((await followers[n]) ?? [])).toEqual(idsOf(expected));
      }
    });

    it('gives 5,000 events from history to live in order and once, whatever happens to the connection', async () => {
      const sent = someEvents(5_000);
      const revisions = new Map<string, bigint>();
      const write = async (from: number, to: number) => {
        for (let at = from; at < to; at += 25) {
          const stream = `room-${at % 7}`;
          const events = sent.slice(at, at + 25);
          const { revision } = await store.append(stream, revisions.get(stream) ?? 'no_stream', events);
          revisions.set(stream, revision);
        }
      };
      await write(0, 2_500);
      let count = 0;
      const seen = follow(store, {}, (messages) => {
        const last = messages.at(-1);
        if (last?.type === 'events') count += last.events.length;
        return count >= sent.length;
      });
      for (let drop = 0; drop < 20; drop++) {
        const disturbed = tested.disturb?.(disturbances[drop % disturbances.length] ?? 'error');
        await write(2_500 + drop * 125, 2_625 + drop * 125);
        await disturbed;
      }
      const messages = await seen;
      expect(idsOf(eventsOf(messages))).toEqual(idsOf(sent));
      expect(messages.filter(({ type }) => type === 'caughtUp').length).toBeLessThanOrEqual(1);
      expect(idsOf(await collect(store.readAll()))).toEqual(idsOf(sent));
    });

    it('keeps many subscribers, one of them slow, each with every event in order', async () => {
      const total = 3_000;
      const slowly = async () => {
        const seen: string[] = [];
        for await (const message of store.subscribeToAll()) {
          await new Promise((resolve) => setTimeout(resolve, 5));
          if (message.type === 'events') seen.push(...idsOf(message.events));
          if (seen.length >= total) break;
        }
        return seen;
      };
      const quick = Array.from({ length: 8 }, () =>
        follow(store, {}, (all) => eventsOf(all.slice(-1)).at(-1)?.type === 'Last'),
      );
      const slow = slowly();
      const sent = [...someEvents(total - 1), someEvent('Last')];
      for (let at = 0; at < total; at += 30) await store.append('room-1', 'any', sent.slice(at, at + 30));
      expect(await slow).toEqual(idsOf(sent));
      for (const messages of await Promise.all(quick)) expect(idsOf(eventsOf(messages))).toEqual(idsOf(sent));
    });

    it('filters, and tells by checkpoints how far it has seen', async () => {
      await store.append('room-1', 'no_stream', someEvents(20));
      const { position: start } = await store.append('meeting-1', 'no_stream', [
        someEvent('Opened', { name: 'opened' }),
      ]);
      const { position: end } = await store.append('room-2', 'no_stream', someEvents(20));
      const filter = { streamPrefixes: ['meeting-'] };
      const messages = await follow(store, { filter }, reached(end));
      expect(namesOf(eventsOf(messages))).toEqual(['opened']);
      const live = follow(store, { filter, after: start }, (all) => eventsOf(all).length === 1);
      const dropped = await store.append('room-3', 'no_stream', someEvents(3));
      await follow(store, { filter, after: end }, reached(dropped.position));
      await store.append('meeting-2', 'no_stream', [someEvent('Opened', { name: 'again' })]);
      expect(namesOf(eventsOf(await live))).toEqual(['again']);
    });

    it('ends when aborted: before it starts, while it reads, while it waits', async () => {
      await store.append('room-1', 'no_stream', someEvents(5));
      expect(await collect(store.subscribeToAll({ signal: AbortSignal.abort() }))).toEqual([]);
      for (const moment of ['events', 'caughtUp'] as const) {
        const controller = new AbortController();
        const types: string[] = [];
        for await (const { type } of store.subscribeToAll({ signal: controller.signal })) {
          types.push(type);
          if (type === moment) setImmediate(() => controller.abort());
        }
        expect(types).toContain(moment);
      }
    });
  });
}
