import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PresenceLog } from '../../src/presence/presence-log.js';
import { connectAs, type ServerProcess, type SocketClient } from '../e2e/support/server.js';
import { clusterStage } from './cluster-stage.js';
import { isLong } from './scale.js';

let stage: Awaited<ReturnType<typeof clusterStage>>;
let one: ServerProcess;
let two: ServerProcess;
let room: string;

beforeAll(async () => {
  stage = await clusterStage();
  await stage.startWorker();
  [one, two] = await Promise.all([stage.startApi(), stage.startApi()]);
  await Promise.all([one.ready(), two.ready()]);
  const admin = await connectAs(one, 'admin', ['admin']);
  ({ room } = await admin.call<{ room: string }>('room.create', { name: 'Hall' }));
});

afterAll(async () => {
  await stage.close();
  await stage.remove();
});

type Viewers = { readonly viewers: readonly { readonly id: string }[] };
const enter = async (client: SocketClient): Promise<string[]> => {
  const { viewers } = await client.call<Viewers>('room.enter', { room });
  return viewers.map(({ id }) => id).toSorted();
};
/** A person with room:viewers on a node that has read as far as the room's creation. */
async function enterAs(server: ServerProcess, user: string): Promise<SocketClient> {
  const client = await connectAs(server, user, ['moderator']);
  const isKnown = (): Promise<boolean> =>
    enter(client).then(
      () => true,
      () => false,
    );
  // oxlint-disable-next-line no-await-in-loop -- the other node may be a moment behind
  while (!(await isKnown())) await new Promise((resolve) => setImmediate(resolve));
  return client;
}
const nextOf = async (client: SocketClient, timeoutMs?: number): Promise<unknown> => {
  const { name, body } = await client.waitFor((event) => event.name.startsWith('room.viewer.'), timeoutMs);
  return [name, body];
};
const removed = (user_id: string): unknown => ['room.viewer.removed', { user_id }];

describe('two nodes over one log', () => {
  it('tell of a person once, whichever nodes their tabs are on', async () => {
    const watcher = await enterAs(one, 'watcher');
    const here = await enterAs(one, 'ann');
    expect(await nextOf(watcher)).toEqual(['room.viewer.added', { user: { id: 'ann', profile: {} } }]);
    const there = await enterAs(two, 'ann');
    expect(await enter(there)).toEqual(['ann', 'watcher']);
    await here.close();
    const bob = await enterAs(two, 'bob');
    // Nothing was told of the tab on the other node, nor of the end of this one.
    expect(await nextOf(watcher)).toEqual(['room.viewer.added', { user: { id: 'bob', profile: {} } }]);
    await there.call('room.leave', { room });
    expect(await nextOf(watcher)).toEqual(removed('ann'));
    expect(await nextOf(bob)).toEqual(removed('ann'));
    await bob.close();
    expect(await nextOf(watcher)).toEqual(removed('bob'));
    await Promise.all([watcher.close(), there.close()]);
  });

  it('bring back people of a node that was taken for lost; those people hear nothing of it', async () => {
    const watcher = await enterAs(one, 'watcher');
    const eve = await enterAs(two, 'eve');
    expect(await nextOf(watcher)).toEqual(['room.viewer.added', { user: { id: 'eve', profile: {} } }]);
    let node = '';
    for await (const { data } of stage.log.readAll({ filter: { types: ['ViewerEntered'] } })) {
      if (data.userId === 'eve') node = String(data.node);
    }
    // What a node does that has not seen the other's counter move.
    const log = new PresenceLog(stage.log, room, node, 'demo');
    await log.load();
    await log.append(
      log.prepare([{ type: 'ViewerLeft', data: { roomId: room, userId: 'eve', node, reason: 'lost' } }]),
    );
    expect(await nextOf(watcher)).toEqual(removed('eve'));
    expect(await nextOf(watcher)).toEqual(['room.viewer.added', { user: { id: 'eve', profile: {} } }]);
    const fay = await enterAs(two, 'fay');
    expect(await nextOf(eve)).toEqual(['room.viewer.added', { user: { id: 'fay', profile: {} } }]);
    await Promise.all([eve.close(), fay.close()]);
    const rest = [await nextOf(watcher), await nextOf(watcher), await nextOf(watcher)];
    expect(rest[0]).toEqual(['room.viewer.added', { user: { id: 'fay', profile: {} } }]);
    expect(rest.slice(1)).toEqual(expect.arrayContaining([removed('eve'), removed('fay')]));
    await watcher.close();
  });

  it('are rid of a stopped node’s people at once', async () => {
    const watcher = await enterAs(one, 'watcher');
    const third = await stage.startApi();
    await enterAs(third, 'cat');
    expect(await nextOf(watcher)).toEqual(['room.viewer.added', { user: { id: 'cat', profile: {} } }]);
    const left = nextOf(watcher);
    expect(await third.stop()).toBe(0);
    expect(await left).toEqual(removed('cat'));
    await watcher.close();
  });

  async function killed(): Promise<void> {
    const watcher = await enterAs(one, 'watcher');
    await enterAs(two, 'dan');
    expect(await nextOf(watcher)).toEqual(['room.viewer.added', { user: { id: 'dan', profile: {} } }]);
    await two.kill9();
    const at = performance.now();
    expect(await nextOf(watcher, 45_000)).toEqual(removed('dan'));
    expect(performance.now() - at).toBeGreaterThan(15_000);
  }
  // The short form of this is in test/presence/janitor.spec.ts, with quicker looks.
  (isLong ? it : it.skip)('are rid of a killed node’s people after half a minute', killed, 90_000);
});
