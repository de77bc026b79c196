import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { clusterStage } from '../faults/cluster-stage.js';
import { EnvelopeClient, none, SocketIoSpeaker } from './support/envelope.js';
import { tokenFor, type ServerProcess } from './support/server.js';

let stage: Awaited<ReturnType<typeof clusterStage>>;
let nodes: [ServerProcess, ServerProcess];

beforeAll(async () => {
  stage = await clusterStage();
  await stage.startWorker();
  nodes = await Promise.all([stage.startApi(), stage.startApi()]);
});

afterAll(async () => {
  await stage.close();
  await stage.remove();
});

it('the same event.id is the same command on every node, and events reach people over each of them', async () => {
  const token = await tokenFor('admin', ['admin']);
  const one = await EnvelopeClient.signedIn(nodes[0], token);
  const other = await SocketIoSpeaker.signedIn(nodes[1], token);
  const first = await one.reply('room.create', { name: 'Hall' }, 'e-1');
  const { data } = first;
  const { room, ...config } = data as { readonly room: string };
  expect(await other.hear('room.create')).toEqual({ data: config, error: none });
  expect(await other.ask('room.create', { name: 'Hall' }, 'e-1')).toEqual({ data, error: none });
  const elsewhere = await EnvelopeClient.signedIn(nodes[1], token);
  expect(await elsewhere.reply('room.create', { name: 'Hall' }, 'e-1')).toEqual(first);
  expect((await elsewhere.ask('room.create', { name: 'Hall' }, 'e-2')).error.code).toBe(409);
  // What is decided at the same moment on both is done once.
  const patch = { room, description: 'once' };
  const [here, there] = await Promise.all([
    one.ask('room.config.patch', patch, 'e-3'),
    other.ask('room.config.patch', patch, 'e-3'),
  ]);
  expect(there).toEqual(here);
  expect(await elsewhere.ask('room.config.patch', { room, description: 'later' }, 'e-3')).toEqual(here);
  const patches: string[] = [];
  for await (const { stream } of stage.log.readAll({ filter: { types: ['RoomConfigPatched'] } })) patches.push(stream);
  expect(patches).toEqual([`room-${room}`]);
  const { error } = await elsewhere.ask('room.schedule', { room, schedule_data: null }, 'e-3');
  expect(error).toEqual({ status: true, code: 400, message: expect.stringContaining('event.id') });
  other.close();
});
