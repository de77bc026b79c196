import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Guest } from './guest.js';
import { connectAs, temporaryServers, type ServerProcess, type SocketClient } from './support/server.js';

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;
let admin: SocketClient;

beforeAll(async () => {
  servers = await temporaryServers();
  server = await servers.start();
  admin = await connectAs(server, 'admin', ['admin']);
});

afterAll(() => servers.remove());

describe('reactions as events', () => {
  it('can be followed in the log by who may see who is in the room, and by who reacted; anonymous ones by nobody', async () => {
    const { room } = await admin.call<{ room: string }>('room.create', { name: 'Hall' });
    const { url } = await admin.call<{ url: string }>('room.invite.anonymous.link', { room });
    const invite_token = url.split('/').at(-1) ?? '';
    const [ann, bob] = [await connectAs(server, 'ann'), await connectAs(server, 'bob')];
    const guest = await Guest.signIn(server, { client_id: 'x', invite_token });
    const plain = await Guest.signIn(server, { client_id: 'x' });
    for (const one of [guest, plain]) {
      expect(await one.call('room.react', { room, reaction: '👏' })).toMatchObject({ code: 'success' });
    }
    await ann.call('room.react', { room, reaction: '👍' });
    const followed = async (client: SocketClient, topics: readonly string[]): Promise<unknown[]> => {
      const found: unknown[] = [];
      client.onEvent(({ name, body }) => {
        const { type, data } = body as { type: string; data: { roomId: string } };
        if (name === 'event' && type === 'ReactionAdded' && data.roomId === room) found.push(data);
      });
      await client.call('events.subscribe', { topics, after: 'start' });
      await client.waitFor(({ name }) => name === 'caught_up');
      return found;
    };
    const byAnn = { roomId: room, userId: 'ann', emoji: '👍' };
    expect(await followed(admin, [`room:${room}`])).toEqual([{ ...byAnn, userId: 'client:x', emoji: '👏' }, byAnn]);
    expect(await followed(ann, [`room:${room}`, 'user:ann'])).toEqual([byAnn]);
    expect(await followed(bob, [`room:${room}`])).toEqual([]);
  });
});
