import { beforeEach, describe, expect, it } from '@jest/globals';
import type { EventStore } from '../../src/event-store/event-store.js';
import { collect, eventsOf, follow, idsOf, isCaughtUp, reached, someEvent, someEvents } from './event-store-helpers.js';

/** How subscriptions of every adapter behave. */
export function subscribingContract(current: () => EventStore): void {
  describe('subscribing', () => {
    let store: EventStore;
    beforeEach(() => {
      store = current();
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
      const total = 2_000;
      const write = async () => {
        for (let n = 0; n < total; n += 10) await store.append(`room-${n % 70}`, 'any', someEvents(10));
      };
      const writing = write();
      const starts = [undefined, 0n, 500n];
      const followers = starts.map(async (after) => {
        let count = 0;
        const missed = after === undefined ? 0 : Number(after) + 1;
        return eventsOf(
          await follow(store, after === undefined ? {} : { after }, (messages) => {
            const last = messages.at(-1);
            if (last?.type === 'events') count += last.events.length;
            return count >= total - missed;
          }),
        );
      });
      await writing;
      const all = await collect(store.readAll());
      for (const [n, after] of starts.entries()) {
        const expected = all.filter(({ position }) => after === undefined || position > after);
        expect(idsOf((await followers[n]) ?? [])).toEqual(idsOf(expected));
      }
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
        follow(store, {}, (all) => eventsOf(all.slice(-1)).at(-1)?.id === 'last'),
      );
      const slow = slowly();
      const sent = [...someEvents(total - 1), someEvent('Last', {}, 'last')];
      for (let at = 0; at < total; at += 30) await store.append('room-1', 'any', sent.slice(at, at + 30));
      expect(await slow).toEqual(idsOf(sent));
      for (const messages of await Promise.all(quick)) expect(idsOf(eventsOf(messages))).toEqual(idsOf(sent));
    });

    it('filters, and tells by checkpoints how far it has seen', async () => {
      await store.append('room-1', 'no_stream', someEvents(20));
      const { position: start } = await store.append('meeting-1', 'no_stream', [someEvent('Opened', {}, 'opened')]);
      const { position: end } = await store.append('room-2', 'no_stream', someEvents(20));
      const filter = { streamPrefixes: ['meeting-'] };
      const messages = await follow(store, { filter }, reached(end));
      expect(idsOf(eventsOf(messages))).toEqual(['opened']);
      const live = follow(store, { filter, after: start }, (all) => eventsOf(all).length === 1);
      const dropped = await store.append('room-3', 'no_stream', someEvents(3));
      await follow(store, { filter, after: end }, reached(dropped.position));
      await store.append('meeting-2', 'no_stream', [someEvent('Opened', {}, 'again')]);
      expect(idsOf(eventsOf(await live))).toEqual(['again']);
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
