import type { Filter } from 'mongodb';
import type { ProjectionReader } from '../../projections/engine/reader.js';
import type { StoredRow } from '../../projections/engine/stored-row.js';
import { sourceKey, userMeetings, type UserMeetingRow } from '../../projections/user-meetings.js';
import type { Reader } from '../eventsourcing/execution.js';
import { caughtUp, type Fresh } from '../read-store/caught-up.js';
import { Refused } from '../eventsourcing/refused.js';
import type { Range } from '../time/intervals.js';
import { longestMs } from './calendar.js';
import type { KnownMeeting } from './meeting-views.js';
import type { Answer } from './meetings.js';

export type RowFilter = Filter<StoredRow<UserMeetingRow>>;

/** A meeting, and what one of its people answered. */
export type OwnMeeting = KnownMeeting & { readonly userId: string; readonly status: Answer };

type Asking = Pick<Reader, 'world' | 'userId' | 'after' | 'newest'>;
type Person = Pick<UserMeetingRow, 'user' | 'status' | 'place'>;

/** Meetings asked for at once. */
const atOnce = 500;

/** What people may ask of the read model `user_meetings`: the meetings they organize or are invited to. */
export class MeetingRows {
  constructor(private readonly reader: ProjectionReader) {}

  /** @throws Refused meeting.unknown, server.unavailable */
  async one(meetingId: string, asking: Asking): Promise<OwnMeeting> {
    const { world, userId } = asking;
    const row = await (await this.asOf(asking)).findOne({ _id: `${meetingId}/${userId}`, world, deleted: false });
    const [meeting] = row ? await this.withPeople([row]) : [];
    if (!meeting) throw new Refused('meeting.unknown');
    return meeting;
  }

  /** Those that overlap a range, in the order they begin. @throws Refused server.unavailable */
  async overlapping(range: Range, more: RowFilter, asking: Asking): Promise<OwnMeeting[]> {
    const { world, userId } = asking;
    const filter = { ...more, ...within(range), world, user: userId, deleted: false };
    const found = (await this.asOf(asking)).find(filter).sort({ start: 1, meeting_id: 1 });
    return this.withPeople(await found.toArray());
  }

  /** When they are, without those that were declined. @throws Refused server.unavailable */
  async times(range: Range, asking: Asking): Promise<Pick<UserMeetingRow, 'start' | 'end'>[]> {
    const { world, userId } = asking;
    const filter = { ...within(range), world, user: userId, deleted: false, status: { $ne: 'declined' as const } };
    const found = (await this.asOf(asking)).find(filter);
    return found.project<Pick<UserMeetingRow, 'start' | 'end'>>({ start: 1, end: 1 }).toArray();
  }

  /** Whether anybody has a meeting at a prop that is not over yet. @throws Refused server.unavailable */
  async anyAtProp(roomId: string, propId: string, { world, ...fresh }: Omit<Asking, 'userId'>): Promise<boolean> {
    const source_key = sourceKey('prop', [roomId, propId]);
    const found = await (
      await this.asOf(fresh)
    ).findOne({ world, source_key, end: { $gt: Date.now() }, deleted: false });
    return found !== null;
  }

  /** All meetings in a room as of a position, or later. @throws Refused server.unavailable */
  async inRoom(room: string, world: string, position: bigint): Promise<string[]> {
    const found = (await this.asOf({ after: position })).find({
      world,
      room,
      place: 0,
      deleted: false,
      is_valid: true,
    });
    return (await found.project<Pick<UserMeetingRow, 'meeting_id'>>({ meeting_id: 1 }).toArray()).map(
      ({ meeting_id }) => meeting_id,
    );
  }

  private asOf(fresh: Fresh) {
    return caughtUp(this.reader, userMeetings, fresh);
  }

  private async withPeople(rows: readonly UserMeetingRow[]): Promise<OwnMeeting[]> {
    const people = await this.peopleOf([...new Set(rows.map((row) => row.meeting_id))]);
    return rows.map((row) => ({
      userId: row.user,
      status: row.status,
      meetingId: row.meeting_id,
      world: row.world,
      organizerId: row.organizer,
      isValid: row.is_valid,
      created: row.created,
      updated: row.updated,
      plan: {
        subject: row.subject,
        description: row.description,
        color: row.color,
        sourceType: row.source_type,
        sourceIds: row.source_ids,
        startDate: row.start,
        endDate: row.end,
      },
      invited: (people.get(row.meeting_id) ?? []).map(({ user, status }) => ({ userId: user, status })),
    }));
  }

  /** Who was invited to each meeting, in that order. */
  private async peopleOf(meetings: readonly string[]): Promise<ReadonlyMap<string, readonly Person[]>> {
    const collection = await this.reader.collection<UserMeetingRow>(userMeetings);
    const found = new Map<string, Person[]>(meetings.map((meeting) => [meeting, []]));
    for (let from = 0; from < meetings.length; from += atOnce) {
      const filter = { meeting_id: { $in: meetings.slice(from, from + atOnce) }, place: { $gt: 0 } };
      const fields = { meeting_id: 1, user: 1, status: 1, place: 1 };
      const rows = collection.find(filter).project<Person & Pick<UserMeetingRow, 'meeting_id'>>(fields);
      for await (const row of rows) found.get(row.meeting_id)?.push(row);
    }
    for (const all of found.values()) all.sort((a, b) => a.place - b.place);
    return found;
  }
}

/** What overlaps a range; the index goes by beginnings. */
function within({ from, until }: Range) {
  return { start: { $gt: from - longestMs, $lt: until }, end: { $gt: from } };
}
