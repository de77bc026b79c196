import { EventEmitter, once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import { Refused } from '../../src/eventsourcing/refused.js';
import { meetingRoomsPolicy } from '../../src/meetings/meeting-rooms.policy.js';
import { meetings } from '../../src/meetings/meetings.js';
import { PolicyRunner } from '../../src/policies/policy-runner.js';
import { Checkpoints } from '../../src/read-store/checkpoints.js';
import { emptyConfig } from '../../src/rooms/room-fields.js';
import { rooms } from '../../src/rooms/rooms.js';
import { openStage, type Stage } from './stage.js';

let stage: Stage;
let runners: PolicyRunner[];
let errors: string[];

beforeEach(async () => {
  stage = await openStage();
  [runners, errors] = [[], []];
  await stage.loop.handle(
    rooms,
    { type: 'OpenRoom', room: 'r1', listing: '0', sorting_priority: 1, config: { ...emptyConfig, name: 'Hall' } },
    stage.context(),
  );
});
afterEach(async () => {
  await Promise.all(runners.map((runner) => runner.stop()));
  await stage.close();
});

const later = '2026-03-01T00:00:00Z';
const there = (propId?: string) =>
  propId === undefined
    ? ({ sourceType: 'room', sourceIds: ['r1'] } as const)
    : ({ sourceType: 'prop', sourceIds: ['r1', propId] } as const);

const deleteRoom = async (): Promise<bigint> =>
  (await stage.loop.handle(rooms, { type: 'DeleteRoom', room: 'r1' }, stage.context())).position;

type MeetingsIn = Parameters<typeof meetingRoomsPolicy>[0]['meetingsIn'];
const policyWith = (meetingsIn: MeetingsIn = (...asked) => stage.rows.inRoom(...asked)) =>
  meetingRoomsPolicy({ meetingsIn });

/** Lets the policy go on with what came into the log since it ran last. */
async function begin(meetingsIn?: MeetingsIn): Promise<PolicyRunner> {
  const checkpoints = new Checkpoints(stage.read.db, stage.store.epoch);
  const log = { error: (_context: object, message: string) => void errors.push(message) };
  const policy = policyWith(meetingsIn);
  const runner = new PolicyRunner(policy, stage.store, stage.registry, stage.loop, checkpoints, log);
  runners.push(runner);
  await runner.start();
  return runner;
}

const run = async (meetingsIn?: MeetingsIn): Promise<void> => (await begin(meetingsIn)).stop();

async function isValid(meetingId: string): Promise<boolean | undefined> {
  const state = await stage.loop.stateOf(meetings, meetingId);
  return state.status === 'none' ? undefined : state.isValid;
}

async function inLog(): Promise<RecordedEvent[]> {
  const events = [];
  for await (const event of stage.store.readAll()) events.push(event);
  return events;
}

describe('meetings in a room that was deleted', () => {
  it('are not valid any more, those at its props neither; all others are', async () => {
    await stage.open('in-room', ['ann'], there());
    await stage.open('at-prop', ['ann'], there('p1'));
    await stage.open('in-other', ['ann'], { sourceType: 'room', sourceIds: ['r2'] });
    await stage.open('of-group', ['ann'], { sourceType: 'group', sourceIds: ['r1'] });
    await stage.open('elsewhere', ['ann'], there(), 'elsewhere');
    await stage.open('deleted', ['ann'], there());
    await stage.tell({ type: 'CloseMeeting', meetingId: 'deleted' });
    await run();
    await deleteRoom();
    await run();
    const all = ['in-room', 'at-prop', 'in-other', 'of-group', 'elsewhere', 'deleted'];
    expect(await Promise.all(all.map(isValid))).toEqual([false, false, true, true, true, true]);
    expect(errors).toEqual([]);
  });

  it('are found whichever was first, the deletion or the meeting', async () => {
    await deleteRoom();
    await stage.open('late', ['ann'], there());
    await stage.open('moved', ['ann'], { sourceType: 'room', sourceIds: ['r2'] });
    // As of the deletion there was none.
    const none = () => Promise.resolve([]);
    await run(none);
    expect([await isValid('late'), await isValid('moved')]).toEqual([false, true]);
    await stage.tell({ type: 'ReviseMeeting', meetingId: 'moved', booking: '1', updated: later, patch: there('p1') });
    await run(none);
    expect(await isValid('moved')).toBe(false);
  });

  it('that left the room in time stay valid', async () => {
    await stage.open('left', ['ann'], there());
    await run();
    await deleteRoom();
    const patch = { sourceIds: ['r2'] };
    await stage.tell({ type: 'ReviseMeeting', meetingId: 'left', booking: '1', updated: later, patch });
    await run(() => Promise.resolve(['left']));
    expect(await isValid('left')).toBe(true);
  });

  it('are made invalid once, however often the policy runs', async () => {
    await stage.open('in-room', ['ann'], there());
    await run();
    await deleteRoom();
    await run();
    const policy = policyWith();
    for (const event of await inLog()) {
      if (policy.types.includes(event.type)) await policy.react(event, stage.loop);
    }
    expect((await inLog()).filter(({ type }) => type === 'MeetingInvalidated')).toHaveLength(1);
  });

  it('are waited for while the read model is behind; the start of a process is not', async () => {
    await stage.open('in-room', ['ann'], there());
    await run();
    await deleteRoom();
    let asked = 0;
    const behind = new EventEmitter();
    const done = once(behind, 'looked up');
    const caughtUp = once(behind, 'caught up');
    const runner = await begin(async (room, world, position) => {
      if (asked++ === 0) throw new Refused('server.unavailable');
      await caughtUp;
      behind.emit('looked up');
      return stage.rows.inRoom(room, world, position);
    });
    expect(await isValid('in-room')).toBe(true);
    behind.emit('caught up');
    await done;
    await runner.stop();
    expect(await isValid('in-room')).toBe(false);
    expect(errors).toEqual(['a policy was cut off, it goes on where it was']);
  });
});
