import { setImmediate } from 'node:timers/promises';
import ical, { ICalAttendeeRole, ICalAttendeeStatus, ICalEventStatus } from 'ical-generator';
import type { JsonObject } from '../eventsourcing/events.js';
import { userSimple } from '../users/user-simple.js';

type Answer = 'accepted' | 'received' | 'declined';

export interface FeedPerson {
  readonly user: string;
  readonly status: Answer;
  /** Empty of one who never signed in. */
  readonly profile: JsonObject;
}

/** A meeting as one of its people has it. */
export interface FeedMeeting {
  readonly meeting_id: string;
  /** What the owner of the feed answered. */
  readonly status: Answer;
  readonly organizer: string;
  readonly subject: string;
  readonly description: string;
  /** Epoch milliseconds. */
  readonly start: number;
  readonly end: number;
  /** RFC 3339. */
  readonly created: string;
  readonly updated: string;
  /** The organizer first. */
  readonly people: readonly FeedPerson[];
}

const partStat = {
  accepted: ICalAttendeeStatus.ACCEPTED,
  declined: ICalAttendeeStatus.DECLINED,
  received: ICalAttendeeStatus.NEEDSACTION,
};

/** How often programs that subscribe to it should look again, in seconds. */
const refreshEvery = 15 * 60;

/** Milliseconds of work between two turns of the event loop. A meeting takes about one, with a long description ten. */
const turnMs = 15;

const newCalendar = () =>
  ical({ prodId: { company: 'Convoke', product: 'Meetings', language: 'EN' }, ttl: refreshEvery });
const [beginEvent, endCalendar] = ['BEGIN:VEVENT', 'END:VCALENDAR'];

/**
 * The meetings as an iCalendar file (RFC 5545). Times are in UTC, so that no zones need to be defined. A thousand meetings
 * take a second: others have their turn in between.
 */
export async function iCalendar(world: string, meetings: readonly FeedMeeting[]): Promise<string> {
  const empty = newCalendar().toString();
  const end = empty.lastIndexOf(endCalendar);
  const parts = [empty.slice(0, end)];
  let began = performance.now();
  for (const meeting of meetings) {
    parts.push(eventOf(world, meeting));
    if (performance.now() - began < turnMs) continue;
    await setImmediate();
    began = performance.now();
  }
  return parts.join('') + empty.slice(end);
}

/** Its lines as they stand in a calendar, which folds them. No text of a meeting begins a line. */
function eventOf(world: string, meeting: FeedMeeting): string {
  const calendar = newCalendar();
  const { meeting_id: id, status, organizer, subject, description, people } = meeting;
  const [created, updated] = [new Date(meeting.created), new Date(meeting.updated)];
  const event = calendar.createEvent({
    id,
    start: new Date(meeting.start),
    end: new Date(meeting.end),
    summary: text(subject),
    ...(description !== '' && { description: text(description) }),
    status: status === 'received' ? ICalEventStatus.TENTATIVE : ICalEventStatus.CONFIRMED,
    created,
    stamp: updated,
    lastModified: updated,
    // Grows with every change, and stays within 31 bits for 68 years.
    sequence: Math.ceil((updated.getTime() - created.getTime()) / 1000),
  });
  for (const person of people) {
    const named = { name: nameOf(person), email: addressOf(person.user, world) };
    const isOrganizer = person.user === organizer;
    if (isOrganizer) event.organizer(named);
    const role = isOrganizer ? ICalAttendeeRole.CHAIR : ICalAttendeeRole.REQ;
    event.createAttendee({ ...named, role, status: partStat[person.status] });
  }
  const file = calendar.toString();
  return file.slice(file.indexOf(beginEvent), file.lastIndexOf(endCalendar));
}

// oxlint-disable-next-line no-control-regex -- RFC 5545 allows none of them in a text but tab and line break
const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;
const text = (value: string): string => value.replace(control, '');

/** Never empty. */
function nameOf({ user, profile }: FeedPerson): string {
  const { firstName, lastName } = userSimple(user, profile);
  return inQuotes(`${firstName} ${lastName}`) || inQuotes(user) || '?';
}

/** Between double quotes there can be none of them, and no escape. */
const inQuotes = (value: string): string =>
  text(value)
    .replaceAll('"', "'")
    .replace(/[\t\r\n\\]+/g, ' ')
    .trim();

/** No mailbox: e-mail addresses are not for the other people of a meeting. Tells people of one name apart. */
const addressOf = (user: string, world: string): string => `${encodeURIComponent(user)}@${world}.invalid`;
