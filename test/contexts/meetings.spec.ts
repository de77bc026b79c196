import { describe, expect, it } from '@jest/globals';
import { black } from '../../src/meetings/meeting-fields.js';
import { meetings, participantIds, type MeetingEvent } from '../../src/meetings/meetings.js';
import { given, golden } from '../spec/decider-spec.js';

const plan = {
  sourceType: 'room',
  sourceIds: ['r-1'],
  subject: 'Talk',
  description: '',
  color: black,
  startDate: 1_000,
  endDate: 2_000,
} as const;
const buffers = { bufferBefore: 0, bufferAfter: 5 };
const created = '2026-01-01T09:00:00.000Z';
const updated = '2026-01-01T10:00:00.000Z';
const users = ['alice', 'bob', 'carol'];
const of = { meetingId: 'm-1', users };
const opened: MeetingEvent = {
  type: 'MeetingCreated',
  data: { ...of, world: 'demo', organizerId: 'alice', booking: '3', created, plan, buffers },
};
const stateAfter = (...events: MeetingEvent[]) => {
  const state = events.reduce((folded, event) => meetings.evolve(folded, event), meetings.initial);
  if (state.status === 'none') throw new Error('there is no meeting');
  return state;
};
const says = (userId: string, answer: string, status: 'accepted' | 'declined' | 'received') =>
  ({
    type: 'NoteAnswer',
    meetingId: 'm-1',
    userId,
    answer,
    said: status === 'accepted' ? { status, booking: '3' } : { status },
  }) as const;
const accepted = (userId: string, answer: string): MeetingEvent => ({
  type: 'MeetingAccepted',
  data: { ...of, userId, answer, booking: '3' },
});

describe('a meeting', () => {
  const open = {
    type: 'OpenMeeting',
    meetingId: 'm-1',
    organizerId: 'alice',
    booking: '3',
    created,
    plan,
    buffers,
  } as const;

  it('has each person once, the organizer first', () => {
    given(meetings)
      .when({ ...open, invitedUserIds: ['bob', 'alice', 'bob', 'carol'] })
      .then(opened);
    given(meetings, opened)
      .when({ ...open, invitedUserIds: [] })
      .refused('meeting.already_created');
  });

  it('is received by all invited, and participants are those who have not declined', () => {
    expect(stateAfter(opened).invited.map(({ status }) => status)).toEqual(['received', 'received']);
    const declined: MeetingEvent = { type: 'MeetingDeclined', data: { ...of, userId: 'bob', answer: '1' } };
    expect(participantIds(stateAfter(opened, declined))).toEqual(['alice', 'carol']);
    expect(participantIds(stateAfter(opened, declined, accepted('bob', '2')))).toEqual(users);
  });

  it('takes answers in the order of the calendar that gave them', () => {
    given(meetings, opened)
      .when(says('bob', '5', 'accepted'))
      .then(accepted('bob', '5'));
    given(meetings, opened, accepted('bob', '5'))
      .when(says('bob', '4', 'declined'))
      .refused('meeting.already_answered');
    given(meetings, opened, accepted('bob', '5'))
      .when(says('bob', '6', 'received'))
      .then({ type: 'MeetingAcceptanceWithdrawn', data: { ...of, userId: 'bob', answer: '6' } });
    given(meetings, opened)
      .when(says('dave', '1', 'accepted'))
      .refused('meeting.already_answered');
  });

  it('keeps of a late change only what no later one has said', () => {
    const later: MeetingEvent = {
      type: 'MeetingUpdated',
      data: { ...of, booking: '9', updated, patch: { subject: 'Later', startDate: 5_000, endDate: 6_000 } },
    };
    const patch = { subject: 'Late', description: 'Late', startDate: 3_000, endDate: 4_000 };
    given(meetings, opened, later)
      .when({ type: 'ReviseMeeting', meetingId: 'm-1', booking: '8', updated, patch })
      .then({ type: 'MeetingUpdated', data: { ...of, booking: '8', updated, patch: { description: 'Late' } } });
    expect(stateAfter(opened, later).booking).toBe('9');
  });

  it('is not valid once its room is gone, and valid again in another', () => {
    const gone = { type: 'InvalidateMeeting', meetingId: 'm-1', roomId: 'r-1' } as const;
    const invalid: MeetingEvent = { type: 'MeetingInvalidated', data: { ...of, roomId: 'r-1' } };
    given(meetings, opened).when(gone).then(invalid);
    given(meetings, opened)
      .when({ ...gone, roomId: 'r-2' })
      .refused('meeting.already_invalid');
    expect(stateAfter(opened, invalid).isValid).toBe(false);
    const elsewhere: MeetingEvent = {
      type: 'MeetingUpdated',
      data: { ...of, booking: '4', updated, patch: { sourceType: 'room', sourceIds: ['r-2'] } },
    };
    expect(stateAfter(opened, invalid, elsewhere).isValid).toBe(true);
    // Another prop in the same room is no help.
    const prop: MeetingEvent = {
      type: 'MeetingUpdated',
      data: { ...of, booking: '4', updated, patch: { sourceType: 'prop', sourceIds: ['r-1', 'p-1'] } },
    };
    expect(stateAfter(opened, invalid, prop).isValid).toBe(false);
  });

  it('is unknown once it is deleted', () => {
    const deleted: MeetingEvent = { type: 'MeetingDeleted', data: of };
    given(meetings, opened).when({ type: 'CloseMeeting', meetingId: 'm-1' }).then(deleted);
    given(meetings, opened, deleted)
      .when(says('bob', '1', 'accepted'))
      .refused('meeting.unknown');
    given(meetings).when({ type: 'CloseMeeting', meetingId: 'm-1' }).refused('meeting.unknown');
  });
});

describe('events of a meeting', () => {
  const stored = { ...of, users: [...users] };
  golden(meetings, {
    MeetingCreated: [
      {
        schema: 1,
        stored: {
          ...stored,
          world: 'demo',
          organizerId: 'alice',
          booking: '3',
          created,
          plan: { ...plan, sourceIds: ['r-1'], color: { ...black } },
          buffers,
        },
      },
    ],
    MeetingUpdated: [{ schema: 1, stored: { ...stored, booking: '4', updated, patch: { subject: 'New' } } }],
    MeetingDeleted: [{ schema: 1, stored }],
    MeetingAccepted: [{ schema: 1, stored: { ...stored, userId: 'bob', answer: '5', booking: '3' } }],
    MeetingDeclined: [{ schema: 1, stored: { ...stored, userId: 'bob', answer: '6' } }],
    MeetingAcceptanceWithdrawn: [{ schema: 1, stored: { ...stored, userId: 'bob', answer: '7' } }],
    MeetingInvalidated: [{ schema: 1, stored: { ...stored, roomId: 'r-1' } }],
  });
});
