import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { startProjections } from '../../projections/engine/engine.js';
import { readModels } from '../../projections/read-models.js';
import { eventRegistry } from '../../src/event-registry.js';
import { openEmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import type { JsonObject } from '../../src/eventsourcing/events.js';
import { CommandLoop } from '../../src/eventsourcing/handle.js';
import { Broadcast } from '../../src/gateway/broadcast.js';
import { LiveLog } from '../../src/gateway/live-log.js';
import { Access } from '../../src/identity/access.js';
import { LiveFacts } from '../../src/identity/live-facts.js';
import { worlds } from '../../src/identity/worlds.js';
import { connectReadStore } from '../../src/read-store/connect.js';
import { emptyConfig } from '../../src/rooms/room-fields.js';
import { changeListing } from '../../src/rooms/rooms.policy.js';
import { rooms } from '../../src/rooms/rooms.js';
import { alice } from '../spec/decider-spec.js';

const silent = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined };

/** Everything of a server but its sockets. */
async function openParts() {
  const dir = await mkdtemp(join(tmpdir(), 'convoke-live-'));
  const store = await openEmbeddedEventStore({ dir: join(dir, 'log') });
  const read = await connectReadStore({ dir: join(dir, 'read'), port: 0 });
  const upcast = eventRegistry.read.bind(eventRegistry);
  const projections = startProjections({ store, db: read.db, models: readModels, exclusive: true, upcast });
  const facts = await LiveFacts.open(projections, eventRegistry, store.epoch);
  const live = new LiveLog(store, eventRegistry, facts, new Access(facts), new Broadcast(silent), silent);
  return {
    store,
    loop: new CommandLoop(store, eventRegistry),
    facts,
    live,
    close: async () => {
      await Promise.all([live.stop(), projections.stop()]);
      await read.close();
      await store.close();
      await rm(dir, { recursive: true });
    },
  };
}

describe('the live log', () => {
  it('goes on after events that hold anything, and after listeners that fail', async () => {
    const { store, loop, facts, live, close } = await openParts();
    try {
      const open = { type: 'OpenWorld', trait_grants: { viewer: [] } } as const;
      await loop.handle(worlds, open, { ...alice, commandId: 'open' });
      let heard = 0;
      live.onEvents(() => {
        throw new Error('mine');
      });
      live.onEvents((events) => (heard += events.length));
      await live.start();
      const listing = { type: 'RegisterRoom', name: 'Hall', defaults: emptyConfig } as const;
      const context = { ...alice, commandId: 'create' };
      const { room } = await changeListing(loop, listing, { context, onlyResend: false });
      const metadata = { ...alice, schema: 1, at: alice.now };
      const poison: [type: string, data: JsonObject][] = [
        ['WorldConfigPatched', { patch: { trait_grants: { viewer: 5 } } }],
        ['WorldConfigPatched', { patch: { roles: null } }],
        ['RoomConfigPatched', { roomId: room, patch: { trait_grants: null } }],
        ['RoomConfigPatched', { roomId: room, patch: { trait_grants: { viewer: [[5]] } } }],
        ['RoomDeleted', {}],
      ];
      for (const [n, [type, data]] of poison.entries()) {
        await store.append(`foreign-${n}`, 'no_stream', [{ id: randomUUID(), type, data, metadata }]);
      }
      const { position } = await store.append('foreign-x', 'no_stream', [
        // What no adapter of ours writes, but EventStoreDB would keep.
        { id: randomUUID(), type: 'ViewerLeft', data: JSON.parse('null'), metadata },
      ]);
      await live.reached(position);
      expect(facts.worlds.get('demo')).toMatchObject({ trait_grants: { viewer: [] }, roles: {} });
      expect(facts.rooms.get(room)).toMatchObject({ status: 'open', trait_grants: {} });
      expect(heard).toBeGreaterThanOrEqual(poison.length + 1);
    } finally {
      await close();
    }
  });

  it('holds the facts of a command before its caller goes on, thousands of times', async () => {
    const { loop, facts, live, close } = await openParts();
    try {
      await live.start();
      const ids: string[] = [];
      for (let i = 0; i < 20; i++) {
        const command = { type: 'RegisterRoom', name: `room ${i}`, defaults: emptyConfig } as const;
        const context = { ...alice, commandId: `create ${i}` };
        ids.push((await changeListing(loop, command, { context, onlyResend: false })).room);
      }
      let late = 0;
      const schedule = async (room: string, i: number): Promise<void> => {
        const title = `title ${i}`;
        const command = { type: 'ScheduleRoom', room, schedule_data: { title } } as const;
        const { position } = await loop.handle(rooms, command, { ...alice, commandId: `${room} ${i}` });
        const isCurrent = facts.rooms.get(room)?.schedule_data?.title === title;
        if (!isCurrent || live.reached(position) !== undefined) late++;
      };
      for (let i = 0; i < 100; i++) await Promise.all(ids.map((room) => schedule(room, i)));
      for (let i = 100; i < 1100; i++) for (const room of ids.slice(0, 1)) await schedule(room, i);
      expect(late).toBe(0);
    } finally {
      await close();
    }
  });
});
