import type { Json } from '../../eventsourcing/events.js';
import { isObject, pathTo, type Problems } from './problems.js';
import { daysBetween, formatMoment, isTimeOfDay, parseDuration, parseMoment, type Moment } from './times.js';

/** One session as the room's `schedule` module has it. Absent fields were absent in the file. */
export type ScheduleSession = {
  readonly id: string;
  readonly code?: string;
  readonly title: string;
  readonly subtitle?: string;
  /** RFC 3339 with the file's offset. */
  readonly start: string;
  readonly end: string;
  /** Minutes. */
  readonly duration: number;
  readonly language?: string;
  readonly type?: string;
  readonly track?: string;
  readonly abstract?: string;
  readonly url?: string;
  readonly do_not_record?: boolean;
  readonly persons?: readonly { readonly name: string; readonly code?: string }[];
  readonly links?: readonly { readonly title: string; readonly url: string }[];
};

const maxText = 20_000;

/** A session of a day's room; undefined when something that matters is wrong with it. */
export function readSession(
  problems: Problems,
  path: string,
  value: unknown,
  place: { readonly room: string; readonly date: string | undefined },
): ScheduleSession | undefined {
  const session = problems.object(path, value);
  if (!session) return undefined;
  const id = readId(problems, path, session);
  const title = problems.text(`${path}.title`, session.title, maxText);
  const start = readStart(problems, path, session, place.date);
  const duration = parseDuration(session.duration);
  if (duration === undefined) problems.add(`${path}.duration`, 'a duration such as 01:30');
  if (session.room !== undefined && session.room !== null && session.room !== place.room) {
    problems.add(`${path}.room`, `the room it is listed under, ${JSON.stringify(place.room)}`);
  }
  const details = readDetails(problems, path, session);
  if (id === undefined || title === undefined || start === undefined || duration === undefined) return undefined;
  return {
    id,
    title,
    start: formatMoment(start.epochMs, start.offsetMinutes),
    end: formatMoment(start.epochMs + duration * 60_000, start.offsetMinutes),
    duration,
    ...details,
  };
}

type Fields = Readonly<Record<string, unknown>>;

function readId(problems: Problems, path: string, { id, guid }: Fields): string | undefined {
  if (Number.isSafeInteger(id)) return String(id);
  const known = id ?? guid;
  return typeof known === 'string'
    ? problems.text(`${path}.id`, known)
    : problems.add(`${path}.id`, 'a number or a text');
}

function readStart(problems: Problems, path: string, { date, start }: Fields, day: string | undefined) {
  const moment = typeof date === 'string' ? parseMoment(date) : undefined;
  if (!moment) return problems.add(`${path}.date`, 'a date and time with offset such as 2025-10-30T10:00:00+01:00');
  if (start !== undefined && start !== null) checkTime(problems, `${path}.start`, start, moment);
  const later = day === undefined ? 0 : daysBetween(day, moment.day);
  // What runs after midnight belongs to the day before.
  if (later !== 0 && later !== 1) problems.add(`${path}.date`, `a time on the day it is listed under, ${day}`);
  return moment;
}

function checkTime(problems: Problems, path: string, start: unknown, { time }: Moment): void {
  if (typeof start !== 'string' || !isTimeOfDay(start)) problems.add(path, 'a time of day such as 10:00');
  else if (start.padStart(5, '0') !== time) problems.add(path, `the time of its date, ${time}`);
}

function readDetails(problems: Problems, path: string, session: Fields) {
  const text = (name: string, max?: number): string | undefined =>
    problems.optionalText(`${path}.${name}`, inOneLanguage(session[name]), max);
  const { do_not_record } = session;
  const details = {
    code: text('code'),
    subtitle: text('subtitle', maxText),
    language: text('language'),
    type: text('type'),
    track: text('track'),
    abstract: text('abstract', maxText),
    url: text('url', 2_000),
    do_not_record: typeof do_not_record === 'boolean' ? do_not_record : undefined,
    persons: listOf(problems, `${path}.persons`, session.persons, readPerson),
    links: listOf(problems, `${path}.links`, session.links, readLink),
  };
  return withoutUndefined(details);
}

function readPerson(problems: Problems, path: string, person: Fields) {
  const name = problems.text(`${path}.name`, person.public_name ?? person.name ?? person.full_public_name);
  const code = problems.optionalText(`${path}.code`, person.code);
  return name === undefined ? undefined : { name, ...(code !== undefined && { code }) };
}

function readLink(problems: Problems, path: string, link: Fields) {
  const url = problems.text(`${path}.url`, link.url, 2_000);
  return url === undefined ? undefined : { title: problems.optionalText(`${path}.title`, link.title) ?? url, url };
}

/** Undefined for an absent or empty list. */
function listOf<T>(
  problems: Problems,
  path: string,
  value: unknown,
  read: (problems: Problems, path: string, item: Fields) => T | undefined,
): T[] | undefined {
  if (value === undefined || value === null) return undefined;
  const items = problems.array(path, value)?.flatMap((item, index) => {
    const at = pathTo(path, index);
    const fields = problems.object(at, item);
    const found = fields && read(problems, at, fields);
    return found === undefined ? [] : [found];
  });
  return items && items.length > 0 ? items : undefined;
}

/** Exporters write some texts as an object of languages; any other value stays what it is. */
function inOneLanguage(value: unknown): unknown {
  return isObject(value) ? (value.en ?? Object.values(value)[0]) : value;
}

function withoutUndefined<T extends Readonly<Record<string, Json | undefined>>>(fields: T): Partial<T> {
  const kept: Partial<T> = { ...fields };
  for (const name in fields) if (fields[name] === undefined) delete kept[name];
  return kept;
}
