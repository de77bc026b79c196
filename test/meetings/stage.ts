import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProjections, type Projections } from '../../projections/engine/engine.js';
import { fold, prepare } from '../../projections/engine/fold.js';
import { ParkedStreams } from '../../projections/engine/parked-streams.js';
import { toStored, type RowVersion } from '../../projections/engine/stored-row.js';
import type { RoomConfigRow } from '../../projections/room-config.js';
import { userMeetings, type UserMeetingRow } from '../../projections/user-meetings.js';
import { users as usersModel } from '../../projections/users.js';
import { openEmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import type { CommandContext } from '../../src/eventsourcing/decider.js';
import { withReader, type Reader } from '../../src/eventsourcing/execution.js';
import { CommandLoop } from '../../src/eventsourcing/handle.js';
import { Refused } from '../../src/eventsourcing/refused.js';
import { EventRegistry } from '../../src/eventsourcing/registry.js';
import { black } from '../../src/meetings/meeting-fields.js';
import { MeetingRows } from '../../src/meetings/meeting-rows.queries.js';
import { meetings, type MeetingCommand, type MeetingPlan } from '../../src/meetings/meetings.js';
import { OldMeetings } from '../../src/meetings/old-meetings.js';
import { connectReadStore } from '../../src/read-store/connect.js';
import { roomDirectory } from '../../src/rooms/room-directory.js';
import { rooms } from '../../src/rooms/rooms.js';
import { users, type UserProfile } from '../../src/users/users.js';
import { alice, recorded } from '../spec/decider-spec.js';

export const at = (time: string): number => Date.parse(`2026-03-${time}Z`);

export const plan: MeetingPlan = {
  sourceType: 'group',
  sourceIds: ['g1'],
  subject: 'Stand-up',
  description: 'Daily',
  color: black,
  startDate: at('02T09:00'),
  endDate: at('02T10:00'),
};

/** What a client is told of a refusal: the code, and the fields where it names some. */
export async function refusalOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (error instanceof Refused) return [error.code, ...(error.details ?? []).map(({ field }) => field)].join(' ');
    throw error;
  }
  return 'not refused';
}

/** A log, its read models of meetings and what reads them. */
export async function openStage() {
  const dir = await mkdtemp(join(tmpdir(), 'convoke-meetings-'));
  const store = await openEmbeddedEventStore({ dir: join(dir, 'log') });
  const read = await connectReadStore({ dir: join(dir, 'read'), port: 0 });
  const registry = new EventRegistry(meetings.events, rooms.events, roomDirectory.events, users.events);
  const projections: Projections = startProjections({
    store,
    db: read.db,
    models: [userMeetings, usersModel],
    exclusive: true,
    upcast: (event) => registry.read(event),
    logger: { warn: () => undefined, info: () => undefined },
  });
  const loop = new CommandLoop(store, registry);
  const facts = { rooms: new Map<string, RoomConfigRow>() };
  let commands = 0;
  const context = (over: Partial<CommandContext> = {}): CommandContext => ({
    ...alice,
    commandId: `c-${++commands}`,
    ...over,
  });
  const rows = new MeetingRows(projections);
  /** The position of the last event. */
  const tell = async (command: MeetingCommand, world = 'demo'): Promise<bigint> =>
    (await loop.handle(meetings, command, context({ world }))).position;
  return {
    dir,
    store,
    read,
    registry,
    projections,
    loop,
    facts,
    rows,
    context,
    tell,
    old: new OldMeetings(projections, facts),
    /** Opens a meeting of these people, the organizer first; its id and position. */
    open: async (
      meetingId: string,
      [organizerId = '', ...invitedUserIds]: readonly string[],
      over: Partial<MeetingPlan> = {},
      world = 'demo',
    ): Promise<bigint> => {
      const buffers = { bufferBefore: 0, bufferAfter: 0 };
      const opened = { meetingId, organizerId, invitedUserIds, booking: '0', created: alice.now, buffers };
      return tell({ type: 'OpenMeeting', ...opened, plan: { ...plan, ...over } }, world);
    },
    answer: (meetingId: string, userId: string, status: 'declined' | 'accepted', answer = 0): Promise<bigint> => {
      const said = status === 'accepted' ? ({ status, booking: '0' } as const) : { status };
      return tell({ type: 'NoteAnswer', meetingId, userId, answer: String(answer), said });
    },
    /** Rows of many meetings, an hour each, one after the other, written at once without a log. */
    writeRows: async (
      ids: readonly string[],
      people: readonly string[],
      over: Partial<MeetingPlan> = {},
    ): Promise<void> => {
      const [organizerId = ''] = people;
      const buffers = { bufferBefore: 0, bufferAfter: 0 };
      const told = { world: 'demo', users: people, organizerId, booking: '0', created: alice.now, buffers };
      const first = over.startDate ?? plan.startDate;
      const events = ids.map((meetingId, n) => {
        const when = { startDate: first + n * 3_600_000, endDate: first + (n + 1) * 3_600_000 };
        const data = { ...told, meetingId, plan: { ...plan, ...over, ...when } };
        return recorded({ type: 'MeetingCreated', data }, { stream: `meeting-${meetingId}`, position: BigInt(n) });
      });
      const filled = new Map<string, RowVersion<UserMeetingRow>>();
      fold(
        userMeetings,
        prepare(userMeetings, events, (event) => event),
        filled,
        new ParkedStreams(),
      );
      const stored = [...filled].flatMap(([id, { row, position }]) => (row ? [toStored(id, row, position)] : []));
      await (await projections.collection<UserMeetingRow>(userMeetings)).insertMany(stored);
    },
    record: async (userId: string, profile: UserProfile): Promise<bigint> =>
      (await loop.handle(users, { type: 'RecordUserProfile', userId, ...profile }, context())).position,
    /** A query as this person asks it, after everything in the log. */
    as: async <Q extends object>(userId: string, query: Q, over: Partial<Reader> = {}): Promise<Q> =>
      withReader(query, { world: 'demo', userId, after: await store.head(), ...over }),
    close: async (): Promise<void> => {
      await projections.stop();
      await read.close();
      await store.close();
      await rm(dir, { recursive: true });
    },
  };
}

export type Stage = Awaited<ReturnType<typeof openStage>>;
