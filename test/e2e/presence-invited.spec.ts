import { afterAll, beforeAll, expect, it } from '@jest/globals';
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

async function roomWithInvite(name: string): Promise<{ readonly room: string; readonly invite_token: string }> {
  const { room } = await admin.call<{ room: string }>('room.create', { name });
  const { url } = await admin.call<{ url: string }>('room.invite.anonymous.link', { room });
  return { room, invite_token: url.split('/').at(-1) ?? '' };
}

/** Ids of those the admin sees in a room. */
async function viewersOf(room: string): Promise<string[]> {
  const { viewers } = await admin.call<{ viewers: { id: string }[] }>('room.enter', { room });
  return viewers.map(({ id }) => id).filter((id) => id !== 'admin');
}

it('an invited person takes nothing from the plain one of the same client_id, and gets nothing of theirs', async () => {
  const { room, invite_token } = await roomWithInvite('Hall');
  await viewersOf(room);
  const told: unknown[] = [];
  admin.onEvent(({ name, body }) => name.startsWith('room.viewer.') && told.push([name, body]));
  const invited = await Guest.signIn(server, { client_id: 'x', invite_token });
  expect((await invited.call('room.enter', { room })).code).toBe('success');
  const plain = await Guest.signIn(server, { client_id: 'x' });
  expect((await plain.call('room.enter', { room })).code).toBe('success');
  expect(await viewersOf(room)).toEqual(['client:x']);
  // A command id of one is not the other's.
  expect((await invited.call('room.react', { room, reaction: '👏', command_id: 'one' })).code).toBe('success');
  const schedule = { room, schedule_data: null, command_id: 'one' };
  expect((await plain.call('room.schedule', schedule)).code).toBe('protocol.denied');
  const left = new Promise<void>((resolve) => admin.onEvent(({ name }) => name === 'room.viewer.removed' && resolve()));
  plain.close();
  await left;
  expect(await viewersOf(room)).toEqual([]);
  expect(told).toEqual([
    ['room.viewer.added', { user: { id: 'client:x', profile: {} } }],
    ['room.viewer.removed', { user_id: 'client:x' }],
  ]);
  invited.close();
});

it('an invited person does not count in the connection limit of the plain one', async () => {
  const { invite_token } = await roomWithInvite('Foyer');
  await admin.call('world.config.patch', { connection_limit: 1 });
  const plain = await Guest.signIn(server, { client_id: 'z' });
  await Guest.signIn(server, { client_id: 'z', invite_token });
  expect(await plain.socket.ask(['ping', 1])).toEqual(['pong', 1]);
  // The limit itself holds for each of them.
  await Guest.signIn(server, { client_id: 'z' });
  expect((await plain.socket.closed).code).toBeGreaterThan(4000);
});
