import { setImmediate as tick } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { eventRegistry } from '../../src/event-registry.js';
import { StoreUnavailable } from '../../src/event-store/event-store.js';
import { chainProblem } from '../../src/eventsourcing/hash-chain.js';
import { presenceStream } from '../../src/presence/presence.js';
import { Register, type RegisterOptions } from '../../src/presence/register.js';
import { recorded } from '../spec/decider-spec.js';
import { openStores, type Stores } from '../projections/stores.js';
import { declareLost, peopleIn, presenceEvents, silent, startNode, type Node } from './nodes.js';

let stores: Stores;
let runs = 0;

beforeAll(async () => {
  stores = await openStores();
});
afterAll(() => stores.close());

const who = (userId: string) => ({ userId, profile: { display_name: userId } });
const users = ['ann', 'bob', 'cat'];
const tabs = Array.from({ length: 7 }, (_one, n) => ({ user: users[n % users.length] ?? 'ann' }));

type Trouble = 'none' | 'away' | 'lost answer';
/** The store, but what it does next is decided by the test. */
function troubled(troubles: readonly Trouble[]): RegisterOptions['store'] {
  let next = 0;
  return {
    readStream: (stream, options) => stores.store.readStream(stream, options),
    append: async (stream, expected, events) => {
      const trouble = troubles[next++] ?? 'none';
      if (trouble === 'away') throw new StoreUnavailable('away');
      const appended = await stores.store.append(stream, expected, events);
      if (trouble === 'lost answer') throw new StoreUnavailable('the answer was lost');
      return appended;
    },
  };
}

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ op: fc.constant('enter'), tab: fc.nat(6), room: fc.nat(1) }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('leave'), tab: fc.nat(6), room: fc.nat(1) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('close'), tab: fc.nat(6), room: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('lost'), tab: fc.nat(6), room: fc.nat(1) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('wait'), tab: fc.nat(6), room: fc.nat(1) }) },
);

describe('the register', () => {
  it('brings the log to who is in, whatever the order of tabs, lost answers and nodes that take it for lost', async () => {
    const troubles = fc.array(fc.constantFrom<Trouble>('none', 'none', 'away', 'lost answer'), { maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), troubles, async (steps, befalls) => {
        const run = `${++runs}`;
        const rooms = [`a${run}`, `b${run}`];
        const node = await startNode(stores, run, troubled(befalls));
        const open = rooms.map(() => new Set<number>());
        const entering: Promise<unknown>[] = [];
        for (const { op, tab, room } of steps) {
          const id = rooms[room] ?? '';
          const one = tabs[tab] ?? { user: '' };
          if (op === 'enter') {
            open[room]?.add(tab);
            entering.push(node.register.enter(one, id, 'demo', who(one.user)));
          } else if (op === 'leave') {
            open[room]?.delete(tab);
            node.register.leave(one, id, who(one.user));
          } else if (op === 'close') {
            for (const set of open) set.delete(tab);
            node.register.leaveAll(one, who(one.user));
          } else if (op === 'lost') {
            // oxlint-disable-next-line no-await-in-loop -- a history
            await declareLost(stores.store, id, run);
          } else {
            // oxlint-disable-next-line no-await-in-loop
            await tick();
          }
        }
        await Promise.all(entering);
        await node.settled();
        for (const [index, room] of rooms.entries()) {
          const wanted = [...new Set([...(open[index] ?? [])].map((tab) => tabs[tab]?.user))].toSorted();
          const stream = presenceStream(room, run);
          expect(await peopleIn(stores.store, stream)).toEqual(wanted);
          expect(
            node.viewers
              .of(room)
              .map(({ id }) => id)
              .toSorted(),
          ).toEqual(wanted);
          const inside = new Set<string>();
          let hash = '';
          for (const event of await presenceEvents(stores.store, stream)) {
            const { type, data, metadata } = event;
            expect(chainProblem(hash, event)).toBeUndefined();
            hash = metadata.hash ?? '';
            // Never entered twice, never left when not in.
            expect(inside.has(data.userId)).toBe(type === 'ViewerLeft');
            if (type === 'ViewerLeft') inside.delete(data.userId);
            else inside.add(data.userId);
          }
        }
        await node.end();
      }),
      { numRuns: 60 },
    );
  });

  it('never says that someone left while one of their tabs is open', async () => {
    const node = await startNode(stores, 'tabs');
    const [first, second] = [{}, {}];
    for (let round = 0; round < 50; round++) {
      await Promise.all([first, second].map((tab) => node.register.enter(tab, 'hall', 'demo', who('ann'))));
      node.register.leave(round % 2 === 0 ? first : second, 'hall', who('ann'));
      if (round % 3 === 0) await node.settled();
    }
    await node.settled();
    expect(await presenceEvents(stores.store, presenceStream('hall', 'tabs'))).toHaveLength(1);
    await node.end();
  });

  describe('enter', () => {
    /** A store that appends when it is told to. */
    function held() {
      const waiting: (() => void)[] = [];
      const store: RegisterOptions['store'] = {
        readStream: (stream, options) => stores.store.readStream(stream, options),
        append: async (stream, expected, events) => {
          await new Promise<void>((resolve) => waiting.push(resolve));
          return stores.store.append(stream, expected, events);
        },
      };
      return { store, waiting };
    }
    const until = async (met: () => boolean): Promise<void> => {
      while (!met()) await tick();
    };
    async function isPending(entering: Promise<unknown>): Promise<boolean> {
      for (let n = 0; n < 50; n++) await tick();
      return (await Promise.race([entering.then(() => false), Promise.resolve(true)])) satisfies boolean;
    }

    let node: Node;
    it('resolves when the entry is saved and known here, not before; those who come meanwhile are saved together', async () => {
      const { store, waiting } = held();
      node = await startNode(stores, 'held', store);
      const ann = node.register.enter({}, 'saved', 'demo', who('ann'));
      await until(() => waiting.length === 1);
      const others = ['bob', 'cat'].map((user) => node.register.enter({}, 'saved', 'demo', who(user)));
      expect(await isPending(ann)).toBe(true);
      expect(node.viewers.of('saved')).toEqual([]);
      waiting.shift()?.();
      expect(await ann).toBe(true);
      expect(node.viewers.of('saved')).toEqual([{ id: 'ann', profile: { display_name: 'ann' } }]);
      await until(() => waiting.length === 1);
      waiting.shift()?.();
      await Promise.all(others);
      expect(node.viewers.of('saved').map(({ id }) => id)).toEqual(['ann', 'bob', 'cat']);
      // One who is in already needs no event.
      expect(await node.register.enter({}, 'saved', 'demo', who('bob'))).toBe(true);
      expect(waiting).toEqual([]);
      await node.end();
    });

    it('answers false to a tab that left meanwhile, and to all when the room is deleted', async () => {
      const { store, waiting } = held();
      node = await startNode(stores, 'late', store);
      const tab = {};
      const gone = node.register.enter(tab, 'left', 'demo', who('ann'));
      const deleted = node.register.enter({}, 'deleted', 'demo', who('bob'));
      await until(() => waiting.length === 2);
      node.register.leave(tab, 'left', who('ann'));
      node.register.follow([recorded({ type: 'RoomDeleted', data: { roomId: 'deleted' } })]);
      for (let saved = 0; saved < 4; saved++) {
        await until(() => waiting.length > 0);
        waiting.shift()?.();
      }
      expect([await gone, await deleted]).toEqual([false, false]);
      await node.settled();
      expect([node.viewers.size('left'), node.viewers.size('deleted')]).toEqual([0, 0]);
      const reasons = (await presenceEvents(stores.store)).flatMap(({ data }) =>
        data.node === 'late' && 'reason' in data ? [data.reason] : [],
      );
      expect(reasons.toSorted()).toEqual(['deleted', 'left']);
      await node.end();
    });
  });

  it('knows what became of an entry whose answer was lost, though its tab has gone meanwhile', async () => {
    let appended: () => void = () => undefined;
    const lost = new Promise<void>((resolve) => (appended = resolve));
    const { append, readStream } = troubled(['lost answer']);
    const store: RegisterOptions['store'] = {
      readStream,
      append: (...all) => append(...all).finally(appended),
    };
    const node = await startNode(stores, 'unknown', store);
    const tab = {};
    const entering = node.register.enter(tab, 'unknown', 'demo', who('ann'));
    await lost;
    node.register.leaveAll(tab, who('ann'));
    expect(await entering).toBe(false);
    await node.settled();
    expect(await peopleIn(stores.store, presenceStream('unknown', 'unknown'))).toEqual([]);
    expect(await presenceEvents(stores.store, presenceStream('unknown', 'unknown'))).toHaveLength(2);
    await node.end();
  });

  it('answers an entry only when this process has read it in the log, also to a second tab', async () => {
    let read: () => void = () => undefined;
    const reading = new Promise<void>((resolve) => (read = resolve));
    const live = { reached: () => reading };
    const register = new Register({ ...stores, registry: eventRegistry, node: 'slow', live, log: silent });
    let answered = 0;
    const both = [{}, {}].map((tab) => register.enter(tab, 'slow', 'demo', who('ann')).then(() => answered++));
    await register.settled();
    expect(await peopleIn(stores.store, presenceStream('slow', 'slow'))).toEqual(['ann']);
    const third = register.enter({}, 'slow', 'demo', who('ann')).then(() => answered++);
    await tick();
    expect(answered).toBe(0);
    read();
    await Promise.all([...both, third]);
    register.stop();
  });

  it('knows after a restart of the same node that nobody of the last run is here', async () => {
    const before = await startNode(stores, 'again');
    await Promise.all(users.map((user) => before.register.enter({}, 'again', 'demo', who(user))));
    await before.end();
    const node = await startNode(stores, 'again');
    await node.register.resume([...node.viewers.on('again')]);
    await node.settled();
    expect(node.viewers.of('again')).toEqual([]);
    expect(await node.register.enter({}, 'again', 'demo', who('bob'))).toBe(true);
    expect(await peopleIn(stores.store, presenceStream('again', 'again'))).toEqual(['bob']);
    await node.end();
  });
});
