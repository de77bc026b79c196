import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventRegistry } from '../../src/event-registry.js';
import { EventTooLarge, StoreUnavailable } from '../../src/event-store/event-store.js';
import { chainProblem } from '../../src/eventsourcing/hash-chain.js';
import { PresenceLog } from '../../src/presence/presence-log.js';
import { presenceStream } from '../../src/presence/presence.js';
import { Register, type RegisterOptions } from '../../src/presence/register.js';
import { openStores, type Stores } from '../projections/stores.js';
import { recorded } from '../spec/decider-spec.js';
import { declareLost, peopleIn, silent, startNode } from './nodes.js';

let stores: Stores;

beforeAll(async () => {
  stores = await openStores();
});
afterAll(() => stores.close());

const who = (userId: string) => ({ userId, profile: { display_name: userId } });

/** The stream is one unbroken chain. */
async function expectSound(stream: string): Promise<void> {
  let hash = '';
  for await (const event of stores.store.readStream(stream)) {
    expect(chainProblem(hash, event)).toBeUndefined();
    hash = event.metadata.hash ?? '';
  }
}

describe('what others write', () => {
  it('is known wholly or not at all: a read that is cut off begins anew', async () => {
    let cut = false;
    const store: RegisterOptions['store'] = {
      append: (stream, expected, events) => stores.store.append(stream, expected, events),
      async *readStream(stream, options) {
        let n = 0;
        for await (const event of stores.store.readStream(stream, options)) {
          if (cut && n++ === 1) {
            cut = false;
            throw new StoreUnavailable('cut off');
          }
          yield event;
        }
      },
    };
    const node = await startNode(stores, 'torn', store);
    for (const user of ['ann', 'bob']) await node.register.enter({}, 'torn', 'demo', who(user));
    cut = true;
    await declareLost(stores.store, 'torn', 'torn');
    await node.settled();
    expect(cut).toBe(false);
    expect(await peopleIn(stores.store, presenceStream('torn', 'torn'))).toEqual(['ann', 'bob']);
    await expectSound(presenceStream('torn', 'torn'));
    await node.end();
  });

  it('is passed over where it cannot be read, and locks nobody out', async () => {
    const node = await startNode(stores, 'foreign');
    const stream = presenceStream('foreign', 'foreign');
    await node.register.enter({}, 'foreign', 'demo', who('ann'));
    const note = { id: randomUUID(), type: 'Note', data: {}, metadata: {} as never };
    await stores.store.append(stream, 'any', [note]);
    const log = new PresenceLog(stores.store, 'foreign', 'foreign', 'demo');
    await log.load();
    const lost = { roomId: 'foreign', userId: 'ann', node: 'foreign', reason: 'lost' } as const;
    await log.append(log.prepare([{ type: 'ViewerLeft', data: lost }]));
    await node.settled();
    // What came behind it counts: `ann` was brought back.
    expect(await node.register.enter({}, 'foreign', 'demo', who('bob'))).toBe(true);
    const types: string[] = [];
    for await (const { type } of stores.store.readStream(stream)) types.push(type);
    expect(types).toEqual(['ViewerEntered', 'Note', 'ViewerLeft', 'ViewerEntered', 'ViewerEntered']);
    await node.end();
  });

  it.each(['RoomDeleted', 'ViewerLeft'])('does no harm: %s without data', (type) => {
    const live = { reached: () => undefined };
    const register = new Register({ ...stores, registry: eventRegistry, node: 'null', live, log: silent });
    expect(() => register.follow([recorded({ type, data: null as never })])).not.toThrow();
  });

  it('does not empty the room of another world', async () => {
    const node = await startNode(stores, 'worlds');
    const tab = {};
    await node.register.enter(tab, 'worlds', 'demo', who('ann'));
    const deleted = recorded({ type: 'RoomDeleted', data: { roomId: 'worlds' } });
    node.register.follow([{ ...deleted, metadata: { ...deleted.metadata, world: 'other' } }]);
    await node.settled();
    expect(await peopleIn(stores.store, presenceStream('worlds', 'worlds'))).toEqual(['ann']);
    await node.end();
  });
});

describe('an append over the limit of the store', () => {
  const limit = 1024 * 1024;
  /** As EventStoreDB: the limit is on all events of an append together. */
  function limited(most = limit) {
    const sizes: number[] = [];
    const store: RegisterOptions['store'] = {
      readStream: (stream, options) => stores.store.readStream(stream, options),
      append: (stream, expected, events) => {
        const size = Buffer.byteLength(JSON.stringify(events));
        sizes.push(size);
        if (size > most) return Promise.reject(new EventTooLarge('over the limit'));
        return stores.store.append(stream, expected, events);
      },
    };
    return { store, sizes };
  }
  const large = (userId: string, bytes: number) => ({ userId, profile: { avatar: 'y'.repeat(bytes) } });
  const crowd = Array.from({ length: 500 }, (_one, n) => large(`u${n}`, 2_500));

  it('is not sent: many large profiles go in several', async () => {
    const { store, sizes } = limited();
    const node = await startNode(stores, 'crowd', store);
    await Promise.all(crowd.map((one) => node.register.enter({}, 'crowd', 'demo', one)));
    expect(node.viewers.size('crowd')).toBe(500);
    expect(Math.max(...sizes)).toBeLessThan(limit * 0.75);
    await node.end();
  });

  it('is halved until it fits where the store takes less, and keeps the profiles', async () => {
    const { store } = limited(20_000);
    const node = await startNode(stores, 'halved', store);
    const some = crowd.slice(0, 40);
    await Promise.all(some.map((one) => node.register.enter({}, 'halved', 'demo', one)));
    expect(node.viewers.of('halved').map(({ profile }) => profile)).toEqual(some.map(({ profile }) => profile));
    await expectSound(presenceStream('halved', 'halved'));
    await node.end();
  });

  it('for one person alone is recorded without the profile, and locks nobody out', async () => {
    const { store } = limited(20_000);
    const node = await startNode(stores, 'giant', store);
    const all = [who('ann'), large('bob', 30_000), who('cat')];
    await Promise.all(all.map((one) => node.register.enter({}, 'giant', 'demo', one)));
    expect(node.viewers.of('giant').map(({ id, profile }) => [id, profile])).toEqual([
      ['ann', { display_name: 'ann' }],
      ['bob', {}],
      ['cat', { display_name: 'cat' }],
    ]);
    await node.end();
  });
});

it('who came with an invite is another person than the plain one of the same id', async () => {
  const node = await startNode(stores, 'two');
  const plain = { userId: 'client:x', profile: { display_name: 'X' } };
  const invited = { userId: 'client:x', profile: {}, anonymous: { room: 'two' } };
  const [plainTab, invitedTab] = [{}, {}];
  await node.register.enter(invitedTab, 'two', 'demo', invited);
  expect([node.viewers.size('two'), node.viewers.of('two')]).toEqual([1, []]);
  await node.register.enter(plainTab, 'two', 'demo', plain);
  expect([node.viewers.size('two'), node.viewers.of('two').map(({ id }) => id)]).toEqual([2, ['client:x']]);
  node.register.leaveAll(plainTab, plain);
  await node.settled();
  expect([node.viewers.size('two'), node.viewers.of('two')]).toEqual([1, []]);
  expect(node.changes.flatMap(({ type, room }) => (room === 'two' && type !== 'fullness' ? [type] : []))).toEqual([
    'added',
    'removed',
  ]);
  // As after a crash of this node: both are found, each as who they are.
  await node.register.enter(plainTab, 'two', 'demo', plain);
  expect([...node.viewers.on('two')].map(({ anonymous }) => anonymous)).toEqual([{ room: 'two' }, undefined]);
  node.register.leaveAll(invitedTab, invited);
  await node.settled();
  expect([node.viewers.size('two'), node.viewers.of('two').map(({ id }) => id)]).toEqual([1, ['client:x']]);
  await node.end();
});
