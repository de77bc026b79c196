import type { ProjectionReader } from '../../projections/engine/reader.js';
import { userMeetings, type UserMeetingRow } from '../../projections/user-meetings.js';
import { users, type UserRow } from '../../projections/users.js';
import { caughtUp } from '../read-store/caught-up.js';
import type { FeedMeeting, FeedPerson } from './icalendar.js';

type PersonRow = Pick<UserMeetingRow, 'meeting_id' | 'user' | 'status' | 'place'>;

/** Meetings, and people, looked up at once. */
const atOnce = 500;

/** What a person's feed holds, from the read models. */
export class CalendarRows {
  constructor(
    private readonly reader: ProjectionReader,
    /** What sockets have heard of. */
    private readonly live: { readonly position: bigint },
  ) {}

  /** All meetings but those the person declined and those that are called off, by their beginning. @throws Refused server.unavailable */
  async meetingsOf(world: string, user: string): Promise<FeedMeeting[]> {
    const fresh = { after: -1n, newest: this.live.position };
    const [meetings, people] = await Promise.all([
      caughtUp(this.reader, userMeetings, fresh),
      caughtUp(this.reader, users, fresh),
    ]);
    const own = meetings.find({ world, user, deleted: false, status: { $ne: 'declined' } });
    const rows = await own.sort({ start: 1, meeting_id: 1 }).toArray();
    const invited = new Map<string, PersonRow[]>();
    for (const some of chunks(rows.map(({ meeting_id }) => meeting_id))) {
      const fields = { meeting_id: 1, user: 1, status: 1, place: 1 };
      for await (const row of meetings.find({ meeting_id: { $in: some } }).project<PersonRow>(fields)) {
        const known = invited.get(row.meeting_id);
        if (known) known.push(row);
        else invited.set(row.meeting_id, [row]);
      }
    }
    const profiles = new Map<string, UserRow['profile']>();
    for (const some of chunks([...new Set([...invited.values()].flat().map((row) => row.user))])) {
      const found = people.find({ world, user: { $in: some } });
      for await (const row of found) profiles.set(row.user, row.profile);
    }
    return rows.map((row) => ({
      ...row,
      people: (invited.get(row.meeting_id) ?? [])
        .toSorted((a, b) => a.place - b.place)
        .map((one): FeedPerson => ({ ...one, profile: profiles.get(one.user) ?? {} })),
    }));
  }
}

function* chunks(all: readonly string[]): Generator<string[]> {
  for (let from = 0; from < all.length; from += atOnce) yield all.slice(from, from + atOnce);
}
