import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { StoreUnavailable, type EventStore } from '../../src/event-store/event-store.js';
import { emojis, emojiOf, reactionStream, reactions, type Emoji } from '../../src/reactions/reactions.js';
import { RecentReactions } from '../../src/reactions/recent-reactions.js';
import { alice, golden } from '../spec/decider-spec.js';
import { Clock, heart, Node, ReactionLog } from './nodes.js';

let log: ReactionLog;
let clock: Clock;
const nodes: Node[] = [];

beforeEach(async () => {
  log = await ReactionLog.open();
  clock = new Clock();
});

afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.stop()));
  await log.close();
});

/** A process that follows the log. */
async function start(name = 'a', store?: Pick<EventStore, 'append' | 'retain' | 'readAll'>): Promise<Node> {
  const node = await new Node(log.store, clock, name, store).follow();
  nodes.push(node);
  return node;
}

const counted = async (): Promise<unknown[]> => (await log.events()).map(({ data }) => data);

describe('the emojis', () => {
  it('are exactly five, the heart with its variation selector or without', () => {
    expect(emojis.map((emoji) => [...emoji].map((one) => one.codePointAt(0)?.toString(16)).join())).toEqual([
      '1f44f',
      '2764,fe0f',
      '1f44d',
      '1f923',
      '1f62e',
    ]);
    for (const emoji of emojis) expect(emojiOf(emoji)).toBe(emoji);
    expect(emojiOf('\u2764')).toBe(heart);
    for (const other of ['', '👏👏', '👏\uFE0F', '👏🏽', '\u2764\uFE0E', '🙈', 'x', ' 👍', 'constructor']) {
      expect(emojiOf(other)).toBeUndefined();
    }
  });
});

describe('events of reactions', () => {
  golden(reactions, {
    ReactionAdded: [{ schema: 1, stored: { roomId: 'r1', userId: 'alice', emoji: heart, anonymous: true } }],
  });
});

describe('a reaction', () => {
  it('is an event of its own stream, with all metadata and no chain, kept for 90 days', async () => {
    const node = await start('node-1');
    const { position } = await node.react('r1', '👏', 'bob', { commandId: 'c-9', causationId: 'c-9' });
    const [event] = await log.events();
    expect(event).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      type: 'ReactionAdded',
      data: { roomId: 'r1', userId: 'bob', emoji: '👏' },
      metadata: {
        commandId: 'c-9',
        action: 'room.react',
        correlationId: alice.correlationId,
        causationId: 'c-9',
        actorId: 'bob',
        world: 'demo',
        schema: 1,
        at: '2026-01-01T09:00:00.000Z',
      },
      stream: 'reactions-r1-node-1',
      revision: 0n,
      position,
    });
    expect(log.store.streams.get(reactionStream('r1', 'node-1')).metadata?.data).toEqual({ $maxAge: 7_776_000 });
  });

  it('counts once in 2 s per room, emoji and person; the others succeed and are nowhere', async () => {
    const node = await start();
    expect((await node.react('r1', '👏', 'bob')).position).toBe(0n);
    clock.ms += 1_999;
    expect((await node.react('r1', '👏', 'bob')).position).toBe(-1n);
    await node.react('r1', '👍', 'bob');
    await node.react('r2', '👏', 'bob');
    await node.react('r1', '👏', 'eve');
    clock.ms += 1;
    await node.react('r1', '👏', 'bob');
    expect(await counted()).toEqual([
      { roomId: 'r1', userId: 'bob', emoji: '👏' },
      { roomId: 'r1', userId: 'bob', emoji: '👍' },
      { roomId: 'r2', userId: 'bob', emoji: '👏' },
      { roomId: 'r1', userId: 'eve', emoji: '👏' },
      { roomId: 'r1', userId: 'bob', emoji: '👏' },
    ]);
  });

  it('of someone with an invite says so, and is apart from those of the plain person of that id', async () => {
    const node = await start();
    expect((await node.react('r1', '👏', 'client:x', {}, true)).position).toBe(0n);
    expect((await node.react('r1', '👏', 'client:x')).position).toBe(1n);
    await node.saw(1n);
    expect((await node.react('r1', '👏', 'client:x', {}, true)).position).toBe(-1n);
    expect((await node.react('r1', '👏', 'client:x')).position).toBe(-1n);
    expect(await counted()).toEqual([
      { roomId: 'r1', userId: 'client:x', emoji: '👏', anonymous: true },
      { roomId: 'r1', userId: 'client:x', emoji: '👏' },
    ]);
  });

  it('that does not count does not prolong the 2 s', async () => {
    const node = await start();
    for (let n = 0; n < 5; n++) {
      await node.react('r1', '👏', 'bob');
      clock.ms += 1_000;
    }
    expect(await counted()).toHaveLength(3);
  });

  it('counts once when two are under way at the same time, and neither is answered before it is on disk', async () => {
    const held = holding(log.store);
    const node = await start('a', held.store);
    let answers = 0;
    const both = [node.react('r1', '👏', 'bob'), node.react('r1', '👏', 'bob')].map((one) => one.then(() => answers++));
    await held.arrived();
    expect(answers).toBe(0);
    held.letGo();
    await Promise.all(both);
    expect(await counted()).toHaveLength(1);
  });

  it('whose append fails has not counted: the next one does', async () => {
    const held = holding(log.store);
    const node = await start('a', held.store);
    const both = [node.react('r1', '👏', 'bob'), node.react('r1', '👏', 'bob')];
    await held.arrived();
    held.letGo(new StoreUnavailable('the disk is full'));
    for (const { status } of await Promise.allSettled(both)) expect(status).toBe('rejected');
    const again = node.react('r1', '👏', 'bob');
    await held.arrived();
    held.letGo();
    expect((await again).position).toBe(0n);
    expect(await counted()).toHaveLength(1);
  });

  it('counts when it turns up in the log although its append was given up', async () => {
    const lost = {
      retain: () => Promise.resolve(),
      readAll: () => log.store.readAll(),
      append: async (...given: Parameters<EventStore['append']>) => {
        const { position } = await log.store.append(...given);
        await node.saw(position);
        throw new StoreUnavailable('no answer');
      },
    };
    const node: Node = await start('a', lost);
    await expect(node.react('r1', '👏', 'bob')).rejects.toThrow('no answer');
    expect((await node.react('r1', '👏', 'bob')).position).toBe(-1n);
    expect(await counted()).toHaveLength(1);
  });

  it('is known to a process that starts right after, and not told by it again', async () => {
    await (await start()).react('r1', '👏', 'bob');
    clock.ms += 1_500;
    const restarted = new Node(log.store, clock, 'a');
    await restarted.counter.start();
    // Its live log may begin with what is older.
    restarted.counter.observe(await log.events());
    expect((await restarted.react('r1', '👏', 'bob')).position).toBe(-1n);
    expect(restarted.told).toEqual([]);
    clock.ms += 500;
    expect((await restarted.react('r1', '👏', 'bob')).position).toBe(1n);
  });

  it('that cannot be read is reported and harms no other', async () => {
    const node = await start();
    const broken = { ...alice, schema: 7, at: alice.now };
    await log.store.append('reactions-r1-x', 'any', [
      { id: '1', type: 'ReactionAdded', data: { roomId: 'r1', userId: 'bob', emoji: '👏' }, metadata: broken },
    ]);
    const { position } = await node.react('r1', '👏', 'bob');
    await node.saw(position);
    expect(node.told).toEqual(['r1 👏']);
    expect(node.logged).toHaveLength(1);
  });
});

describe('nodes', () => {
  it('count and are told the same, whoever reacts where, and however their clocks stand (property)', async () => {
    const one = await start('a');
    const two = await start('b');
    const steps = fc.array(
      fc.record({
        node: fc.constantFrom(one, two),
        emoji: fc.constantFrom<Emoji>('👏', heart),
        user: fc.constantFrom('bob', 'eve'),
        wait: fc.constantFrom(0, 1, 700, 1_300, 1_999, 2_000),
        // The clock that wrote an event may be ahead of ours.
        ahead: fc.constantFrom(0, 0, 5_000),
      }),
      { maxLength: 25 },
    );
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const room = `r${++runs}`;
        const last = new Map<string, number>();
        const expected: string[] = [];
        for (const { node, emoji, user, wait, ahead } of all) {
          clock.ms += wait;
          const key = `${emoji} ${user}`;
          const counts = !(clock.ms - (last.get(key) ?? -Infinity) < 2_000);
          const { position } = await node.react(room, emoji, user, {
            now: new Date(clock.ms + ahead).toISOString(),
          });
          expect(position >= 0n).toBe(counts);
          if (!counts) continue;
          last.set(key, clock.ms);
          expected.push(`${room} ${emoji}`);
          await Promise.all([one.saw(position), two.saw(position)]);
        }
        for (const node of [one, two]) expect(node.told.splice(0)).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });
});

describe('what is remembered', () => {
  it('is forgotten when it is 2 s old, so that memory is bounded', async () => {
    const recent = new RecentReactions(Date.now);
    for (let n = 0; n < 1_000; n++) recent.note(String(n), { at: Date.now() });
    expect(recent.size).toBe(1_000);
    const end = Date.now() + 10_000;
    while (recent.size > 0 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(recent.size).toBe(0);
  });

  it('is the latest, also when the log brings an earlier one afterwards', () => {
    const recent = new RecentReactions(clock.read);
    recent.note('k', { at: clock.ms });
    recent.note('k', { at: clock.ms - 1_900 });
    expect(recent.get('k', clock.ms + 1_000)).toEqual({ at: clock.ms });
  });

  it('says nothing once the clock was set back', () => {
    const recent = new RecentReactions(clock.read);
    recent.note('k', { at: clock.ms });
    expect(recent.get('k', clock.ms + 1)).toBeDefined();
    expect(recent.get('k', clock.ms - 60_000)).toBeUndefined();
  });
});

/** The store, with appends that wait until they are let go, or failed. */
function holding(store: EventStore) {
  const gates: ((error?: Error) => void)[] = [];
  const arrivals: (() => void)[] = [];
  const append = async (...given: Parameters<EventStore['append']>) => {
    await new Promise<void>((resolve, reject) => {
      gates.push((error) => (error ? reject(error) : resolve()));
      arrivals.shift()?.();
    });
    return store.append(...given);
  };
  return {
    store: { append, retain: store.retain.bind(store), readAll: store.readAll.bind(store) },
    /** Resolves when an append waits. */
    arrived: async (): Promise<void> => {
      if (gates.length === 0) await new Promise<void>((resolve) => arrivals.push(resolve));
    },
    letGo: (error?: Error): void => gates.shift()?.(error),
  };
}
