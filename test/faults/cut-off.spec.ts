import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventRegistry } from '../../src/event-registry.js';
import { openEmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import type { CommandContext } from '../../src/eventsourcing/decider.js';
import { CommandLoop } from '../../src/eventsourcing/handle.js';
import { roomDirectory, type RoomDirectoryCommand } from '../../src/rooms/room-directory.js';
import { emptyConfig } from '../../src/rooms/room-fields.js';
import { changeListing } from '../../src/rooms/rooms.policy.js';
import { rooms, type Room } from '../../src/rooms/rooms.js';
import { connectAs, temporaryServers } from '../e2e/support/server.js';
import { followUpProblems, logProblems, readLog } from './oracle.js';

const by = (commandId: string, action: string): CommandContext => ({
  commandId,
  action,
  correlationId: randomUUID(),
  causationId: commandId,
  actorId: 'ada',
  world: 'demo',
  now: new Date().toISOString(),
});
const register = (name: string) => ({ type: 'RegisterRoom', name, defaults: emptyConfig }) as const;

let servers: Awaited<ReturnType<typeof temporaryServers>>;

beforeEach(async () => {
  servers = await temporaryServers();
});
afterEach(() => servers.remove());

/** Runs on the log of a stopped server. */
async function withLoop<T>(work: (loop: CommandLoop) => Promise<T>): Promise<T> {
  const store = await openEmbeddedEventStore({ dir: join(servers.dataDir, 'log') });
  try {
    return await work(new CommandLoop(store, eventRegistry));
  } finally {
    await store.close();
  }
}

/** Both appends, as a command makes them. */
async function create(loop: CommandLoop, id: string, name: string): Promise<string> {
  return (await changeListing(loop, register(name), { context: by(id, 'room.create'), onlyResend: false })).room;
}

/** Only the first of the two, as a kill before the second would leave it. */
async function cutOff(loop: CommandLoop, id: string, action: string, command: RoomDirectoryCommand): Promise<void> {
  await loop.handle(roomDirectory, command, by(id, action));
}

describe('a kill between the append to the directory and the append to the room', () => {
  it('is made good before anyone is let in, and a resend is answered as if nothing had been', async () => {
    const [renamed, deleted] = await withLoop(async (loop) => {
      const hall = await create(loop, 'c1', 'Hall');
      const attic = await create(loop, 'c2', 'Attic');
      const changes = { name: 'Great Hall', description: 'Large' };
      await cutOff(loop, 'c3', 'room.config.patch', { type: 'PatchRoomConfig', room: hall, ...changes });
      await cutOff(loop, 'c4', 'room.delete', { type: 'DeleteRoom', room: attic });
      await cutOff(loop, 'c5', 'room.create', register('Garden'));
      return [hall, attic];
    });
    const server = await servers.start();
    const ada = await connectAs(server, 'ada', ['admin']);
    expect(await ada.welcome).toMatchObject({
      'world.config': {
        rooms: [
          { id: renamed, name: 'Great Hall', description: 'Large' },
          { name: 'Garden', sorting_priority: 2 },
        ],
      },
    });

    const patch = { room: renamed, name: 'Great Hall', description: 'Large', command_id: 'c3' };
    const great = { id: renamed, name: 'Great Hall', description: 'Large', sorting_priority: 1 };
    expect(await ada.call('room.config.patch', patch)).toMatchObject(great);
    expect(await ada.call('room.delete', { room: deleted, command_id: 'c4' })).toEqual({});
    const garden = await ada.call<{ id: string; room: string }>('room.create', { name: 'Garden', command_id: 'c5' });
    expect(garden).toMatchObject({ room: garden.id, name: 'Garden', sorting_priority: 2 });
    expect(await ada.call('room.config.list')).toMatchObject([great, { id: garden.id }]);
    await server.kill9();

    const events = await readLog(servers.dataDir);
    expect(await logProblems(servers.dataDir, events)).toEqual([]);
    expect(followUpProblems(events)).toEqual([]);
    // Two created with two events each, one patched, one deleted, one created: nothing twice.
    expect(events.filter(({ stream }) => stream.startsWith('room-'))).toHaveLength(8);
  });

  it('never lets an old follow-up overtake a command given after the restart', async () => {
    const room = await withLoop(async (loop) => {
      const hall = await create(loop, 'c0', 'Hall');
      // So many that they take longer than the first client needs to get in.
      for (let i = 1; i <= 300; i++) {
        const changes = { sorting_priority: i, description: `Old ${i}` };
        await cutOff(loop, `c${i}`, 'room.config.patch', { type: 'PatchRoomConfig', room: hall, ...changes });
      }
      return hall;
    });
    const server = await servers.start();
    const ada = await connectAs(server, 'ada', ['admin']);
    await ada.call('room.config.patch', { room, description: 'New' });
    await server.stop();
    const { config } = await withLoop((loop) => loop.stateOf(rooms, room)).then(opened);
    expect(config.description).toBe('New');
  });
});

function opened(room: Room): Extract<Room, { status: 'open' }> {
  if (room.status !== 'open') throw new Error(`the room is ${room.status}`);
  return room;
}
