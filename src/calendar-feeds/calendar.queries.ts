import type { ProjectionReader } from '../../projections/engine/reader.js';
import { userMeetings, type OrganizerRow, type UserMeetingRow } from '../../projections/user-meetings.js';
import { users, type UserRow } from '../../projections/users.js';
import { caughtUp } from '../read-store/caught-up.js';
import type { FeedMeeting } from './icalendar.js';

/** Meetings, and people, looked up at once. */
const atOnce = 100;
/** In one feed. */
const mostMeetings = 1_000;
const mostPeople = 10;
const dayMs = 24 * 60 * 60 * 1_000;
const pastMs = 90 * dayMs;
/** No meeting lasts longer; the index goes by beginnings. */
export const longestMs = 366 * dayMs;

type Row = Omit<UserMeetingRow, 'participants' | 'description' | 'color'>;
type Told = Pick<OrganizerRow, 'description' | 'participants'>;

/** What a person's feed holds, from the read models. */
export class CalendarRows {
  constructor(
    private readonly reader: ProjectionReader,
    /** What sockets have heard of. */
    private readonly live: { readonly position: bigint },
  ) {}

  /**
   * The first 1,000 meetings by their beginning that are not over for more than 90 days, without those that the person
   * declined and those that are called off. @throws Refused server.unavailable
   */
  async meetingsOf(world: string, user: string): Promise<FeedMeeting[]> {
    const fresh = { after: -1n, newest: this.live.position };
    const [meetings, people] = await Promise.all([
      caughtUp(this.reader, userMeetings, fresh),
      caughtUp(this.reader, users, fresh),
    ]);
    const since = Date.now() - pastMs;
    const inTime = { start: { $gt: since - longestMs }, end: { $gt: since } };
    const own = meetings.find<Row>(
      { ...inTime, world, user, deleted: false, status: { $ne: 'declined' } },
      { projection: { participants: 0, description: 0, color: 0 } },
    );
    const rows = await own.sort({ start: 1, meeting_id: 1 }).limit(mostMeetings).batchSize(atOnce).toArray();
    const told = new Map<string, Told>();
    for (const some of chunks(rows.map(({ meeting_id }) => meeting_id))) {
      // The organizer is not among them, and the person's own answer is known.
      const projection = { participants: { $slice: mostPeople - 1 } };
      const filter = { meeting_id: { $in: some }, place: 0 };
      for (const row of await meetings.find<OrganizerRow>(filter, { projection }).toArray()) {
        told.set(row.meeting_id, row);
      }
    }
    const found = rows.flatMap((row) => {
      const once = told.get(row.meeting_id);
      return once ? [{ row, description: once.description, people: shown(row, once) }] : [];
    });
    const profiles = new Map<string, UserRow['profile']>();
    for (const some of chunks([...new Set(found.flatMap((one) => one.people.map((person) => person.user)))])) {
      const named = people.find({ world, user: { $in: some } }, { projection: { user: 1, profile: 1 } });
      for (const row of await named.toArray()) profiles.set(row.user, row.profile);
    }
    return found.map(({ row, description, people: all }) => ({
      ...row,
      description,
      people: all.map((one) => ({ ...one, profile: profiles.get(one.user) ?? {} })),
    }));
  }
}

/** The organizer, the person, and the first of the others. */
function shown({ user, status, organizer }: Row, { participants }: Told): Told['participants'] {
  const self = user === organizer ? [] : [{ user, status }];
  const others = participants.filter((one) => one.user !== user);
  return [{ user: organizer, status: 'accepted' as const }, ...self, ...others].slice(0, mostPeople);
}

function* chunks(all: readonly string[]): Generator<string[]> {
  for (let from = 0; from < all.length; from += atOnce) yield all.slice(from, from + atOnce);
}
