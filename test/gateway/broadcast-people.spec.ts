import { afterEach, describe, expect, it } from '@jest/globals';
import { type Client, Harness, until } from './harness.js';
import { connectTo, endClients } from './socket-io-parts.js';

let harness: Harness;
afterEach(async () => {
  endClients();
  await harness.stop();
});

const told = (n: number): unknown => ['told', { n }];

/** What a client of the array dialect has heard up to now. */
async function heard(client: Client): Promise<unknown[]> {
  client.send(['ping', 'end']);
  const frames: unknown[] = [];
  for (let frame = await client.next(); JSON.stringify(frame) !== '["pong","end"]'; frame = await client.next()) {
    frames.push(frame);
  }
  return frames;
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('what is published to people', () => {
  it('is heard once on each of their connections, in whatever dialect, and by nobody else', async () => {
    harness = await Harness.start();
    const [one, two, bob, carol] = [
      await harness.client('alice'),
      await harness.client('alice'),
      await harness.client('bob'),
      await harness.client('carol'),
    ];
    const elsewhere = await harness.client('alice', {}, '/ws/world/other');
    const unknown = await harness.client();
    const envelope = await harness.client('alice', {}, '/ws/network/demo');
    const socketIo = await connectTo(harness, 'alice');
    harness.broadcast.publishTo('demo', ['alice', 'bob', 'alice', 'nobody'], 'told', { n: 1 });
    harness.broadcast.publishTo('demo', [], 'told', { n: 2 });
    harness.broadcast.publishTo('demo', ['bob'], 'told', { n: 3 });
    expect(await envelope.next()).toMatchObject({ endpoint: 'told', data: { n: 1 } });
    expect(await socketIo.next('told')).toMatchObject([{ data: { n: 1 } }]);
    expect(socketIo.told).toEqual([]);
    expect(await heard(one)).toEqual([told(1)]);
    expect(await heard(two)).toEqual([told(1)]);
    expect(await heard(bob)).toEqual([told(1), told(3)]);
    for (const client of [carol, elsewhere, unknown]) expect(await heard(client)).toEqual([]);
  });

  it('would reach whom it says it would', async () => {
    harness = await Harness.start();
    await harness.client('alice');
    await harness.client('bob', {}, '/ws/world/demo?deprecated=1');
    await harness.client('carol#room');
    const reaches = (world: string, ...people: string[]) => [
      harness.broadcast.hasPeople(world, people),
      harness.broadcast.hasPeople(world, people, { deprecated: true }),
    ];
    expect(reaches('demo', 'nobody', 'alice')).toEqual([true, false]);
    expect(reaches('demo', 'alice', 'bob')).toEqual([true, true]);
    expect(reaches('demo', 'carol')).toEqual([false, false]);
    expect(reaches('other', 'alice', 'bob')).toEqual([false, false]);
    expect(reaches('demo')).toEqual([false, false]);
  });

  it('keeps its order with what is published on topics in the same tick', async () => {
    harness = await Harness.start();
    const [alice, bob] = [await harness.client('alice'), await harness.client('bob')];
    const { broadcast } = harness;
    for (const name of ['alice', 'bob']) broadcast.join(harness.connectionOf(name), 't');
    for (let round = 0; round < 10; round++) {
      for (let n = 0; n < 12; n++) {
        if (n % 3 === 1) broadcast.publishTo('demo', ['alice'], 'told', { n });
        else if (n % 3 === 2) broadcast.publishTo('demo', ['bob', 'alice'], 'told', { n });
        else broadcast.publish('t', 'told', { n });
      }
      await nextTurn();
      expect(await heard(alice)).toEqual([...Array(12).keys()].map(told));
      expect(await heard(bob)).toEqual([...Array(12).keys()].filter((n) => n % 3 !== 1).map(told));
    }
  });

  it('asks for permission at delivery', async () => {
    harness = await Harness.start();
    const [alice, bob] = [await harness.client('alice'), await harness.client('bob')];
    let banned = '';
    harness.broadcast.publishTo('demo', ['alice', 'bob'], 'told', { n: 1 }, ({ userId }) => userId !== banned);
    banned = 'bob';
    harness.broadcast.publishTo('demo', ['alice', 'bob'], 'told', { n: 2 }, () => {
      throw new Error('a broken check');
    });
    await nextTurn();
    expect(await heard(alice)).toEqual([told(1)]);
    expect(await heard(bob)).toEqual([]);
    expect(harness.logged).toHaveLength(2);
  });

  it('is not for one who came with an invite under the same id', async () => {
    harness = await Harness.start();
    const [plain, invited] = [await harness.client('client:x'), await harness.client('client:x#hall')];
    harness.broadcast.publishTo('demo', ['client:x'], 'told', { n: 1 });
    await nextTurn();
    expect(await heard(plain)).toEqual([told(1)]);
    expect(await heard(invited)).toEqual([]);
  });

  it('is, of deprecated endpoints, for connections that asked for it', async () => {
    harness = await Harness.start();
    const [plain, deprecated] = [
      await harness.client('alice'),
      await harness.client('alice', {}, '/ws/world/demo?deprecated=1'),
    ];
    const [other, both] = [
      await harness.client('alice', {}, '/ws/network/demo?deprecated=1'),
      await connectTo(harness, 'alice', { query: { deprecated: '1', timestamps: 'epoch' } }),
    ];
    const body = (n: number): object => ({ n, at: new Date(0) });
    harness.broadcast.publishTo('demo', ['alice'], 'told', body(1), undefined, { deprecated: true });
    harness.broadcast.publishTo('demo', ['alice'], 'told', body(2));
    await nextTurn();
    const at = '1970-01-01T00:00:00.000Z';
    expect(await heard(plain)).toEqual([['told', { n: 2, at }]]);
    expect(await heard(deprecated)).toEqual([1, 2].map((n) => ['told', { n, at }]));
    for (const n of [1, 2]) expect(await other.next()).toMatchObject({ data: { n, at } });
    for (const n of [1, 2]) expect(await both.next('told')).toMatchObject([{ data: { n, at: 0 } }]);
  });

  it('is not heard before the welcome, nor after the end', async () => {
    harness = await Harness.start();
    const { handler, broadcast } = harness;
    const gate: (() => void)[] = [];
    const welcome = handler.welcome.bind(handler);
    handler.welcome = async (...of) => {
      await new Promise<void>((resolve) => gate.push(resolve));
      return welcome(...of);
    };
    const client = await harness.client();
    client.send(['authenticate', { token: 'alice' }]);
    await until(() => gate.length === 1);
    broadcast.publishTo('demo', ['alice'], 'told', { n: 1 });
    await nextTurn();
    broadcast.publishTo('demo', ['alice'], 'told', { n: 2 });
    gate.shift()?.();
    expect(await client.next()).toEqual(['authenticated', { user: 'alice' }]);
    broadcast.publishTo('demo', ['alice'], 'told', { n: 3 });
    expect(await client.next()).toEqual(told(3));
    client.ws.close();
    await until(() => handler.gone.length === 1);
    broadcast.publishTo('demo', ['alice'], 'told', { n: 4 });
    expect(harness.logged).toEqual([]);
  });
});
