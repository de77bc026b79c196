import { describe, it } from '@jest/globals';
import { emptyConfig } from '../../src/rooms/room-fields.js';
import { rooms, type RoomEvent } from '../../src/rooms/rooms.js';
import { given, golden } from '../spec/decider-spec.js';

const config = { ...emptyConfig, name: 'Hall' };
const created: RoomEvent = { type: 'RoomCreated', data: { roomId: 'r1', listing: '0', sorting_priority: 1, config } };
const deleted: RoomEvent = { type: 'RoomDeleted', data: { roomId: 'r1' } };

describe('a room', () => {
  it('opens with its owner', () => {
    given(rooms)
      .when({ type: 'OpenRoom', room: 'r1', listing: '0', sorting_priority: 1, config })
      .then(created, { type: 'RoomRoleGranted', data: { roomId: 'r1', user: 'alice', role: 'room_owner' } });
  });

  it('opens once', () => {
    given(rooms, created)
      .when({ type: 'OpenRoom', room: 'r1', listing: '0', sorting_priority: 1, config })
      .refused('room.already_created');
  });

  it('takes a patch as it is', () => {
    given(rooms, created)
      .when({ type: 'PatchRoomConfig', room: 'r1', description: 'Main stage' })
      .then({ type: 'RoomConfigPatched', data: { roomId: 'r1', patch: { description: 'Main stage' } } });
  });

  it('remembers a patch that changes nothing, because its command id is used now', () => {
    given(rooms, created)
      .when({ type: 'PatchRoomConfig', room: 'r1' })
      .then({ type: 'RoomConfigPatched', data: { roomId: 'r1', patch: {} } });
  });

  describe('following the directory late', () => {
    const followed = (listing: string, patch: object): RoomEvent => ({
      type: 'RoomConfigPatched',
      data: { roomId: 'r1', listing, patch },
    });
    const direct = (patch: object): RoomEvent => ({ type: 'RoomConfigPatched', data: { roomId: 'r1', patch } });
    /** Follows the decision `listing`, made when the room had these events. */
    const follow = (then: readonly RoomEvent[], listing: string, patch: object) => {
      const state = then.reduce((room, event) => rooms.evolve(room, event), rooms.initial);
      if (state.status !== 'open') throw new Error('the room was not open');
      return { type: 'PatchRoomConfig', room: 'r1', ...patch, followUp: { listing, before: state.patched } } as const;
    };

    it('leaves what newer decisions of the directory have patched, and only that', () => {
      given(rooms, created, followed('7', { name: 'New', description: 'new' }))
        .when(follow([created], '5', { name: 'Old', sorting_priority: 3, description: 'd', picture: 'p' }))
        .then(followed('5', { sorting_priority: 3, picture: 'p' }));
    });

    it('takes the newest decision whole, whatever older ones have written since', () => {
      given(rooms, created, followed('5', { name: 'Old', description: 'old' }))
        .when(follow([created], '7', { name: 'New', description: 'new' }))
        .then(followed('7', { name: 'New', description: 'new' }));
    });

    it('leaves what clients have patched since', () => {
      const since: RoomEvent = { type: 'RoomScheduleChanged', data: { roomId: 'r1', schedule_data: { session: 2 } } };
      given(rooms, created, direct({ description: 'newer', trait_grants: {} }), since)
        .when(
          follow([created], '5', {
            name: 'N',
            description: 'd',
            force_join: true,
            schedule_data: null,
            trait_grants: {},
          }),
        )
        .then(followed('5', { name: 'N', force_join: true }));
    });

    it('overwrites what clients have patched before', () => {
      const before = [created, direct({ description: 'older' })];
      given(rooms, ...before)
        .when(follow(before, '5', { name: 'N', description: 'd' }))
        .then(followed('5', { name: 'N', description: 'd' }));
    });
  });

  it('announces the current session', () => {
    given(rooms, created)
      .when({ type: 'ScheduleRoom', room: 'r1', schedule_data: { session: 1 } })
      .then({ type: 'RoomScheduleChanged', data: { roomId: 'r1', schedule_data: { session: 1 } } });
    given(rooms, created)
      .when({ type: 'ScheduleRoom', room: 'r1', schedule_data: null })
      .then({ type: 'RoomScheduleChanged', data: { roomId: 'r1', schedule_data: null } });
  });

  it('knows three schedule keys', () => {
    const schedule_data = { session: 1, speaker: 'x' };
    given(rooms, created)
      .when({ type: 'ScheduleRoom', room: 'r1', schedule_data })
      .refused('room.unknown_schedule_data');
    given(rooms, created)
      .when({ type: 'PatchRoomConfig', room: 'r1', schedule_data })
      .refused('room.unknown_schedule_data');
  });

  it('grants and revokes roles', () => {
    given(rooms, created)
      .when({ type: 'GrantRoomRole', room: 'r1', user: 'bob', role: 'speaker' })
      .then({ type: 'RoomRoleGranted', data: { roomId: 'r1', user: 'bob', role: 'speaker' } });
    given(rooms, created)
      .when({ type: 'RevokeRoomRole', room: 'r1', user: 'bob', role: 'speaker' })
      .then({ type: 'RoomRoleRevoked', data: { roomId: 'r1', user: 'bob', role: 'speaker' } });
  });

  it('is deleted once, and unknown before and after', () => {
    given(rooms, created).when({ type: 'DeleteRoom', room: 'r1' }).then(deleted);
    for (const past of [[], [created, deleted]]) {
      given(rooms, ...past)
        .when({ type: 'DeleteRoom', room: 'r1' })
        .refused('room.unknown');
      given(rooms, ...past)
        .when({ type: 'PatchRoomConfig', room: 'r1', name: 'x' })
        .refused('room.unknown');
      given(rooms, ...past)
        .when({ type: 'ScheduleRoom', room: 'r1', schedule_data: null })
        .refused('room.unknown');
    }
  });
});

describe('events of a room', () => {
  golden(rooms, {
    RoomCreated: [
      {
        schema: 1,
        stored: {
          roomId: 'r1',
          listing: '0',
          sorting_priority: 1,
          config: {
            name: 'Hall',
            description: '',
            picture: null,
            module_config: [{ type: 'livestream.native', config: { hls_url: 'https://example.org/a.m3u8' } }],
            trait_grants: { speaker: [['speaker', 'host']] },
            force_join: false,
            schedule_data: { session: 1, title: 'Opening', computeSession: false },
            import_id: 'conf/hall',
          },
        },
      },
    ],
    RoomConfigPatched: [
      { schema: 1, stored: { roomId: 'r1', listing: '3', patch: { name: 'Hall 1', picture: null } } },
    ],
    RoomScheduleChanged: [{ schema: 1, stored: { roomId: 'r1', schedule_data: null } }],
    RoomRoleGranted: [{ schema: 1, stored: { roomId: 'r1', user: 'alice', role: 'room_owner' } }],
    RoomRoleRevoked: [{ schema: 1, stored: { roomId: 'r1', user: 'alice', role: 'room_owner' } }],
    RoomDeleted: [{ schema: 1, stored: { roomId: 'r1' } }],
  });
});
