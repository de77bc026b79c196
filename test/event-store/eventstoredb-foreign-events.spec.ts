import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventStoreDBClient, jsonEvent, NO_STREAM } from '@eventstore/db-client';
import { describe, expect, it } from '@jest/globals';
import { startProjections } from '../../projections/engine/engine.js';
import { readModels } from '../../projections/read-models.js';
import { eventRegistry } from '../../src/event-registry.js';
import { CommandLoop } from '../../src/eventsourcing/handle.js';
import { Broadcast } from '../../src/gateway/broadcast.js';
import { LiveLog } from '../../src/gateway/live-log.js';
import { Access } from '../../src/identity/access.js';
import { LiveFacts } from '../../src/identity/live-facts.js';
import { connectReadStore } from '../../src/read-store/connect.js';
import { emptyConfig } from '../../src/rooms/room-fields.js';
import { changeListing } from '../../src/rooms/rooms.policy.js';
import { urlTo } from '../contract/eventstoredb.js';
import { alice } from '../spec/decider-spec.js';
import { endings, served } from './eventstoredb-fixture.js';

const silent = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined };

describe('events that another client appended', () => {
  it('are parked with their streams; the live log and the projections go on', async () => {
    const { open, port } = await served();
    const store = await open();
    const dir = await mkdtemp(join(tmpdir(), 'foreign-events-'));
    const read = await connectReadStore({ dir: join(dir, 'read'), port: 0 });
    endings.push(() => read.close().then(() => rm(dir, { recursive: true })));
    const upcast = eventRegistry.read.bind(eventRegistry);
    const projections = startProjections({ store, db: read.db, models: readModels, exclusive: true, upcast });
    endings.push(() => projections.stop());
    const facts = await LiveFacts.open(projections, eventRegistry, store.epoch);
    const live = new LiveLog(store, eventRegistry, facts, new Access(facts), new Broadcast(silent), silent);
    await live.start();
    endings.push(() => live.stop());
    const loop = new CommandLoop(store, eventRegistry);
    const register = (name: string) =>
      changeListing(
        loop,
        { type: 'RegisterRoom', name, defaults: emptyConfig },
        { context: { ...alice, commandId: name }, onlyResend: false },
      );
    const { room: before } = await register('before');

    const client = EventStoreDBClient.connectionString(urlTo(port));
    endings.push(() => client.dispose());
    // Every type we know and names that objects have anyway, without metadata or with other people's.
    const types = [...eventRegistry.types, 'constructor', '__proto__', 'Unknown'];
    for (const [n, type] of types.entries()) {
      const metadata = n % 2 === 0 ? {} : { metadata: { by: 'someone', world: 'demo', schema: 'x' } };
      const event = jsonEvent({ type, data: { roomId: before, n }, ...metadata });
      await client.appendToStream(`foreign-${type}`, event, { expectedRevision: NO_STREAM });
    }

    const { room: after } = await register('after');
    await live.reached(await store.head());
    expect(facts.rooms.get(before)?.name).toBe('before');
    expect(facts.rooms.get(after)?.name).toBe('after');
    for (const { name } of readModels) await projections.wait(name, await store.head(), 10_000);
    const parked = await projections.parked('room_config');
    expect(parked.length).toBeGreaterThan(0);
    expect(parked.every(({ stream }) => stream.startsWith('foreign-'))).toBe(true);
  });
});
