import { isZone } from '../../identity/tokens.js';
import { keyOf } from '../../rooms/room-directory.js';
import { syntaxError } from './json-syntax.js';
import { isObject, pathTo, Problems } from './problems.js';
import { readSession, type ScheduleSession } from './session.js';
import { isDay } from './times.js';

/** What Convoke keeps of a frab or pretalx schedule. */
export interface Schedule {
  readonly conference: {
    readonly acronym: string;
    readonly title: string;
    /** IANA zone. */
    readonly time_zone?: string;
  };
  /** In the order of the file. */
  readonly rooms: readonly ScheduleRoom[];
}

export interface ScheduleRoom {
  /** Names the room for good: its guid, else its slug, else its name. */
  readonly key: string;
  readonly name: string;
  readonly description?: string;
  readonly capacity?: number;
  /** By start. */
  readonly sessions: readonly ScheduleSession[];
}

/** Why a file cannot be imported: every problem found, each with its place in the file. */
export class ScheduleInvalid extends Error {
  override readonly name = 'ScheduleInvalid';
  constructor(readonly problems: readonly string[]) {
    super(`the schedule has ${problems.length} problem${problems.length === 1 ? '' : 's'}`);
  }
}

const maxAcronym = 90;
const maxKey = 200;

/** Reads the whole file. @throws ScheduleInvalid */
export function parseSchedule(source: string): Schedule {
  const text = source.startsWith('\ufeff') ? source.slice(1) : source;
  const problems = new Problems();
  const schedule = readSchedule(problems, parseJson(text));
  if (problems.list.length > 0 || !schedule) throw new ScheduleInvalid(problems.list);
  return schedule;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const wrong = syntaxError(text);
    if (!wrong) throw error;
    throw new ScheduleInvalid([`line ${wrong.line}, column ${wrong.column}: not JSON, expected ${wrong.expected}`]);
  }
}

function readSchedule(problems: Problems, file: unknown): Schedule | undefined {
  const schedule = problems.object('schedule', isObject(file) ? file.schedule : undefined);
  const path = 'schedule.conference';
  const conference = schedule && problems.object(path, schedule.conference);
  if (!conference) return undefined;
  const acronym = problems.text(`${path}.acronym`, conference.acronym, maxAcronym);
  const title = problems.text(`${path}.title`, conference.title);
  const zone = conference.time_zone_name ?? undefined;
  if (zone !== undefined && !isZone(zone))
    problems.add(`${path}.time_zone_name`, 'an IANA time zone such as Europe/Paris');
  checkDays(problems, path, conference);
  const rooms = new Rooms(problems);
  if (conference.rooms !== undefined && conference.rooms !== null) {
    rooms.declare(`${path}.rooms`, problems.array(`${path}.rooms`, conference.rooms));
  }
  rooms.fill(`${path}.days`, problems.array(`${path}.days`, conference.days));
  if (acronym === undefined || title === undefined) return undefined;
  return {
    conference: { acronym, title, ...(isZone(zone) && { time_zone: zone }) },
    rooms: rooms.all(path),
  };
}

function checkDays(problems: Problems, path: string, { start, end }: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries({ start, end })) {
    if (value !== undefined && value !== null && !isDay(value))
      problems.add(`${path}.${name}`, 'a day such as 2025-10-30');
  }
  if (isDay(start) && isDay(end) && end < start) problems.add(`${path}.end`, 'a day not before the start');
}

type Draft = Omit<ScheduleRoom, 'sessions'> & { readonly sessions: ScheduleSession[] };

/** Collects the rooms: those the conference lists, or, in older files without a list, those its days name. */
class Rooms {
  private readonly byName = new Map<string, Draft>();
  private readonly names = new Map<string, string>();
  private readonly keys = new Map<string, string>();
  private readonly sessionIds = new Map<string, string>();
  private declared = false;

  constructor(private readonly problems: Problems) {}

  declare(path: string, list: readonly unknown[] | undefined): void {
    this.declared = list !== undefined;
    list?.forEach((value, index) => {
      const at = pathTo(path, index);
      const room = this.problems.object(at, value);
      if (room) this.add(at, `${at}.name`, room.name, room);
    });
  }

  fill(path: string, days: readonly unknown[] | undefined): void {
    days?.forEach((value, index) => {
      const at = pathTo(path, index);
      const day = this.problems.object(at, value);
      if (!day) return;
      const date = isDay(day.date) ? day.date : this.problems.add(`${at}.date`, 'a day such as 2025-10-30');
      // Some exporters write a day without rooms as an empty list.
      if (Array.isArray(day.rooms) && day.rooms.length === 0) return;
      const rooms = this.problems.object(`${at}.rooms`, day.rooms);
      for (const [name, sessions] of Object.entries(rooms ?? {})) {
        this.fillRoom(pathTo(`${at}.rooms`, name), name, sessions, date);
      }
    });
  }

  all(path: string): ScheduleRoom[] {
    const rooms = [...this.byName.values()];
    if (rooms.length === 0) this.problems.add(path, 'at least one room, in rooms or in days');
    return rooms.map((room) => ({
      ...room,
      sessions: room.sessions.toSorted((a, b) => Date.parse(a.start) - Date.parse(b.start) || (a.id < b.id ? -1 : 1)),
    }));
  }

  private fillRoom(path: string, name: string, value: unknown, date: string | undefined): void {
    let room = this.byName.get(name);
    if (!room && this.declared) return this.problems.add(path, 'a room that is among schedule.conference.rooms');
    room ??= this.add(path, path, name, {});
    this.problems.array(path, value)?.forEach((session, index) => {
      const at = pathTo(path, index);
      const read = readSession(this.problems, at, session, { room: name, date });
      if (!read) return;
      const first = this.sessionIds.get(read.id);
      if (first !== undefined) this.problems.add(`${at}.id`, `an id of its own, it is that of ${first}`);
      else this.sessionIds.set(read.id, at);
      room?.sessions.push(read);
    });
  }

  private add(
    at: string,
    nameAt: string,
    value: unknown,
    fields: Readonly<Record<string, unknown>>,
  ): Draft | undefined {
    const { problems } = this;
    const name = problems.text(nameAt, value);
    const guid = problems.optionalText(`${at}.guid`, fields.guid, maxKey);
    const slug = problems.optionalText(`${at}.slug`, fields.slug, maxKey);
    const description = problems.optionalText(`${at}.description`, fields.description, 10_000);
    const capacity = fields.capacity ?? undefined;
    if (capacity !== undefined && !isCapacity(capacity)) problems.add(`${at}.capacity`, 'a whole number of seats');
    if (name === undefined) return undefined;
    const sameName = this.names.get(keyOf(name));
    if (sameName !== undefined) return problems.add(nameAt, `a name of its own, it is that of ${sameName}`);
    this.names.set(keyOf(name), nameAt);
    const key = guid ?? slug ?? shortened(keyOf(name));
    const sameKey = this.keys.get(key);
    if (sameKey !== undefined) {
      return problems.add(
        `${at}.${guid === undefined ? 'slug' : 'guid'}`,
        `an id of its own, it is that of ${sameKey}`,
      );
    }
    this.keys.set(key, at);
    const draft: Draft = {
      key,
      name,
      ...(description !== undefined && { description }),
      ...(isCapacity(capacity) && { capacity }),
      sessions: [],
    };
    this.byName.set(name, draft);
    return draft;
  }
}

const isCapacity = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

/** Long names differ early enough, or are told apart by the server's own rule on names. */
const shortened = (key: string): string => [...key].slice(0, maxKey).join('');
