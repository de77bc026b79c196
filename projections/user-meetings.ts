import type { Color, SourceType } from '../src/meetings/meeting-fields.js';
import type { Answer, MeetingEvent, MeetingPlan } from '../src/meetings/meetings.js';
import { defineReadModel, type EventHandler, type RecordedAs } from './engine/read-model.js';

/**
 * A meeting as one of its people has it: `_id` is `<meeting_id>/<user>`. The rows of a meeting are alike but for `user`,
 * `status` and `place`; who else is invited, and what they answered, is in the others: an answer changes one row, however
 * many people there are.
 */
export type UserMeetingRow = {
  readonly world: string;
  readonly user: string;
  /** The organizer has accepted. */
  readonly status: Answer;
  /** 0 is the organizer, then all who were invited, in that order. */
  readonly place: number;
  readonly meeting_id: string;
  readonly organizer: string;
  readonly subject: string;
  readonly description: string;
  readonly color: Color;
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

/** Changes the row of who answered. */
const answer = <E extends RecordedAs<Extract<MeetingEvent, { readonly data: { readonly userId: string } }>>>(
  status: Answer,
): EventHandler<UserMeetingRow, E> => ({
  keys: ({ data: { meetingId, userId } }) => [rowId(meetingId, userId)],
  apply: (row) => row && { ...row, status },
});

/** What a plan, or a part of one, says in a row. */
function planned({ sourceType, sourceIds, startDate, endDate, ...said }: MeetingPlan): PlannedFields {
  const inRoom = sourceType === 'room' || sourceType === 'prop';
  return {
    subject: said.subject,
    description: said.description,
    color: said.color,
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
  'subject' | 'description' | 'color' | 'source_type' | 'source_ids' | 'source_key' | 'room' | 'start' | 'end'
>;

const planOf = (row: Readonly<UserMeetingRow>): MeetingPlan => ({
  subject: row.subject,
  description: row.description,
  color: row.color,
  sourceType: row.source_type,
  sourceIds: row.source_ids,
  startDate: row.start,
  endDate: row.end,
});

export const userMeetings = defineReadModel<UserMeetingRow, MeetingEvent>({
  name: 'user_meetings',
  version: 1,
  indexes: [
    { world: 1, user: 1, start: 1 },
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
          buffer_before: data.buffers.bufferBefore,
          buffer_after: data.buffers.bufferAfter,
          created: data.created,
          updated: data.created,
          is_valid: true,
          deleted: false,
        };
      },
    },
    MeetingUpdated: change((row, { data: { patch, updated } }) => ({
      ...planned({ ...planOf(row), ...patch }),
      updated,
      is_valid: patch.sourceIds ? true : row.is_valid,
    })),
    MeetingDeleted: change(() => ({ deleted: true })),
    MeetingAccepted: answer('accepted'),
    MeetingDeclined: answer('declined'),
    MeetingAcceptanceWithdrawn: answer('received'),
    MeetingInvalidated: change(() => ({ is_valid: false })),
  },
});
