import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Janitor, type Pulse } from '../../src/presence/janitor.js';
import { Heartbeats } from '../../src/read-store/heartbeats.js';
import { openStores, type Stores } from '../projections/stores.js';
import { presenceEvents, silent, startNode, type Node } from './nodes.js';

let stores: Stores;
let nodes: Node[];
let janitors: Janitor[];

beforeEach(async () => {
  stores = await openStores();
  nodes = [];
  janitors = [];
});
afterEach(async () => {
  await Promise.all(janitors.map((janitor) => janitor.stop()));
  await Promise.all(nodes.map((node) => node.end()));
  await stores.close();
});

const everyMs = 20;
const who = (userId: string) => ({ userId, profile: {} });
/** The pulse of real heartbeats, with what a test does in between; `looked` counts how often the others were looked at. */
function pulseOf(over: Partial<Pulse> = {}) {
  const beats = new Heartbeats(stores.read.db);
  const waiting: { readonly looks: number; readonly resolve: () => void }[] = [];
  let looked = 0;
  const pulse: Pulse = {
    beat: (node) => beats.beat(node),
    forget: (node) => beats.forget(node),
    of: async (others) => {
      const found = await (over.of ?? beats.of.bind(beats))(others);
      looked++;
      for (const { looks, resolve } of waiting) if (looked >= looks) resolve();
      return found;
    },
  };
  const looks = (more: number) => new Promise<void>((resolve) => waiting.push({ looks: looked + more, resolve }));
  return { pulse: { ...pulse, ...over, of: pulse.of }, looks };
}

async function start(name: string, pulse: Pulse): Promise<{ readonly node: Node; readonly janitor: Janitor }> {
  const node = await startNode(stores, name);
  nodes.push(node);
  const { viewers, live } = node;
  const janitor = new Janitor({ store: stores.store, viewers, live, pulse, node: name, log: silent, everyMs });
  janitors.push(janitor);
  janitor.start();
  return { node, janitor };
}

/** Resolves when the viewers of a node fit. */
async function until(node: Node, fit: () => boolean): Promise<void> {
  while (!fit()) await new Promise<void>((resolve) => node.live.onEvents(() => setImmediate(resolve)));
}
const idsIn = (node: Node, room: string): string =>
  node.viewers
    .of(room)
    .map(({ id }) => id)
    .join();

describe('a node that ends without a word', () => {
  it('is found by the others, and its people are removed once', async () => {
    const [a, b, c] = [
      await start('a', pulseOf().pulse),
      await start('b', pulseOf().pulse),
      await start('c', pulseOf().pulse),
    ];
    for (const user of ['ann', 'bob']) await a.node.register.enter({}, 'hall', 'demo', who(user));
    await a.node.register.enter({}, 'foyer', 'demo', who('ann'));
    await b.node.register.enter({}, 'hall', 'demo', who('bob'));
    await c.node.settled();
    // As after kill -9: neither beats nor events.
    await a.node.end();
    await a.janitor.stop();
    for (const { node } of [b, c])
      await until(node, () => idsIn(node, 'hall') === 'bob' && idsIn(node, 'foyer') === '');
    await b.node.settled();
    const left = (await presenceEvents(stores.store)).filter(({ type }) => type === 'ViewerLeft');
    expect(left.map(({ data, metadata: { actorId } }) => [data.roomId, data.userId, data.node, actorId])).toEqual(
      expect.arrayContaining([
        ['hall', 'ann', 'a', 'ann'],
        ['hall', 'bob', 'a', 'bob'],
        ['foyer', 'ann', 'a', 'ann'],
      ]),
    );
    expect(left).toHaveLength(3);
    expect(new Set(left.map(({ data }) => 'reason' in data && data.reason))).toEqual(new Set(['lost']));
    // `bob` is still there by his other node: nobody was told that he left.
    expect(c.node.changes.filter(({ type }) => type === 'removed')).toEqual([
      { type: 'removed', room: 'hall', user: 'ann' },
      { type: 'removed', room: 'foyer', user: 'ann' },
    ]);
  });

  it('is not missed as long as its counter moves', async () => {
    const { pulse, looks } = pulseOf();
    const [a, b] = [await start('a', pulseOf().pulse), await start('b', pulse)];
    await a.node.register.enter({}, 'hall', 'demo', who('ann'));
    await b.node.settled();
    await looks(20);
    expect(await presenceEvents(stores.store)).toHaveLength(1);
  });
});

describe('a node that was taken for lost', () => {
  it('brings its people back as soon as it hears of it', async () => {
    const silentNode = await startNode(stores, 'a');
    nodes.push(silentNode);
    await silentNode.register.enter({}, 'hall', 'demo', who('ann'));
    const { node } = await start('b', pulseOf().pulse);
    const back = new Promise<void>((resolve) => {
      silentNode.live.onEvents((events) => {
        const types = events.map(({ type }) => type);
        if (types.includes('ViewerEntered') && silentNode.changes.some(({ type }) => type === 'removed')) resolve();
      });
    });
    await back;
    await node.settled();
    expect((await presenceEvents(stores.store)).slice(0, 3).map(({ type }) => type)).toEqual([
      'ViewerEntered',
      'ViewerLeft',
      'ViewerEntered',
    ]);
  });
});

describe('while the read store is away', () => {
  it('nobody is judged, nor by what was seen before', async () => {
    const beats = new Heartbeats(stores.read.db);
    let reads = 0;
    // Every fourth look fails: no node is ever seen still at five looks in a row.
    const { pulse, looks } = pulseOf({
      of: async (others) => {
        if (++reads % 4 === 0) throw new Error('away');
        return beats.of(others);
      },
    });
    const frozen = await startNode(stores, 'a');
    nodes.push(frozen);
    await frozen.register.enter({}, 'hall', 'demo', who('ann'));
    await start('b', pulse);
    await looks(20);
    expect(await presenceEvents(stores.store)).toHaveLength(1);
  });
});

describe('fewer looks are enough', () => {
  /** A node that has someone, beat once, and is no more. */
  async function gone(): Promise<Heartbeats> {
    const dead = await startNode(stores, 'a');
    nodes.push(dead);
    await dead.register.enter({}, 'hall', 'demo', who('ann'));
    await dead.end();
    const beats = new Heartbeats(stores.read.db);
    await beats.beat('a');
    return beats;
  }
  /** At which look of `b` its viewers know of a loss. */
  async function lostAt(beats: Heartbeats, of: (look: number) => Promise<void>): Promise<number> {
    let look = 0;
    const { pulse } = pulseOf({
      of: async (others) => {
        await of(++look);
        return beats.of(others);
      },
    });
    const node = await startNode(stores, 'b');
    nodes.push(node);
    const { viewers, live } = node;
    let found = 0;
    const log = { warn: () => (found = look) };
    const janitor = new Janitor({ store: stores.store, viewers, live, pulse, node: 'b', log, everyMs });
    janitors.push(janitor);
    janitor.start();
    await until(node, () => idsIn(node, 'hall') === '');
    return found;
  }
  const nothing = async (): Promise<void> => undefined;

  it('where a node was seen to end: its counter is gone', async () => {
    const beats = await gone();
    expect(
      await lostAt(beats, async (look) => {
        // The counter moves until the fourth look, then it is taken away.
        if (look < 4) await beats.beat('a');
        if (look === 4) await beats.forget('a');
      }),
    ).toBe(6);
  });

  it('where a node was silent for long before this one came, by the clock of the read store', async () => {
    const beats = await gone();
    await stores.read.db.collection<{ _id: string }>('nodes').updateOne({ _id: 'a' }, { $set: { at: new Date(0) } });
    expect(await lostAt(beats, nothing)).toBe(3);
  });

  it('but not after the read store was away: nobody could beat', async () => {
    const beats = await gone();
    await stores.read.db.collection<{ _id: string }>('nodes').updateOne({ _id: 'a' }, { $set: { at: new Date(0) } });
    expect(
      await lostAt(beats, async (look) => {
        if (look === 1) throw new Error('away');
      }),
    ).toBe(7);
  });
});
