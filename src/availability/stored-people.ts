import { availabilityPatterns, type AvailabilityPatternRow } from '../../projections/availability-patterns.js';
import { availabilitySlots, type AvailabilitySlotsRow, type BusyTime } from '../../projections/availability-slots.js';
import type { ProjectionReader } from '../../projections/engine/reader.js';
import { userMeetings } from '../../projections/user-meetings.js';
import { users as userModel, type UserRow } from '../../projections/users.js';
import { caughtUp, type Fresh } from '../read-store/caught-up.js';
import { merge, type Agenda, type Range } from '../time/intervals.js';
import { dateOf, dayMs, dayOf, type Day, type Zone } from '../time/zones.js';
import { availableIn, type Rules } from './available.js';
import { alwaysAvailable, type DayRule, type Weekly } from './rules.js';

/** What the read models tell of a person about some days. */
export interface StoredPerson extends Rules {
  /** By the newest token's zoneinfo, else of the person's last rule, else UTC. */
  readonly zone: Zone;
  readonly weekly: Weekly;
  readonly days: ReadonlyMap<Day, DayRule>;
  readonly busy: readonly BusyTime[];
  /** Whether the person ever signed in. */
  readonly known: boolean;
}

/** A day has a date in every zone, and a buffer reaches into the next day. */
const aroundDays = 2;

/** Reads people's rules and busy times. */
export class StoredPeople {
  constructor(private readonly reader: ProjectionReader) {}

  /** By user id: everything that concerns the range, once the read models are current enough. @throws Refused server.unavailable */
  async read(
    world: string,
    users: readonly string[],
    range: Range,
    fresh: Fresh,
  ): Promise<ReadonlyMap<string, StoredPerson>> {
    const [patterns, slots, people] = await Promise.all([
      caughtUp(this.reader, availabilityPatterns, fresh),
      caughtUp(this.reader, availabilitySlots, fresh),
      caughtUp(this.reader, userModel, fresh),
    ]);
    const [from, until] = [
      dateOf(Math.floor(range.from / dayMs) - aroundDays),
      dateOf(Math.floor(range.until / dayMs) + aroundDays),
    ];
    const of = { world, user: { $in: [...users] } };
    const [patternRows, slotRows, userRows] = await Promise.all([
      patterns.find(of).toArray(),
      slots.find({ ...of, date: { $gte: from, $lte: until } }).toArray(),
      people.find(of, { projection: { user: 1, zone: 1 } }).toArray(),
    ]);
    return peopleOf(users, patternRows, slotRows, userRows);
  }

  /** Which of the meetings the person organizes or is invited to. @throws Refused server.unavailable */
  async ownMeetings(world: string, user: string, meetings: readonly string[], fresh: Fresh): Promise<Set<string>> {
    if (meetings.length === 0) return new Set();
    const own = await caughtUp(this.reader, userMeetings, fresh);
    const _id = { $in: meetings.map((meeting) => `${meeting}/${user}`) };
    const rows = await own.find({ _id, world }, { projection: { meeting_id: 1 } }).toArray();
    return new Set(rows.map(({ meeting_id }) => meeting_id));
  }

  /** The people with one of these e-mail addresses, each by id with the address as given. @throws Refused server.unavailable */
  async byEmail(world: string, emails: readonly string[], fresh: Fresh): Promise<ReadonlyMap<string, string>> {
    if (emails.length === 0) return new Map();
    const people = await caughtUp(this.reader, userModel, fresh);
    const given = new Map(emails.map((one) => [one.toLowerCase(), one]));
    const query = { world, email: { $in: [...given.keys()] } };
    const rows = await people.find(query, { projection: { user: 1, email: 1 } }).toArray();
    return new Map(rows.map(({ user, email }) => [user, given.get(email ?? '') ?? user]));
  }
}

/** The people by id, each with what the rows say of them; of who is in none, too. */
export function peopleOf(
  users: readonly string[],
  patterns: readonly AvailabilityPatternRow[],
  slots: readonly AvailabilitySlotsRow[],
  known: readonly Pick<UserRow, 'user' | 'zone'>[],
): ReadonlyMap<string, StoredPerson> {
  const [patternOf, userOf] = [byUser(patterns), byUser(known)];
  const people = new Map(
    users.map((user) => {
      const [pattern, row] = [patternOf.get(user), userOf.get(user)];
      const zone = row?.zone ?? pattern?.zone ?? 'UTC';
      const weekly = pattern?.weekly ?? alwaysAvailable;
      const days = new Map<Day, DayRule>();
      const busy: BusyTime[] = [];
      return [user, { zone, weekly, days, busy, known: row !== undefined }];
    }),
  );
  for (const { user, date, available, busy } of slots) {
    const person = people.get(user);
    if (available) person?.days.set(dayOf(date), available);
    person?.busy.push(...busy);
  }
  return people;
}

/** What remains of a person for looking for slots: integers. */
export function agendaOf(person: StoredPerson, range: Range): Agenda {
  const busy = merge(person.busy.flatMap(({ from, until }) => [from, until]));
  return { available: availableIn(person, range), busy };
}

const byUser = <Row extends { readonly user: string }>(rows: readonly Row[]): Map<string, Row> =>
  new Map(rows.map((row) => [row.user, row]));
