import type { Filter } from 'mongodb';
import type { ProjectionReader } from '../../projections/engine/reader.js';
import type { StoredRow } from '../../projections/engine/stored-row.js';
import { sourceKey, userMeetings, type OrganizerRow, type UserMeetingRow } from '../../projections/user-meetings.js';
import type { Reader } from '../eventsourcing/execution.js';
import { caughtUp, found, type Fresh } from '../read-store/caught-up.js';
import { Refused } from '../eventsourcing/refused.js';
import type { Range } from '../time/intervals.js';
import { longestMs } from './calendar.js';
import type { KnownMeeting } from './meeting-views.js';
import type { Answer } from './meetings.js';

export type RowFilter = Filter<StoredRow<UserMeetingRow>>;

/** A meeting, and what one of its people answered. */
export type OwnMeeting = KnownMeeting & { readonly userId: string; readonly status: Answer };

type Asking = Pick<Reader, 'world' | 'userId' | 'after' | 'newest'>;

/** In one list. */
const mostListed = 1_000;
/** Meetings asked for at once: their rows may have long descriptions and many participants. */
const atOnce = 100;
/** That is read from the organizer's row. */
const slim = { participants: 0, description: 0, color: 0 } as const;

/** What people may ask of the read model `user_meetings`: the meetings they organize or are invited to. */
export class MeetingRows {
  constructor(private readonly reader: ProjectionReader) {}

  /** @throws Refused meeting.unknown, server.unavailable */
  async one(meetingId: string, asking: Asking): Promise<OwnMeeting> {
    const { world, userId: user } = asking;
    // Ids may hold a slash: the key alone could be read as another meeting and person.
    const filter = { _id: `${meetingId}/${user}`, world, user, meeting_id: meetingId, deleted: false };
    const row = await found(asking, async (fresh) => (await this.asOf(fresh)).findOne(filter, { projection: slim }));
    const [meeting] = row ? await this.whole([row]) : [];
    if (!meeting) throw new Refused('meeting.unknown');
    return meeting;
  }

  /** Those that overlap a range, in the order they begin. @throws Refused protocol.invalid for too many, server.unavailable */
  async overlapping(range: Range, more: RowFilter, asking: Asking): Promise<OwnMeeting[]> {
    const { world, userId } = asking;
    const filter = { ...more, ...within(range), world, user: userId, deleted: false };
    const all = (await this.asOf(asking)).find(filter, { projection: slim }).sort({ start: 1, meeting_id: 1 });
    const rows = await all.limit(mostListed + 1).toArray();
    if (rows.length > mostListed) throw tooMany();
    return this.whole(rows);
  }

  /** When they are, without those that were declined. @throws Refused server.unavailable */
  async times(range: Range, asking: Asking): Promise<Pick<UserMeetingRow, 'start' | 'end'>[]> {
    const { world, userId } = asking;
    const filter = { ...within(range), world, user: userId, deleted: false, status: { $ne: 'declined' as const } };
    const all = (await this.asOf(asking)).find(filter);
    return all.project<Pick<UserMeetingRow, 'start' | 'end'>>({ start: 1, end: 1 }).toArray();
  }

  /** Whether anybody has a meeting at a prop that is not over yet. @throws Refused server.unavailable */
  async anyAtProp(roomId: string, propId: string, { world, ...fresh }: Omit<Asking, 'userId'>): Promise<boolean> {
    const source_key = sourceKey('prop', [roomId, propId]);
    const rows = await this.asOf(fresh);
    return (await rows.findOne({ world, source_key, end: { $gt: Date.now() }, deleted: false })) !== null;
  }

  /** All meetings in a room as of a position, or later. @throws Refused server.unavailable */
  async inRoom(room: string, world: string, position: bigint): Promise<string[]> {
    const rows = await this.asOf({ after: position });
    const there = rows.find({ world, room, place: 0, deleted: false, is_valid: true });
    return (await there.project<Pick<UserMeetingRow, 'meeting_id'>>({ meeting_id: 1 }).toArray()).map(
      ({ meeting_id }) => meeting_id,
    );
  }

  private asOf(fresh: Fresh) {
    return caughtUp(this.reader, userMeetings, fresh);
  }

  /** With what their organizers' rows say. A meeting whose rows are being written is not there until its organizer's is. */
  private async whole(rows: readonly UserMeetingRow[]): Promise<OwnMeeting[]> {
    const told = await this.organizersRows(rows.map((row) => row.meeting_id));
    return rows.flatMap((row) => {
      const once = told.get(row.meeting_id);
      return once ? [ownMeeting(row, once)] : [];
    });
  }

  private async organizersRows(meetings: readonly string[]): Promise<ReadonlyMap<string, OrganizerRow>> {
    const collection = await this.reader.collection<UserMeetingRow>(userMeetings);
    const told = new Map<string, OrganizerRow>();
    for (let from = 0; from < meetings.length; from += atOnce) {
      const filter = { meeting_id: { $in: meetings.slice(from, from + atOnce) }, place: 0 };
      for (const row of await collection.find<OrganizerRow>(filter).toArray()) told.set(row.meeting_id, row);
    }
    return told;
  }
}

const ownMeeting = (row: UserMeetingRow, { description, color, participants }: OrganizerRow): OwnMeeting => ({
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
    description,
    color,
    sourceType: row.source_type,
    sourceIds: row.source_ids,
    startDate: row.start,
    endDate: row.end,
  },
  invited: participants.map(({ user, status }) => ({ userId: user, status })),
});

function tooMany(): Refused {
  const message = `ask for a shorter range; there are more than ${mostListed} meetings in this one`;
  return new Refused('protocol.invalid', message, [{ field: 'endDate', message }]);
}

/** What overlaps a range; the index goes by beginnings. */
function within({ from, until }: Range) {
  return { start: { $gt: from - longestMs, $lt: until }, end: { $gt: from } };
}
