import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { open, type Database, type RootDatabase } from 'lmdb';
import { calendarFeeds } from '../../src/calendar-feeds/calendar-feeds.js';
import { eventRegistry } from '../../src/event-registry.js';
import {
  openEmbeddedEventStore,
  type EmbeddedEventStore,
} from '../../src/event-store/embedded/embedded-event-store.js';
import { positionKey } from '../../src/event-store/embedded/record.js';
import type { CommandContext } from '../../src/eventsourcing/decider.js';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import { CommandLoop } from '../../src/eventsourcing/handle.js';
import { worlds } from '../../src/identity/worlds.js';
import { inviteTokens, roomInvites } from '../../src/invites/invites.js';
import { Register } from '../../src/presence/register.js';
import { ReactionCounter } from '../../src/reactions/reaction-counter.js';
import { roomDirectory } from '../../src/rooms/room-directory.js';
import { emptyConfig } from '../../src/rooms/room-fields.js';
import { changeListing } from '../../src/rooms/rooms.policy.js';
import { rooms } from '../../src/rooms/rooms.js';
import { users } from '../../src/users/users.js';
import { alice } from '../spec/decider-spec.js';
import { writeEveryMeetingEvent } from './every-meeting-event.js';
import { scale } from './scale.js';

const as = (action: string, over: Partial<CommandContext> = {}): CommandContext => {
  return { ...alice, action, commandId: randomUUID(), ...over };
};

/** Every type of event the program has, as commands make them. */
async function writeEveryType(store: EmbeddedEventStore): Promise<void> {
  const loop = new CommandLoop(store, eventRegistry);
  const log = { error: () => undefined };
  const counter = new ReactionCounter({ store, registry: eventRegistry, node: 'a', log, counted: () => undefined });
  const live = { reached: () => undefined };
  const register = new Register({ store, registry: eventRegistry, node: 'a', live, log });
  await loop.handle(worlds, { type: 'OpenWorld', trait_grants: { viewer: [] } }, as('world.open'));
  for (let n = 0; n < scale.flippedPerType; n++) {
    const grant = { user: `user ${n}`, role: 'moderator' };
    await loop.handle(worlds, { type: 'GrantWorldRole', ...grant }, as('world.grant'));
    await loop.handle(worlds, { type: 'RevokeWorldRole', ...grant }, as('world.revoke'));
    await loop.handle(worlds, { type: 'PatchWorldConfig', title: `World ${n}` }, as('world.config.patch'));
    const person = {
      userId: `user ${n}`,
      profile: { display_name: 'Bob' },
      traits: ['speaker'],
      email: 'bob@x.org',
      zoneinfo: 'Asia/Tokyo',
    };
    await loop.handle(users, { type: 'RecordUserProfile', ...person }, as('user.record'));
    const link = { type: 'IssueCalendarLink', userId: `user ${n}`, secret: `kLeNv${n}`, resets: false } as const;
    await loop.handle(calendarFeeds, link, as('meeting:getCalendarLink'));
    await writeEveryMeetingEvent(loop, as);
    const execution = (action: string) => ({ context: as(action), onlyResend: false });
    const listing = { type: 'RegisterRoom', name: `Hall ${n} 🎉`, defaults: emptyConfig } as const;
    const { room } = await changeListing(loop, listing, execution('room.create'));
    await changeListing(loop, { type: 'PatchRoomConfig', room, name: `Aula ${n}` }, execution('room.config.patch'));
    await loop.handle(roomDirectory, { type: 'ReorderRooms', rooms: [room] }, as('room.config.reorder'));
    const schedule_data = { session: n, title: 'Opening' };
    await loop.handle(rooms, { type: 'ScheduleRoom', room, schedule_data }, as('room.schedule'));
    await loop.handle(rooms, { type: 'GrantRoomRole', room, ...grant }, as('room.grant'));
    await loop.handle(rooms, { type: 'RevokeRoomRole', room, ...grant }, as('room.revoke'));
    await counter.add(room, '👏', { context: as('room.react') });
    const invite = { room, token: `kLeNv${n}` };
    await loop.handle(inviteTokens, { type: 'ReserveToken', ...invite }, as('room.invite.anonymous.link'));
    await loop.handle(roomInvites, { type: 'GiveOutInvite', ...invite }, as('room.invite.anonymous.link'));
    const tab = {};
    await register.enter(tab, room, 'demo', { userId: 'bob', profile: { display_name: 'Bob' } });
    register.leave(tab, room, { userId: 'bob' });
    await register.settled();
    await changeListing(loop, { type: 'DeleteRoom', room }, execution('room.delete'));
  }
}

describe('an event of which one byte was changed', () => {
  let dir: string;
  let store: EmbeddedEventStore;
  let root: RootDatabase<Buffer, Buffer>;
  let log: Database<Buffer, Buffer>;
  let events: RecordedEvent[];

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'convoke-flipped-'));
    const writing = await openEmbeddedEventStore({ dir });
    await writeEveryType(writing);
    await writing.close();
    const binary = { encoding: 'binary', keyEncoding: 'binary' } as const;
    root = open<Buffer, Buffer>(dir, { ...binary, noSync: true });
    log = root.openDB<Buffer, Buffer>({ ...binary, name: 'log' });
    store = await openEmbeddedEventStore({ dir, readOnly: true });
    events = [];
    for await (const event of store.readAll()) events.push(event);
  });
  afterAll(async () => {
    await store.close();
    await root.close();
    await rm(dir, { recursive: true });
  });

  /** What is read of an event, in every way there is: the event, or the error instead. */
  async function readings({ stream, type, revision, position }: RecordedEvent): Promise<unknown[]> {
    const first = async (source: AsyncIterable<unknown>): Promise<unknown> => {
      try {
        for await (const one of source) return one;
        return undefined;
      } catch (error) {
        return error;
      }
    };
    // Lets go of the snapshot the last reading used.
    await store.head();
    const after = position - 1n;
    const back = { direction: 'backwards', from: revision } as const;
    const all = await Promise.all([
      first(store.readStream(stream, { from: revision })),
      first(store.readStream(stream, back)),
      first(store.readAll({ after, limit: 1 })),
      first(store.readAll({ after, limit: 1, filter: { types: [type] } })),
      first(store.subscribeToAll({ after })),
      first(store.subscribeToAll({ after, filter: { types: [type] } })),
    ]);
    return all.map((one) => (one instanceof Error ? [one.name, 'position' in one && one.position] : one));
  }

  it('is refused by name, whichever byte it was and however it is read', async () => {
    expect(new Set(events.map(({ type }) => type))).toEqual(new Set(eventRegistry.types));
    const perType = new Map<string, number>();
    const problems: object[] = [];
    let flips = 0;
    for (const event of events) {
      const seen = (perType.get(event.type) ?? 0) + 1;
      perType.set(event.type, seen);
      if (seen > scale.flippedPerType) continue;
      const key = positionKey(event.position);
      const record = Buffer.from(log.get(key) ?? []);
      for (let at = 0; at < record.length; at++) {
        const changed = Buffer.from(record);
        changed.writeUInt8(changed.readUInt8(at) ^ (1 << (flips % 8)), at);
        log.putSync(key, changed);
        flips++;
        const read = await readings(event);
        const served = read.filter((one) => !isDeepStrictEqual(one, ['CorruptEvent', event.position]));
        if (served.length > 0) problems.push({ type: event.type, byte: at, served });
      }
      log.putSync(key, record);
      const [intact] = await readings(event);
      expect(intact).toEqual(event);
    }
    expect(problems.slice(0, 5)).toEqual([]);
    expect(flips).toBeGreaterThan(300 * eventRegistry.types.length);
  });
});
