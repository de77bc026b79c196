import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { plain, stateAt } from '../../src/audit/state-at.js';
import { eventRegistry } from '../../src/event-registry.js';
import { roomDirectory, type RoomDirectory, type RoomDirectoryEvent } from '../../src/rooms/room-directory.js';
import { emptyConfig } from '../../src/rooms/room-fields.js';
import { collect } from '../contract/event-store-helpers.js';
import { chained, emptyLog, type TestLog } from './logs.js';

let log: TestLog;

beforeAll(async () => {
  log = await emptyLog();
});

afterAll(() => log.remove());

const roomId = fc.constantFrom('r1', 'r2', 'r3', 'r4');
const name = fc.string({ minLength: 1, maxLength: 8 });
const anyEvent: fc.Arbitrary<RoomDirectoryEvent> = fc.oneof(
  fc.record({ roomId, name, place: fc.integer() }).map((made): RoomDirectoryEvent => ({
    type: 'RoomRegistered',
    data: { roomId: made.roomId, sorting_priority: made.place, config: { ...emptyConfig, name: made.name } },
  })),
  fc.record({ roomId, name }).map((made): RoomDirectoryEvent => ({
    type: 'RoomRelisted',
    data: { roomId: made.roomId, patch: { name: made.name } },
  })),
  fc.uniqueArray(roomId).map((order): RoomDirectoryEvent => ({ type: 'RoomsReordered', data: { order } })),
  roomId.map((id): RoomDirectoryEvent => ({ type: 'RoomDelisted', data: { roomId: id } })),
);

/** Written without the code under test. */
const asJson = ({ rooms, lastPlaces }: RoomDirectory): unknown => ({
  rooms: Object.fromEntries(rooms),
  lastPlaces: Object.fromEntries(lastPlaces),
});

const look = (id: string, more: Partial<Parameters<typeof stateAt>[3]> = {}) =>
  stateAt(log.store, eventRegistry, roomDirectory, { id, ...more });

describe('the state of an aggregate', () => {
  it('at every revision, by position and by time, is the fold of the events up to it', async () => {
    let world = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(anyEvent, { minLength: 1, maxLength: 12 }), async (events) => {
        const id = `w${(world += 1)}`;
        await log.store.append(`room_directory-${id}`, 'no_stream', chained(`room_directory-${id}`, id, events));
        const stored = await collect(log.store.readStream(`room_directory-${id}`));
        let state = roomDirectory.initial;
        for (const [index, event] of events.entries()) {
          state = roomDirectory.evolve(state, event);
          const { position, metadata } = stored[index] ?? {};
          if (position === undefined || metadata === undefined) throw new Error('each event was stored');
          const expected = {
            kind: 'room_directory',
            id,
            revision: String(index),
            position: `${log.store.epoch}.${position}`,
            at: metadata.at,
            state: asJson(state),
          };
          expect(await look(id, { moment: { position } })).toEqual(expected);
          expect(await look(id, { moment: { time: metadata.at } })).toEqual(expected);
        }
        expect((await look(id))?.state).toEqual(asJson(state));
        const [first] = stored;
        if (!first) throw new Error('there is a first event');
        expect(await look(id, { moment: { position: first.position - 1n } })).toBeUndefined();
        expect(await look(id, { moment: { time: '2025-12-31T23:59:59.999Z' } })).toBeUndefined();
        expect(await look(id, { world: id })).toBeDefined();
        expect(await look(id, { world: 'other' })).toBeUndefined();
      }),
      { numRuns: 40 },
    );
  });

  it('of an unknown one is none', async () => {
    expect(await look('nowhere')).toBeUndefined();
  });

  it('comes out as JSON, whatever it is made of', () => {
    const state = {
      map: new Map([['__proto__', new Set([1n, 'x'])]]),
      pairs: new Map([[1, new Map([['a', [2n]]])]]),
      list: [null, { deep: new Set([new Map()]) }],
    };
    expect(JSON.stringify(plain(state))).toBe(
      '{"map":{"__proto__":["1","x"]},"pairs":[[1,{"a":["2"]}]],"list":[null,{"deep":[{}]}]}',
    );
  });
});
