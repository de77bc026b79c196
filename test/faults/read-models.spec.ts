import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { startProjections, type Projections } from '../../projections/engine/engine.js';
import { eventTypes } from '../../projections/engine/read-model.js';
import { toStored, type RowVersion } from '../../projections/engine/stored-row.js';
import { readModels } from '../../projections/read-models.js';
import { eventRegistry } from '../../src/event-registry.js';
import type { DomainEvent, RecordedEvent } from '../../src/eventsourcing/events.js';
import { CommandLoop } from '../../src/eventsourcing/handle.js';
import { worlds, type WorldEvent } from '../../src/identity/worlds.js';
import type { RoomDirectoryEvent } from '../../src/rooms/room-directory.js';
import type { PresenceEvent } from '../../src/presence/presence.js';
import { emojis, type ReactionEvent } from '../../src/reactions/reactions.js';
import { emptyConfig } from '../../src/rooms/room-fields.js';
import { changeListing } from '../../src/rooms/rooms.policy.js';
import { rooms, type RoomEvent } from '../../src/rooms/rooms.js';
import type { UserEvent } from '../../src/users/users.js';
import { circumstances, runThrough, troubles } from '../projections/session-runs.js';
import { openStores, type Stores } from '../projections/stores.js';
import { alice, recorded } from '../spec/decider-spec.js';
import { replay } from './oracle.js';
import { scale } from './scale.js';

const roomId = fc.constantFrom('r1', 'r2', 'r3', '__proto__');
const world = fc.constantFrom('demo', 'other');
const grant = fc.record({ user: fc.constantFrom('ann', 'bob'), role: fc.constantFrom('speaker', 'moderator') });
const name = fc.string({ minLength: 1, maxLength: 5 });
const config = name.map((one) => ({ ...emptyConfig, name: one }));
const priority = fc.nat({ max: 9 });
const patch = fc.record({ name, description: name, picture: fc.option(name) }, { requiredKeys: [] });
const viewer = fc.constantFrom('ann', 'bob');
const node = fc.constantFrom('n1', 'n2');
const title = fc.option(fc.record({ title: name }));
/** Every type of event there is; the compiler asks for new ones. */
const data: { readonly [T in AnyEvent['type']]: fc.Arbitrary<Extract<AnyEvent, { readonly type: T }>['data']> } = {
  WorldOpened: fc.record({ title: name, trait_grants: fc.constant({ viewer: [] }) }),
  WorldConfigPatched: fc.record({
    patch: fc.record(
      { title: name, connection_limit: fc.option(fc.integer({ min: 1, max: 9 })), roles: fc.constant({ guest: [] }) },
      { requiredKeys: [] },
    ),
  }),
  WorldRoleGranted: grant,
  WorldRoleRevoked: grant,
  RoomRegistered: fc.record({ roomId, sorting_priority: priority, config }),
  RoomRelisted: fc.record({ roomId, patch: fc.record({ name, sorting_priority: priority }, { requiredKeys: [] }) }),
  RoomsReordered: fc.record({ order: fc.uniqueArray(roomId) }),
  RoomDelisted: fc.record({ roomId }),
  RoomCreated: fc.record({ roomId, listing: fc.constant('0'), sorting_priority: priority, config }),
  RoomConfigPatched: fc.record({ roomId, patch }),
  RoomScheduleChanged: fc.record({ roomId, schedule_data: title }),
  RoomRoleGranted: fc.record({ roomId, user: name, role: fc.constant('speaker') }),
  RoomRoleRevoked: fc.record({ roomId, user: name, role: fc.constant('speaker') }),
  RoomDeleted: fc.record({ roomId }),
  ReactionAdded: fc.record({ roomId, userId: name, emoji: fc.constantFrom(...emojis) }),
  ViewerEntered: fc.record({ roomId, userId: viewer, node, profile: fc.record({ display_name: name }) }),
  UserProfileRecorded: fc.record(
    {
      userId: viewer,
      profile: fc.record({ display_name: name }),
      traits: fc.constant([]),
      email: name,
      zoneinfo: fc.constant('Asia/Tokyo'),
    },
    { requiredKeys: ['userId', 'profile', 'traits'] },
  ),
  ViewerLeft: fc.record({ roomId, userId: viewer, node, reason: fc.constantFrom('left', 'closed', 'deleted', 'lost') }),
};
type AnyEvent = PresenceEvent | WorldEvent | RoomDirectoryEvent | RoomEvent | ReactionEvent | UserEvent;

const anyEvent: fc.Arbitrary<DomainEvent> = fc.oneof(
  ...Object.entries(data).map(([type, of]) =>
    (of as fc.Arbitrary<DomainEvent['data']>).map((one) => ({ type, data: one })),
  ),
);
const histories = fc
  .array(fc.tuple(anyEvent, world, fc.integer({ min: 1, max: 3 })), { maxLength: 50, size: 'max' })
  .map((all) => {
    let position = -1n;
    return all.map(([event, of, gap]): RecordedEvent => {
      position += BigInt(gap);
      const { metadata, ...rest } = recorded(event, { stream: `${event.type}-${of}`, position });
      return { ...rest, metadata: { ...metadata, world: of } };
    });
  });

const withRow = (rows: ReadonlyMap<string, RowVersion>) =>
  new Map([...rows].filter(([, { row }]) => row !== undefined));

describe.each(readModels)('the read model $name', (model) => {
  it('comes to the cold replay of real events, whatever is cut off between event, rows and checkpoint', async () => {
    await fc.assert(
      fc.asyncProperty(histories, circumstances, troubles, async (all, given, befalls) => {
        const events = all.filter(({ type }) => eventTypes(model).includes(type));
        const disk = await runThrough({ model, events, given, troubles: befalls });
        expect(disk.rows).toEqual(withRow(replay(model, events)));
        expect(disk.checkpoint).toBe(events.at(-1)?.position ?? -1n);
      }),
      { numRuns: scale.crashRuns },
    );
  });
});

describe('all read models on one read store', () => {
  let stores: Stores;
  let running: Projections[];
  let loop: CommandLoop;

  beforeEach(async () => {
    stores = await openStores();
    running = [];
    loop = new CommandLoop(stores.store, eventRegistry);
    await loop.handle(worlds, { type: 'OpenWorld', trait_grants: { viewer: [] } }, { ...alice, commandId: 'open' });
  });
  afterEach(async () => {
    await Promise.all(running.map((projections) => projections.stop()));
    await stores.close();
  });

  function start(exclusive: boolean): Projections {
    const { store, read } = stores;
    const upcast = (event: RecordedEvent): RecordedEvent => eventRegistry.read(event);
    const options = { store, db: read.db, models: readModels, exclusive, upcast, writeEveryMs: 5, pointerMs: 20 };
    const projections = startProjections(options);
    running.push(projections);
    return projections;
  }

  /** A room with a grant, a schedule and a reaction. */
  async function addRoom(n: number): Promise<void> {
    const context = { ...alice, commandId: `room ${n}` };
    const command = { type: 'RegisterRoom', name: `Hall ${n}`, defaults: emptyConfig } as const;
    const { room } = await changeListing(loop, command, { context, onlyResend: false });
    const schedule_data = { title: `Talk ${n}` };
    await loop.handle(rooms, { type: 'ScheduleRoom', room, schedule_data }, { ...alice, commandId: `talk ${n}` });
    const { metadata } = recorded({ type: 'ReactionAdded', data: {} });
    const reaction = { roomId: room, userId: 'alice', emoji: '👏' };
    await stores.store.append(`reactions-${room}-a`, 'any', [
      { id: `reaction ${n}`, type: 'ReactionAdded', data: reaction, metadata },
    ]);
  }

  /** Rows that are not those of a cold replay of the log. */
  async function differences(reader: Projections): Promise<unknown[]> {
    await reader.caughtUp(10_000);
    const events: RecordedEvent[] = [];
    for await (const event of stores.store.readAll()) events.push(event);
    const found: unknown[] = [];
    for (const model of readModels) {
      const rows = await (await reader.collection(model)).find().toArray();
      const wanted = [...replay(model, events)].flatMap(([key, { row, position }]) => {
        return row ? [toStored(key, row, position)] : [];
      });
      const texts = [rows, wanted].map((all) => all.map((row) => JSON.stringify(row)));
      const [are = [], should = []] = texts;
      found.push(...are.filter((row) => !should.includes(row)), ...should.filter((row) => !are.includes(row)));
    }
    return found;
  }

  it('are right with two runners at once, also when they take the work from each other', async () => {
    const first = start(false);
    const second = start(false);
    for (let n = 0; n < 30; n++) await addRoom(n);
    expect(await differences(second)).toEqual([]);
    // Whoever is exclusive takes the lease at once; the one that had it finds out at its next write.
    const third = start(true);
    await Promise.all(Array.from({ length: 60 }, (_one, n) => addRoom(30 + n)));
    await third.caughtUp(10_000);
    await first.stop();
    await addRoom(100);
    expect(await differences(third)).toEqual([]);
  });

  it('are rebuilt while commands come in, and nobody ever sees a model with rows missing', async () => {
    const projections = start(true);
    for (let n = 0; n < 40; n++) await addRoom(n);
    await projections.caughtUp(10_000);
    const rowsOf = async (model: string): Promise<number> => (await projections.collection(model)).countDocuments();
    const had = new Map<string, number>();
    for (const { name: model } of readModels) had.set(model, await rowsOf(model));
    expect(had).toEqual(new Map([...had, ['world_config', 1], ['room_list', 40], ['reaction_timeline', 40]]));
    const done = new AbortController();
    let added = 40;
    let looks = 0;
    const few: string[] = [];
    const writing = (async () => {
      while (!done.signal.aborted) await addRoom(added++);
    })();
    const looking = (async () => {
      for (; !done.signal.aborted; looks++) {
        for (const [model, wanted] of had) {
          const count = await rowsOf(model);
          if (count < wanted) few.push(`${model} has ${count} rows, it had ${wanted}`);
        }
      }
    })();
    for (const { name: model } of [...readModels, ...readModels]) await projections.rebuild(model);
    done.abort();
    await Promise.all([writing, looking]);
    expect(few).toEqual([]);
    expect(looks).toBeGreaterThan(5);
    expect((await projections.collection('room_list')).collectionName).toBe('room_list_v3');
    expect(await differences(projections)).toEqual([]);
  });
});
