import { join } from 'node:path';
import { openEmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import { eventRegistry } from '../../src/event-registry.js';
import { CommandLoop } from '../../src/eventsourcing/handle.js';
import { worlds } from '../../src/identity/worlds.js';
import { connectAs, type ServerProcess, type SocketClient, type SocketEvent } from './support/server.js';

/** A world in which nobody sees a room without a grant; its grants cannot be set over the wire. */
export async function openGatedWorld(dataDir: string, world: string): Promise<void> {
  const store = await openEmbeddedEventStore({ dir: join(dataDir, 'log') });
  const trait_grants = { attendee: [], admin: ['admin'], room_creator: ['creator'] };
  const now = new Date().toISOString();
  const ids = { commandId: 'open', action: 'world.open', correlationId: 'x', causationId: 'x', actorId: 'test' };
  await new CommandLoop(store, eventRegistry).handle(
    worlds,
    { type: 'OpenWorld', trait_grants },
    { ...ids, world, now },
  );
  await store.close();
}

export type Heard = readonly [name: string, body: unknown];
let marks = 0;

/** What each client heard since the last call, all of it: an event everybody hears is waited for. */
export async function heardBy(
  server: Pick<ServerProcess, 'url'>,
  world: string,
  ...clients: readonly SocketClient[]
): Promise<Heard[][]> {
  const name = `mark ${++marks}`;
  const marker = await connectAs(server, 'marker', ['admin'], { world });
  const { room } = await marker.call<{ room: string }>('room.create', { name, trait_grants: { viewer: [] } });
  const isMark = (event: SocketEvent): boolean => (event.body as { id?: unknown } | null)?.id === room;
  const all = await Promise.all(
    clients.map(async (client) => {
      const heard: Heard[] = [];
      for await (const event of client.events()) {
        if (isMark(event)) break;
        heard.push([event.name, event.body]);
      }
      return heard;
    }),
  );
  await marker.call('room.delete', { room });
  await Promise.all(clients.map((client) => client.waitFor((event) => event.name === 'room.delete' && isMark(event))));
  await marker.close();
  return all;
}
