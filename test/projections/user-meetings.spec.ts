import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fold, prepare } from '../../projections/engine/fold.js';
import { ParkedStreams } from '../../projections/engine/parked-streams.js';
import type { RowVersion } from '../../projections/engine/stored-row.js';
import { sourceKey, userMeetings, type UserMeetingRow } from '../../projections/user-meetings.js';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import { Refused } from '../../src/eventsourcing/refused.js';
import { black } from '../../src/meetings/meeting-fields.js';
import { meetings, type Meeting, type MeetingCommand, type MeetingEvent } from '../../src/meetings/meetings.js';
import { alice, recorded } from '../spec/decider-spec.js';
import { rowsOf, shown } from './meeting-rows.js';
import { circumstances, runThrough, troubles } from './session-runs.js';

const start = Date.parse('2026-03-01T09:00:00.000Z');
const hour = 3_600_000;

const details = { subject: 'Stand-up', description: '', color: black } as const;
const plan = { ...details, sourceType: 'room', sourceIds: ['r1'], startDate: start, endDate: start + hour } as const;

const created: MeetingEvent = {
  type: 'MeetingCreated',
  data: {
    world: 'demo',
    meetingId: 'm1',
    users: ['ann', 'bob', 'a/b'],
    organizerId: 'ann',
    booking: '0',
    created: '2026-02-01T00:00:00.000Z',
    plan,
    buffers: { bufferBefore: 5, bufferAfter: 10 },
  },
};
const of = { meetingId: 'm1', users: ['ann', 'bob', 'a/b'] };

const inLog = (events: readonly MeetingEvent[], gap = 1): RecordedEvent[] =>
  events.map((event, n) => recorded(event, { stream: `meeting-${event.data.meetingId}`, position: BigInt(n * gap) }));

function foldAll(events: readonly RecordedEvent[]): Map<string, RowVersion<UserMeetingRow>> {
  const rows = new Map<string, RowVersion<UserMeetingRow>>();
  const prepared = prepare(userMeetings, events, (event) => event);
  fold(userMeetings, prepared, rows, new ParkedStreams());
  return rows;
}

const rowOf = (id: string, ...events: MeetingEvent[]): UserMeetingRow | undefined =>
  foldAll(inLog([created, ...events])).get(id)?.row;

describe('the meetings of people', () => {
  it('has a row for the organizer and for everyone invited', () => {
    const rows = foldAll(inLog([created]));
    expect([...rows.keys()]).toEqual(['m1/ann', 'm1/bob', 'm1/a/b']);
    expect(rows.get('m1/ann')?.row).toEqual({
      world: 'demo',
      user: 'ann',
      status: 'accepted',
      place: 0,
      meeting_id: 'm1',
      organizer: 'ann',
      subject: 'Stand-up',
      participants: [
        { user: 'bob', status: 'received' },
        { user: 'a/b', status: 'received' },
      ],
      description: '',
      color: black,
      source_type: 'room',
      source_ids: ['r1'],
      source_key: '["room","r1"]',
      room: 'r1',
      start,
      end: start + hour,
      buffer_before: 5,
      buffer_after: 10,
      created: '2026-02-01T00:00:00.000Z',
      updated: '2026-02-01T00:00:00.000Z',
      is_valid: true,
      deleted: false,
    });
    expect(rows.get('m1/bob')?.row).toMatchObject({ user: 'bob', status: 'received', place: 1, organizer: 'ann' });
    expect(rows.get('m1/a/b')?.row).toMatchObject({ user: 'a/b', status: 'received', place: 2 });
  });

  it('says who is invited, the description and the color once, in the row of the organizer', () => {
    const changed: MeetingEvent = {
      type: 'MeetingUpdated',
      data: { ...of, booking: '1', updated: alice.now, patch: { description: 'Long', color: { ...black, r: 9 } } },
    };
    const rows = foldAll(inLog([created, changed]));
    expect(rows.get('m1/ann')?.row).toMatchObject({ description: 'Long', color: { ...black, r: 9 } });
    for (const id of ['m1/bob', 'm1/a/b']) {
      const fields = Object.keys(rows.get(id)?.row ?? {});
      expect(fields).toContain('subject');
      expect(fields).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(participants|description|color)$/)]));
    }
  });

  it('an answer changes the row of who gave it and the organizer’s, and no other', () => {
    const accepted: MeetingEvent = {
      type: 'MeetingAccepted',
      data: { ...of, userId: 'bob', answer: '0', booking: '0' },
    };
    const rows = foldAll(inLog([created, accepted]));
    expect([...rows.values()].map(({ position, row }) => [position, row?.status])).toEqual([
      [1n, 'accepted'],
      [1n, 'accepted'],
      [0n, 'received'],
    ]);
    expect(rows.get('m1/ann')?.row?.participants).toEqual([
      { user: 'bob', status: 'accepted' },
      { user: 'a/b', status: 'received' },
    ]);
    const withdrawn: MeetingEvent = {
      type: 'MeetingAcceptanceWithdrawn',
      data: { ...of, userId: 'bob', answer: '1' },
    };
    expect(rowOf('m1/bob', accepted, withdrawn)?.status).toBe('received');
    expect(rowOf('m1/bob', { type: 'MeetingDeclined', data: { ...of, userId: 'bob', answer: '1' } })?.status).toBe(
      'declined',
    );
  });

  it('follows what the organizer changes, and the room', () => {
    const invalidated: MeetingEvent = { type: 'MeetingInvalidated', data: { ...of, roomId: 'r1' } };
    const moved: MeetingEvent = {
      type: 'MeetingUpdated',
      data: {
        ...of,
        booking: '1',
        updated: '2026-02-02T00:00:00.000Z',
        patch: { sourceIds: ['r2'], endDate: start + 1 },
      },
    };
    expect(rowOf('m1/bob', invalidated)).toMatchObject({ is_valid: false, room: 'r1' });
    expect(rowOf('m1/bob', invalidated, moved)).toMatchObject({
      is_valid: true,
      room: 'r2',
      source_ids: ['r2'],
      source_key: '["room","r2"]',
      start,
      end: start + 1,
      created: '2026-02-01T00:00:00.000Z',
      updated: '2026-02-02T00:00:00.000Z',
    });
    expect(rowOf('m1/ann', moved, invalidated, { type: 'MeetingDeleted', data: of })).toMatchObject({
      deleted: true,
      is_valid: false,
    });
  });

  it('never takes one list of ids for another', () => {
    expect(sourceKey('prop', ['a","b', 'c'])).not.toBe(sourceKey('prop', ['a', 'b","c']));
    expect(sourceKey('prop', ['a+b', 'c'])).not.toBe(sourceKey('prop', ['a', 'b+c']));
  });

  it('says what the streams say, and the same as a cold replay whatever is cut off in between (property)', async () => {
    const meetingId = fc.constantFrom('m1', 'm2', '__proto__');
    const booking = fc.nat({ max: 6 }).map(String);
    const user = fc.constantFrom('ann', 'bob', 'cyd', 'constructor');
    const time = fc.nat({ max: 4 }).map((n) => ({ startDate: start + n * hour, endDate: start + (n + 1) * hour }));
    const source = fc.constantFrom(
      { sourceType: 'room', sourceIds: ['r1'] } as const,
      { sourceType: 'prop', sourceIds: ['r1', 'p'] } as const,
      { sourceType: 'direct', sourceIds: ['bob'] } as const,
    );
    const said = fc.record({ subject: fc.constantFrom('A', 'B') }, { requiredKeys: [] });
    const changes = fc
      .tuple(fc.option(time), fc.option(source), said)
      .map(([when, where, what]) => ({ ...when, ...where, ...what }));
    const status = fc.constantFrom(
      { status: 'accepted', booking: '0' } as const,
      { status: 'declined' } as const,
      {
        status: 'received',
      } as const,
    );
    const commands: fc.Arbitrary<MeetingCommand> = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.tuple(fc.uniqueArray(user), time, source).map(
          ([invitedUserIds, when, where]) =>
            ({
              type: 'OpenMeeting',
              meetingId: '',
              organizerId: 'ann',
              invitedUserIds,
              booking: '0',
              created: alice.now,
              plan: { ...details, ...when, ...where },
              buffers: { bufferBefore: 0, bufferAfter: 0 },
            }) as const,
        ),
      },
      {
        weight: 4,
        arbitrary: fc.tuple(booking, changes).map(
          ([revision, patch]) =>
            ({
              type: 'ReviseMeeting',
              meetingId: '',
              booking: revision,
              updated: alice.now,
              patch,
            }) as const,
        ),
      },
      {
        weight: 6,
        arbitrary: fc.tuple(user, booking, status).map(
          ([userId, answer, answered]) =>
            ({
              type: 'NoteAnswer',
              meetingId: '',
              userId,
              answer,
              said: answered,
            }) as const,
        ),
      },
      { weight: 1, arbitrary: fc.constant({ type: 'InvalidateMeeting', meetingId: '', roomId: 'r1' } as const) },
      { weight: 1, arbitrary: fc.constant({ type: 'CloseMeeting', meetingId: '' } as const) },
    );
    const histories = fc.array(fc.tuple(meetingId, commands), { maxLength: 40 }).map((all) => {
      const states = new Map<string, Meeting>();
      const events = all.flatMap(([id, command]) => {
        const state = states.get(id) ?? meetings.initial;
        const decided = decideOrNothing({ ...command, meetingId: id }, state);
        states.set(
          id,
          decided.reduce((then, event) => meetings.evolve(then, event), state),
        );
        return decided;
      });
      return { states, events: inLog(events, 2) };
    });
    await fc.assert(
      fc.asyncProperty(histories, circumstances, troubles, async ({ states, events }, given, befalls) => {
        const cold = foldAll(events);
        expect((await runThrough({ model: userMeetings, events, given, troubles: befalls })).rows).toEqual(cold);
        const rows = [...cold].map(([id, { row }]) => [id, row && shown(row)]);
        expect(new Map(rows as [string, unknown][])).toEqual(
          new Map([...states].flatMap(([, state]) => rowsOf(state))),
        );
      }),
      { numRuns: 60 },
    );
  });
});

function decideOrNothing(command: MeetingCommand, state: Meeting): readonly MeetingEvent[] {
  try {
    return meetings.decide(command, state, alice);
  } catch (error) {
    if (error instanceof Refused) return [];
    throw error;
  }
}
