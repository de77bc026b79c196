import type { ProjectionReader } from '../../projections/engine/reader.js';
import { users, type UserRow } from '../../projections/users.js';
import type { LiveFacts } from '../identity/live-facts.js';
import { reached } from '../read-store/caught-up.js';
import { oldMeetingView, type KnownMeeting, type OldMeetingView } from './meeting-views.js';

/** A name is not worth a longer wait: without it a person has its id. */
const waitMs = 1_000;
/** People asked for at once. */
const atOnce = 500;

/** Makes what the deprecated endpoints show, with the names of rooms and people. */
export class OldMeetings {
  constructor(
    private readonly reader: ProjectionReader,
    private readonly facts: Pick<LiveFacts, 'rooms'>,
  ) {}

  async view(meeting: KnownMeeting, after: bigint): Promise<OldMeetingView> {
    const [view] = await this.views([meeting], after);
    if (!view) throw new Error('a meeting without a view');
    return view;
  }

  /** Of meetings of one world; people are called what they were at the position `after`, or later. */
  async views(meetings: readonly KnownMeeting[], after: bigint): Promise<OldMeetingView[]> {
    const [first] = meetings;
    if (!first) return [];
    const { world } = first;
    const people = new Set(
      meetings.flatMap(({ organizerId, invited }) => [organizerId, ...invited.map(({ userId }) => userId)]),
    );
    const profiles = await this.profiles(world, [...people], after);
    const roomTitle = (room: string): string => {
      const row = this.facts.rooms.get(room);
      return row?.world === world ? row.name : '';
    };
    const named = { roomTitle, profile: (user: string) => profiles.get(user) ?? {} };
    return meetings.map((meeting) => oldMeetingView(meeting, named));
  }

  private async profiles(
    world: string,
    people: readonly string[],
    after: bigint,
  ): Promise<Map<string, UserRow['profile']>> {
    await reached(this.reader, users, after, waitMs);
    const collection = await this.reader.collection<UserRow>(users);
    const profiles = new Map<string, UserRow['profile']>();
    for (let from = 0; from < people.length; from += atOnce) {
      const keys = people.slice(from, from + atOnce).map((user) => `${world}/${user}`);
      for (const { user, profile } of await collection.find({ _id: { $in: keys } }).toArray()) {
        profiles.set(user, profile);
      }
    }
    return profiles;
  }
}
