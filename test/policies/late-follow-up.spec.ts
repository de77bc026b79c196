import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  openEmbeddedEventStore,
  type EmbeddedEventStore,
} from '../../src/event-store/embedded/embedded-event-store.js';
import type { CommandContext } from '../../src/eventsourcing/decider.js';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import { CommandLoop } from '../../src/eventsourcing/handle.js';
import { EventRegistry } from '../../src/eventsourcing/registry.js';
import { roomDirectory } from '../../src/rooms/room-directory.js';
import { emptyConfig } from '../../src/rooms/room-fields.js';
import { changeListing, roomDirectoryPolicy } from '../../src/rooms/rooms.policy.js';
import { rooms } from '../../src/rooms/rooms.js';
import { alice } from '../spec/decider-spec.js';

const registry = new EventRegistry(roomDirectory.events, rooms.events);

let dir: string;
let store: EmbeddedEventStore;
/** Two servers on one log. */
let [here, there]: CommandLoop[] = [];
let room: string;
let commands = 0;

const context = (action = 'room.config.patch'): CommandContext => ({ ...alice, action, commandId: `c-${++commands}` });
const serverOf = (loop: CommandLoop | undefined): CommandLoop => {
  if (!loop) throw new Error('there is no such server');
  return loop;
};
const patch = (fields: object) => ({ type: 'PatchRoomConfig', room, ...fields }) as const;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'convoke-follow-ups-'));
  store = await openEmbeddedEventStore({ dir });
  [here, there] = [new CommandLoop(store, registry), new CommandLoop(store, registry)];
  const register = { type: 'RegisterRoom', name: 'Hall', defaults: emptyConfig } as const;
  ({ room } = await changeListing(serverOf(here), register, { context: context('room.create'), onlyResend: false }));
});

afterEach(async () => {
  await store.close();
  await rm(dir, { recursive: true });
});

/** What the server does until it is killed: only the directory has decided. */
async function cutOff(fields: object): Promise<{ event: RecordedEvent; by: CommandContext }> {
  const by = context();
  const { revision } = await serverOf(here).handle(roomDirectory, patch(fields), by);
  for await (const event of store.readStream('room_directory-demo', { from: revision })) return { event, by };
  throw new Error('nothing was decided');
}

async function configOf(): Promise<object> {
  const state = await new CommandLoop(store, registry).stateOf(rooms, room);
  return state.status === 'open' ? state.config : {};
}

describe('a follow-up of the directory that comes late', () => {
  it('undoes nothing that was patched over another server since, and does the rest', async () => {
    await serverOf(there).handle(rooms, patch({ picture: 'before' }), context());
    const { event, by } = await cutOff({ name: 'Aula', description: 'late', picture: 'late', force_join: true });
    await serverOf(there).handle(rooms, patch({ description: 'newer' }), context());
    // Even where it was patched to what it had been.
    await serverOf(there).handle(rooms, patch({ force_join: false }), context());
    await roomDirectoryPolicy.react(event, serverOf(there));
    const expected = { name: 'Aula', description: 'newer', picture: 'late', force_join: false };
    expect(await configOf()).toMatchObject(expected);
    // Once more, and asked for again by the client: it was done.
    await roomDirectoryPolicy.react(event, serverOf(here));
    const head = await store.head();
    await changeListing(serverOf(here), patch({ name: 'Aula' }), { context: by, onlyResend: false });
    expect([await configOf(), await store.head()]).toMatchObject([expected, head]);
  });

  it('leaves the newest decision as a whole, in whatever order they come', async () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ]) {
      const decided = [
        await cutOff({ name: `Old ${commands}`, description: 'old', sorting_priority: 7 }),
        await cutOff({ name: 'New', description: 'new' }),
      ];
      for (const index of order) {
        const { event } = decided[index] ?? {};
        if (event) await roomDirectoryPolicy.react(event, serverOf(there));
      }
      expect(await configOf()).toMatchObject({ name: 'New', description: 'new' });
    }
  });
});
