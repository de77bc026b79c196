import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chainProblem } from '../../src/eventsourcing/hash-chain.js';
import type { PresenceEvent } from '../../src/presence/presence.js';
import { codeOf } from './outcomes.js';
import { eventsOf } from './stored-log.js';
import { connectAs, temporaryServers, type ServerProcess, type SocketClient } from './support/server.js';

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;
let room: string;

beforeEach(async () => {
  servers = await temporaryServers();
  server = await servers.start({ env: { RATE_LIMIT: 'off' } });
  const admin = await connectAs(server, 'admin', ['admin']);
  ({ room } = await admin.call<{ room: string }>('room.create', { name: 'Hall' }));
});
afterEach(() => servers.remove());

const viewers = async (client: SocketClient): Promise<string[]> => {
  const reply = await client.call<{ viewers: { id: string }[] }>('room.enter', { room });
  return reply.viewers.map(({ id }) => id);
};

/** Who entered and left, in the order of the log; the streams' hash chains are looked at on the way. */
async function recorded(): Promise<string[]> {
  const heads = new Map<string, string>();
  const all = await eventsOf(servers.dataDir);
  return all.flatMap((event) => {
    if (!event.stream.startsWith('presence-')) return [];
    expect(chainProblem(heads.get(event.stream) ?? '', event)).toBeUndefined();
    heads.set(event.stream, event.metadata.hash ?? '');
    const { type, data } = event as typeof event & PresenceEvent;
    expect(event.metadata).toMatchObject({ actorId: data.userId, world: 'demo', schema: 1 });
    return [type === 'ViewerEntered' ? `${data.userId} in` : `${data.userId} ${data.reason}`];
  });
}

describe('a server that was killed', () => {
  it('has nobody in its rooms when it is back but those who entered again, and the log says so', async () => {
    for (const user of ['ann', 'bob', 'cat']) await viewers(await connectAs(server, user, ['moderator']));
    await server.kill9();
    expect(await recorded()).toEqual(['ann in', 'bob in', 'cat in']);
    const again = await servers.start({ env: { RATE_LIMIT: 'off' } });
    const [bob, dan] = [await connectAs(again, 'bob', ['moderator']), await connectAs(again, 'dan', ['moderator'])];
    // Right away: nobody was let in before those of the last run were out.
    expect(await viewers(bob)).toEqual(['bob']);
    expect(await viewers(dan)).toEqual(['bob', 'dan']);
    expect(await bob.waitFor(({ name }) => name.startsWith('room.viewer.'))).toMatchObject({
      name: 'room.viewer.added',
      body: { user: { id: 'dan', profile: {} } },
    });
    const lost = ['ann', 'bob', 'cat'].map((user) => `${user} lost`);
    expect(await recorded()).toEqual(['ann in', 'bob in', 'cat in', ...lost, 'bob in', 'dan in']);
  });
});

describe('a server that is stopped', () => {
  it('records that everyone left before it ends', async () => {
    for (const user of ['ann', 'bob']) await viewers(await connectAs(server, user, ['moderator']));
    expect(await server.stop()).toBe(0);
    expect((await recorded()).toSorted()).toEqual(['ann closed', 'ann in', 'bob closed', 'bob in']);
    const again = await servers.start();
    expect(await viewers(await connectAs(again, 'eve', ['moderator']))).toEqual(['eve']);
  });
});

describe('a room that is deleted', () => {
  it('is left by its people in the log, and nobody leaves it twice', async () => {
    const [ann, admin] = [
      await connectAs(server, 'ann', ['moderator']),
      await connectAs(server, 'admin', ['admin'], {}),
    ];
    await viewers(ann);
    await admin.call('room.delete', { room });
    expect(await codeOf(viewers(ann))).toBe('room.unknown');
    await ann.call('room.leave', { room });
    await ann.close();
    expect(await server.stop()).toBe(0);
    expect(await recorded()).toEqual(['ann in', 'ann deleted']);
  });
});
