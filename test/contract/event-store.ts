import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { WrongExpectedRevision } from '../../src/event-store/event-store.js';
import type { EventFilter, EventStore } from '../../src/event-store/event-store.js';
import { collect, idsOf, namesOf, revisionsOf, someEvent, someEvents } from './event-store-helpers.js';
import type { StoreUnderTest } from './event-store-helpers.js';
import { subscribingContract } from './event-store-subscribing.js';

/** What every adapter of the port must do. */
export function eventStoreContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`event store contract: ${name}`, () => {
    let tested: StoreUnderTest;
    let store: EventStore;
    beforeEach(async () => {
      tested = await open();
      ({ store } = tested);
    });
    afterEach(() => tested.dispose());

    describe('append', () => {
      it('gives revisions from zero without gaps and growing positions', async () => {
        const first = await store.append('room-1', 'no_stream', someEvents(2));
        const other = await store.append('room-2', 'no_stream', someEvents(1));
        const second = await store.append('room-1', first.revision, someEvents(1));
        expect([first.revision, other.revision, second.revision]).toEqual([1n, 0n, 2n]);
        expect(first.position < other.position && other.position < second.position).toBe(true);
        expect(await store.head()).toBe(second.position);
      });

      it('refuses another revision than the expected one and changes nothing', async () => {
        await store.append('room-1', 'no_stream', someEvents(2));
        const head = await store.head();
        for (const expected of ['no_stream', 0n, 2n] as const) {
          const refused = store.append('room-1', expected, someEvents(1));
          await expect(refused).rejects.toThrow(WrongExpectedRevision);
          await expect(refused).rejects.toMatchObject({ stream: 'room-1', expected, actual: 1n });
        }
        await expect(store.append('room-2', 0n, someEvents(1))).rejects.toMatchObject({ actual: -1n });
        expect(await store.head()).toBe(head);
      });

      it('appends whatever the revision is when any is expected', async () => {
        await store.append('reactions-1', 'any', someEvents(1));
        expect((await store.append('reactions-1', 'any', someEvents(2))).revision).toBe(2n);
      });

      it('lets exactly one of 20 parallel writers win', async () => {
        const { revision } = await store.append('room-1', 'no_stream', someEvents(1));
        const attempts = Array.from({ length: 20 }, () => store.append('room-1', revision, someEvents(1)));
        const outcomes = await Promise.allSettled(attempts);
        expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
        const refusals = outcomes.filter((outcome) => outcome.status === 'rejected');
        for (const { reason } of refusals) expect(reason).toBeInstanceOf(WrongExpectedRevision);
        expect(await collect(store.readStream('room-1'))).toHaveLength(2);
      });

      it('answers a resend as the first time, also when sent at once and after more events', async () => {
        const sent = someEvents(3);
        const [first, twin] = await Promise.all([
          store.append('room-1', 'no_stream', sent),
          store.append('room-1', 'no_stream', sent),
        ]);
        expect(twin).toEqual(first);
        await store.append('room-1', first.revision, someEvents(1));
        expect(await store.append('room-1', 'no_stream', sent)).toEqual(first);
        expect(await collect(store.readStream('room-1'))).toHaveLength(4);
      });

      it('takes a resend that matches in part for a conflict', async () => {
        const sent = someEvents(2);
        await store.append('room-1', 'no_stream', sent);
        await expect(store.append('room-1', 'no_stream', [...sent, someEvent()])).rejects.toThrow(
          WrongExpectedRevision,
        );
        const changed = [...sent.slice(0, 1), someEvent()];
        await expect(store.append('room-1', 'no_stream', changed)).rejects.toThrow(WrongExpectedRevision);
        expect(await collect(store.readStream('room-1'))).toHaveLength(2);
      });

      it('stores all events of a batch next to each other or none', async () => {
        const batches = Array.from({ length: 10 }, (_, n) => ({ stream: `room-${n}`, events: someEvents(5) }));
        await Promise.all(batches.map(({ stream, events }) => store.append(stream, 'no_stream', events)));
        const all = await collect(store.readAll());
        for (const { events } of batches) {
          const at = all.findIndex(({ id }) => id === events[0]?.id);
          expect(idsOf(all.slice(at, at + 5))).toEqual(idsOf(events));
        }
        await expect(store.append('room-1', 'no_stream', someEvents(5))).rejects.toThrow(WrongExpectedRevision);
        expect(await collect(store.readStream('room-1'))).toHaveLength(5);
      });

      it('keeps data and metadata as they were, in any script, up to 1 MiB', async () => {
        const text = 'Ünïcødé 会議 🎉 \u0000 \u2028 "quoted" \\';
        const data = { text, [text]: [null, true, -0.5, 1e21, { deep: [] }], big: 'é'.repeat(512 * 1024) };
        const event = someEvent('SomethingHappened', data);
        await store.append(`room-${text.replace('\u0000', '')}`, 'no_stream', [event]);
        const [read] = await collect(store.readAll({ direction: 'backwards', limit: 1 }));
        expect(read).toMatchObject({ ...event, stream: `room-${text.replace('\u0000', '')}`, revision: 0n });
      });
    });

    describe('retention', () => {
      const hour = { maxAgeSeconds: 3_600 };
      const young = () =>
        someEvents(2).map((event) => ({
          ...event,
          metadata: { ...event.metadata, at: new Date().toISOString() },
        }));

      it('keeps what is younger, and leaves revisions, positions and other streams as they are', async () => {
        await store.retain('reactions-1', hour);
        const sent = young();
        const first = await store.append('reactions-1', 'any', sent);
        await store.retain('reactions-1', hour);
        const other = await store.append('reactions-2', 'any', someEvents(1));
        const more = young();
        const second = await store.append('reactions-1', 'any', more);
        expect([first.revision, other.revision, second.revision]).toEqual([1n, 0n, 3n]);
        expect(first.position < other.position && other.position < second.position).toBe(true);
        expect(idsOf(await collect(store.readStream('reactions-1')))).toEqual(idsOf([...sent, ...more]));
        expect(await collect(store.readAll())).toHaveLength(5);
        expect(await store.head()).toBe(second.position);
      });

      it('is still there after a restart', async () => {
        await store.retain('reactions-1', hour);
        const sent = young();
        await store.append('reactions-1', 'any', sent);
        store = await tested.reopen();
        expect(idsOf(await collect(store.readStream('reactions-1')))).toEqual(idsOf(sent));
      });
    });

    describe('reading a stream', () => {
      it('yields nothing for an unknown stream, and none of its neighbours', async () => {
        await store.append('room-10', 'no_stream', someEvents(2));
        await store.append('room-', 'no_stream', someEvents(1));
        expect(await collect(store.readStream('room-1'))).toEqual([]);
        expect(await collect(store.readStream('room-1', { direction: 'backwards' }))).toEqual([]);
      });

      it('pages both ways', async () => {
        const sent = someEvents(1_300);
        await store.append('room-1', 'no_stream', sent);
        const forwards = await collect(store.readStream('room-1'));
        expect(idsOf(forwards)).toEqual(idsOf(sent));
        const backwards = await collect(store.readStream('room-1', { direction: 'backwards' }));
        expect(idsOf(backwards)).toEqual(idsOf(sent).toReversed());
        const read = async (options: Parameters<EventStore['readStream']>[1]) =>
          revisionsOf(await collect(store.readStream('room-1', options)));
        expect(await read({ from: 1_298n })).toEqual([1_298n, 1_299n]);
        expect(await read({ from: 0n, direction: 'backwards' })).toEqual([0n]);
        expect(await read({ from: 1_300n })).toEqual([]);
        expect(await read({ from: 5n, limit: 3 })).toEqual([5n, 6n, 7n]);
        expect(await read({ from: 1n, direction: 'backwards' })).toEqual([1n, 0n]);
        expect(await read({ from: 5_000n, direction: 'backwards', limit: 2 })).toEqual([1_299n, 1_298n]);
        expect(await read({ limit: 0 })).toEqual([]);
      });
    });

    describe('reading the log', () => {
      it('pages both ways, exclusive of the position given', async () => {
        const sent = someEvents(1_300);
        for (let at = 0; at < sent.length; at += 325) {
          await store.append(`room-${at}`, 'no_stream', sent.slice(at, at + 325));
        }
        const all = await collect(store.readAll());
        expect(idsOf(all)).toEqual(idsOf(sent));
        expect(idsOf(await collect(store.readAll({ direction: 'backwards' })))).toEqual(idsOf(sent).toReversed());
        const page = await collect(store.readAll({ limit: 700 }));
        const rest = await collect(store.readAll({ after: page.at(-1)?.position ?? -1n }));
        expect(idsOf([...page, ...rest])).toEqual(idsOf(sent));
        const before = await collect(
          store.readAll({ after: page.at(-1)?.position ?? -1n, direction: 'backwards', limit: 2 }),
        );
        expect(idsOf(before)).toEqual(idsOf(page.slice(-3, -1)).toReversed());
        expect(await collect(store.readAll({ after: await store.head() }))).toEqual([]);
        const first = page[0]?.position ?? -1n;
        expect(await collect(store.readAll({ after: first, direction: 'backwards' }))).toEqual([]);
      });

      it('filters by the start of the stream name and by type', async () => {
        await store.append('room-1', 'no_stream', [
          someEvent('Opened', { name: 'a' }),
          someEvent('Closed', { name: 'b' }),
        ]);
        await store.append('meeting-1', 'no_stream', [someEvent('Opened', { name: 'c' })]);
        await store.append('user-1', 'no_stream', [someEvent('Opened', { name: 'd' })]);
        const read = async (filter: EventFilter) => namesOf(await collect(store.readAll({ filter }))).join('');
        expect(await read({ streamPrefixes: ['room-'] })).toBe('ab');
        expect(await read({ streamPrefixes: ['room-', 'user-'], types: ['Opened'] })).toBe('ad');
        expect(await read({ types: ['Opened'] })).toBe('acd');
        expect(await read({ types: ['Gone'] })).toBe('');
        const last = await collect(store.readAll({ filter: { types: ['Opened'] }, direction: 'backwards', limit: 2 }));
        expect(namesOf(last)).toEqual(['d', 'c']);
      });

      it('has no events and head -1 in the beginning', async () => {
        expect(await store.head()).toBe(-1n);
        expect(await collect(store.readAll())).toEqual([]);
      });
    });

    subscribingContract(() => tested);

    it('keeps everything over a restart', async () => {
      const sent = someEvents(3);
      const appended = await store.append('room-1', 'no_stream', sent);
      const { epoch } = store;
      const again = await tested.reopen();
      expect(again.epoch).toBe(epoch);
      expect(await again.head()).toBe(appended.position);
      expect(idsOf(await collect(again.readStream('room-1')))).toEqual(idsOf(sent));
      expect(await again.append('room-1', 'no_stream', sent)).toEqual(appended);
      const next = await again.append('room-1', 2n, someEvents(1));
      expect(next.revision).toBe(3n);
      expect(next.position > appended.position).toBe(true);
    });
  });
}
