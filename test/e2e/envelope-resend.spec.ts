import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EnvelopeClient, none, SocketIoSpeaker, speakers } from './support/envelope.js';
import { connectAs, temporaryServers, tokenFor, type ServerProcess } from './support/server.js';

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;
beforeAll(async () => {
  servers = await temporaryServers();
  server = await servers.start();
});
afterAll(() => servers.remove());

const created = (data: unknown) => ({ data, error: none });

describe.each(speakers)('the same event.id again, over %s', (name, connect) => {
  it('is answered as the first time, and is another command for another user', async () => {
    const admin = await connect(server, `admin of ${name}`, ['admin']);
    const first = await admin.ask('room.create', { name: `Once ${name}` }, 'e-1');
    expect(first.error).toEqual(none);
    expect(await admin.ask('room.create', { name: `Once ${name}` }, 'e-1')).toEqual(first);
    expect(await admin.ask('room.create', { name: `Other ${name}` }, 'e-1')).toEqual(first);
    const { error } = await admin.ask('room.config.patch', { ...roomOf(first.data), description: 'x' }, 'e-1');
    expect(error).toEqual({ status: true, code: 400, message: expect.stringContaining('event.id') });
    // A query and what is about the connection alone happen again.
    for (let n = 0; n < 2; n++) {
      expect((await admin.ask('room.config.list', {}, 'e-1')).data).toContainEqual(withoutRoom(first.data));
      expect(await admin.ask('room.leave', roomOf(first.data), 'e-1')).toEqual({ error: none });
    }
    const other = await connect(server, `other admin of ${name}`, ['admin']);
    const another = await other.ask('room.create', { name: `Another ${name}` }, 'e-1');
    expect(another.data).not.toMatchObject(roomOf(first.data));
    // A refused command is decided anew.
    expect((await admin.ask('room.create', { name: `Another ${name}` }, 'e-2')).error.code).toBe(409);
    await other.ask('room.delete', roomOf(another.data), 'e-3');
    expect((await admin.ask('room.create', { name: `Another ${name}` }, 'e-2')).error).toEqual(none);
    for (const one of [admin, other]) one.close();
  });
});

it('is the same command in every dialect, and after the server was killed; a number is its text', async () => {
  const token = await tokenFor('admin', ['admin']);
  const raw = await EnvelopeClient.signedIn(server, token);
  const socketIo = await SocketIoSpeaker.signedIn(server, token);
  const array = await connectAs(server, 'admin', ['admin']);
  const first = await raw.reply('room.create', { name: 'Durable' }, 4711);
  const { data } = first;
  expect(await raw.reply('room.create', { name: 'Durable' }, 4711)).toEqual(first);
  expect(await socketIo.ask('room.create', { name: 'Durable' }, '4711')).toEqual(created(data));
  expect(await array.call('room.create', { name: 'Durable', command_id: '4711' })).toEqual(data);
  const patched = await raw.reply('room.config.patch', { ...roomOf(data), name: 'Patched' }, 'p');
  await raw.ask('room.config.patch', { ...roomOf(data), name: 'Patched again' }, 'p-2');
  socketIo.close();

  await server.kill9();
  server = await servers.start();
  const again = await EnvelopeClient.signedIn(server, token);
  expect(await again.reply('room.create', { name: 'Durable' }, 4711)).toEqual(first);
  expect(await again.reply('room.config.patch', { ...roomOf(data), name: 'Patched' }, 'p')).toEqual(patched);
  const socketIoAgain = await SocketIoSpeaker.signedIn(server, token);
  expect(await socketIoAgain.ask('room.config.patch', { ...roomOf(data), name: 'x' }, 'p')).toEqual(
    created(patched.data),
  );
  // What the log remembers of an id, it remembers with its action.
  const { error } = await socketIoAgain.ask('room.schedule', { ...roomOf(data), schedule_data: null }, 'p');
  expect(error).toEqual({ status: true, code: 400, message: expect.stringContaining('event.id') });
  expect((await again.ask('room.config.get', roomOf(data))).data).toMatchObject({ name: 'Patched again' });
  socketIoAgain.close();
});

const roomOf = (data: unknown): object => ({ room: (data as { room: string }).room });

function withoutRoom(data: unknown): object {
  const { room: _room, ...config } = data as { readonly room: string };
  return config;
}
