import type { Color, SourceType } from '../src/meetings/meeting-fields.js';
import type { Answer, MeetingEvent, MeetingPlan } from '../src/meetings/meetings.js';
import { defineReadModel, type EventHandler, type RecordedAs } from './engine/read-model.js';

export type Participant = { readonly user: string; readonly status: Answer };

/** What is kept once for each meeting, in its organizer's row. */
export type ToldOnce = {
  /** All who were invited, in that order, with their answers. */
  readonly participants: readonly Participant[];
  readonly description: string;
  readonly color: Color;
};

/**
 * A meeting as one of its people has it: `_id` is `<meeting_id>/<user>`. The rows of a meeting are alike but for `user`,
 * `status` and `place`, and the organizer's has `ToldOnce`: whoever reads a list of meetings reads two rows of each, and an
 * answer changes two, however many people there are.
 */
export type UserMeetingRow = Partial<ToldOnce> & {
  readonly world: string;
  readonly user: string;
  /** The organizer has accepted. */
  readonly status: Answer;
  /** 0 is the organizer, then all who were invited, in that order. */
  readonly place: number;
  readonly meeting_id: string;
  readonly organizer: string;
  readonly subject: string;
  readonly source_type: SourceType;
  readonly source_ids: readonly string[];
  /** Type and ids as one text, for exact filters: `sourceKey`. */
  readonly source_key: string;
  /** The room it is in, itself or by a prop. */
  readonly room: string | null;
  /** Epoch milliseconds. */
  readonly start: number;
  readonly end: number;
  /** Minutes. */
  readonly buffer_before: number;
  readonly buffer_after: number;
  /** RFC 3339: when the organizer decided it first, and last. */
  readonly created: string;
  readonly updated: string;
  /** False once its room was deleted. */
  readonly is_valid: boolean;
  readonly deleted: boolean;
};

/** The row with `place: 0`. */
export type OrganizerRow = UserMeetingRow & ToldOnce;

/** Two lists of ids never read alike. */
export const sourceKey = (type: string, ids: readonly string[]): string => JSON.stringify([type, ...ids]);

type Recorded = RecordedAs<MeetingEvent>;
type Change<E extends Recorded> = (row: Readonly<UserMeetingRow>, event: E) => Partial<UserMeetingRow>;

const rowId = (meetingId: string, user: string): string => `${meetingId}/${user}`;
const ofAll = ({ data: { meetingId, users } }: Recorded): string[] => users.map((user) => rowId(meetingId, user));

/** Changes the rows of all its people. */
const change = <E extends Recorded>(changed: Change<E>): EventHandler<UserMeetingRow, E> => ({
  keys: ofAll,
  apply: (row, event) => row && { ...row, ...changed(row, event) },
});

/** Changes the row of who answered, and the organizer's. */
const answer = <E extends RecordedAs<Extract<MeetingEvent, { readonly data: { readonly userId: string } }>>>(
  status: Answer,
): EventHandler<UserMeetingRow, E> => ({
  keys: ({ data: { meetingId, users, userId } }) =>
    [...users.slice(0, 1), userId].map((user) => rowId(meetingId, user)),
  apply: (row, { data: { userId } }) => {
    if (!row?.participants) return row && { ...row, status };
    return { ...row, participants: row.participants.map((one) => (one.user === userId ? { ...one, status } : one)) };
  },
});

type Plan = Omit<MeetingPlan, 'description' | 'color'>;

/** What a plan says in every row. */
function planned({ sourceType, sourceIds, startDate, endDate, subject }: Plan): PlannedFields {
  const inRoom = sourceType === 'room' || sourceType === 'prop';
  return {
    subject,
    source_type: sourceType,
    source_ids: sourceIds,
    source_key: sourceKey(sourceType, sourceIds),
    room: (inRoom && sourceIds[0]) || null,
    start: startDate,
    end: endDate,
  };
}

type PlannedFields = Pick<
  UserMeetingRow,
  'subject' | 'source_type' | 'source_ids' | 'source_key' | 'room' | 'start' | 'end'
>;

const planOf = (row: Readonly<UserMeetingRow>): Plan => ({
  subject: row.subject,
  sourceType: row.source_type,
  sourceIds: row.source_ids,
  startDate: row.start,
  endDate: row.end,
});

export const userMeetings = defineReadModel<UserMeetingRow, MeetingEvent>({
  name: 'user_meetings',
  version: 1,
  indexes: [
    { world: 1, user: 1, start: 1, meeting_id: 1 },
    { world: 1, source_key: 1, end: 1 },
    { world: 1, room: 1 },
    { meeting_id: 1, place: 1 },
  ],
  on: {
    MeetingCreated: {
      keys: ofAll,
      apply: (_row, { data, metadata: { world } }, key) => {
        const user = key.slice(rowId(data.meetingId, '').length);
        const place = data.users.indexOf(user);
        return {
          world,
          user,
          status: place === 0 ? 'accepted' : 'received',
          place,
          meeting_id: data.meetingId,
          organizer: data.organizerId,
          ...planned(data.plan),
          ...(place === 0 && {
            participants: data.users.slice(1).map((invited) => ({ user: invited, status: 'received' as const })),
            description: data.plan.description,
            color: data.plan.color,
          }),
          buffer_before: data.buffers.bufferBefore,
          buffer_after: data.buffers.bufferAfter,
          created: data.created,
          updated: data.created,
          is_valid: true,
          deleted: false,
        };
      },
    },
    MeetingUpdated: change((row, { data: { patch, updated } }) => {
      const fields = planned({ ...planOf(row), ...patch });
      const { description, color } = { ...row, ...patch };
      return {
        ...fields,
        ...(row.place === 0 && { description, color }),
        updated,
        // Another room may be there.
        is_valid: row.is_valid || fields.room !== row.room,
      };
    }),
    MeetingDeleted: change(() => ({ deleted: true })),
    MeetingAccepted: answer('accepted'),
    MeetingDeclined: answer('declined'),
    MeetingAcceptanceWithdrawn: answer('received'),
    MeetingInvalidated: change(() => ({ is_valid: false })),
  },
});
