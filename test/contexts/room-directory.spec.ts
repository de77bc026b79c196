import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { aggregateId } from '../../src/eventsourcing/ids.js';
import { inOrder, roomDirectory, type RoomDirectoryEvent } from '../../src/rooms/room-directory.js';
import { emptyConfig } from '../../src/rooms/room-fields.js';
import { alice, given, golden } from '../spec/decider-spec.js';

const registered = (roomId: string, name: string, sorting_priority: number): RoomDirectoryEvent => ({
  type: 'RoomRegistered',
  data: { roomId, sorting_priority, config: { ...emptyConfig, name } },
});
const hall = registered('r1', 'Hall', 1);
const cafe = registered('r2', 'Café', 2);
const register = { type: 'RegisterRoom', defaults: emptyConfig } as const;

describe('the room directory', () => {
  it('registers a room at the end, under an id made from its command', () => {
    const id = aggregateId(alice);
    given(roomDirectory, hall, cafe)
      .when({ ...register, name: 'Attic' })
      .then(registered(id, 'Attic', 3));
    given(roomDirectory)
      .when({ ...register, name: 'Attic', sorting_priority: 7 })
      .then(registered(id, 'Attic', 7));
  });

  it.each(['Hall', 'hALL', ' Hall ', 'Ｈall'])('refuses the taken name %j', (name) => {
    given(roomDirectory, hall)
      .when({ ...register, name })
      .refused('room.invalid.name_taken');
    given(roomDirectory, hall, cafe)
      .when({ type: 'PatchRoomConfig', room: 'r2', name })
      .refused('room.invalid.name_taken');
  });

  it('compares composed characters', () => {
    given(roomDirectory, cafe)
      .when({ ...register, name: 'Cafe\u0301' })
      .refused('room.invalid.name_taken');
  });

  it('lets a room keep its name, and frees the name of a deleted or renamed one', () => {
    const patch = { name: 'HALL' };
    given(roomDirectory, hall)
      .when({ type: 'PatchRoomConfig', room: 'r1', ...patch })
      .then({ type: 'RoomRelisted', data: { roomId: 'r1', patch } });
    const freed: RoomDirectoryEvent[] = [
      { type: 'RoomDelisted', data: { roomId: 'r1' } },
      { type: 'RoomRelisted', data: { roomId: 'r1', patch: { name: 'Other' } } },
    ];
    for (const event of freed) {
      given(roomDirectory, hall, cafe, event)
        .when({ type: 'PatchRoomConfig', room: 'r2', name: 'Hall' })
        .then({ type: 'RoomRelisted', data: { roomId: 'r2', patch: { name: 'Hall' } } });
    }
  });

  it('knows its rooms only', () => {
    given(roomDirectory, hall).when({ type: 'PatchRoomConfig', room: 'r2', name: 'x' }).refused('room.unknown');
    given(roomDirectory, hall).when({ type: 'DeleteRoom', room: 'r2' }).refused('room.unknown');
    given(roomDirectory, hall)
      .when({ type: 'ReorderRooms', rooms: ['r1', 'r2'] })
      .refused('room.unknown');
    given(roomDirectory, hall)
      .when({ type: 'DeleteRoom', room: 'r1' })
      .then({ type: 'RoomDelisted', data: { roomId: 'r1' } });
  });

  it('knows three schedule keys', () => {
    const schedule_data = { session: 1, speaker: 'x' };
    given(roomDirectory)
      .when({ ...register, name: 'A', schedule_data })
      .refused('room.unknown_schedule_data');
  });

  it('puts the rooms named first and leaves the others in their old order (property)', () => {
    const priorities = fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.string({ minLength: 1 })), {
      selector: ([, name]) => name.trim().toLowerCase().normalize('NFKC'),
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(priorities, fc.infiniteStream(fc.boolean()), fc.nat(), (places, chosen, turn) => {
        const past = places.map(([priority, name], index) => registered(`r${index}`, name, priority));
        const state = past.reduce((folded, event) => roomDirectory.evolve(folded, event), roomDirectory.initial);
        const before = inOrder(state);
        const named = before.filter(() => chosen.next().value);
        const asked = [...named.slice(turn % (named.length + 1)), ...named.slice(0, turn % (named.length + 1))];
        const events = roomDirectory.decide({ type: 'ReorderRooms', rooms: asked }, state, alice);
        const after = events.reduce((folded, event) => roomDirectory.evolve(folded, event), state);
        expect(inOrder(after)).toEqual([...asked, ...before.filter((id) => !asked.includes(id))]);
        expect(inOrder(after).map((id) => after.rooms.get(id)?.sorting_priority)).toEqual(
          before.map((_id, index) => index + 1),
        );
      }),
    );
  });
});

describe('events of the room directory', () => {
  golden(roomDirectory, {
    RoomRegistered: [
      {
        schema: 1,
        stored: {
          roomId: 'r1',
          sorting_priority: 1,
          config: {
            name: 'Hall',
            description: '',
            picture: null,
            module_config: [],
            trait_grants: {},
            force_join: false,
            schedule_data: null,
            import_id: null,
          },
        },
      },
    ],
    RoomRelisted: [{ schema: 1, stored: { roomId: 'r1', patch: { name: 'Hall 1', sorting_priority: 4 } } }],
    RoomsReordered: [{ schema: 1, stored: { order: ['r2', 'r1'] } }],
    RoomDelisted: [{ schema: 1, stored: { roomId: 'r1' } }],
  });
});
