import type { RoomConfigView } from '../../rooms/room-fields.js';
import { plural } from '../failure.js';
import { moduleType } from '../import/plan.js';
import type { ScheduleSession } from '../import/session.js';
import { formatMoment, parseMoment } from '../import/times.js';
import type { SocketEvent } from '../socket-client.js';
import { duration, percentile, quoted, shortened, type Show } from './show.js';
import type { Person } from './stage.js';

/** Who is where. */
export interface Cast {
  readonly admin: Person;
  readonly moderator: Person;
  readonly attendees: readonly Person[];
  /** The room each attendee is in. */
  readonly place: Map<Person, RoomConfigView>;
}

type Config = { readonly sessions: readonly ScheduleSession[] };

const deliveryMs = 5_000;
const shown = 3;

/** The admin changes one room: everyone is told, each what it may see. */
export async function changeRoom(show: Show, { admin, attendees }: Cast, room: RoomConfigView): Promise<void> {
  show.scene('Configure', 'the admin changes a room; everyone of the world hears of it');
  const description = 'Doors open a quarter of an hour early today.';
  const sentAt = performance.now();
  const told = heard(attendees, (event) => roomIn(event, room.id)?.description === description);
  await admin.patch(room.id, { description });
  show.line(`${admin.name}: ${quoted(room.name)} now says ${quoted(description)}`);
  tell(show, await told, sentAt, attendees.length, 'world.updated', 'everyone connected');
}

/** A session moves: out of one room's schedule, into another's an hour later. */
export async function moveSession(
  show: Show,
  { admin, attendees }: Cast,
  rooms: readonly RoomConfigView[],
): Promise<void> {
  show.scene('Reschedule', 'a session moves to another time and room');
  const from = rooms.find((room) => sessionsOf(room).length > 0);
  const [session] = from ? sessionsOf(from) : [];
  if (!from || !session) return show.line('this schedule has no sessions to move');
  const to = rooms.findLast((room) => room.id !== from.id) ?? from;
  const moved = { ...session, ...laterBy(60, session) };
  const sentAt = performance.now();
  const told = heard(attendees, (event) => {
    const target = roomIn(event, to.id);
    return target !== undefined && sessionsOf(target).some(({ id, start }) => id === moved.id && start === moved.start);
  });
  const without = sessionsOf(from).filter(({ id }) => id !== session.id);
  const before = to.id === from.id ? without : sessionsOf(to);
  if (to.id !== from.id) await admin.patch(from.id, { module_config: withSessions(from, without) });
  await admin.patch(to.id, { module_config: withSessions(to, [...before, moved]) });
  show.line(quoted(session.title));
  show.line(`${quoted(from.name)} ${session.start}  →  ${quoted(to.name)} ${moved.start}`);
  tell(show, await told, sentAt, attendees.length, 'world.updated', 'everyone connected');
}

/** The moderator says what is on: those in the room hear it, nobody else does. */
export async function announce(show: Show, { moderator, attendees, place }: Cast, room: RoomConfigView): Promise<void> {
  show.scene('Announce', 'the moderator announces what is on now; those in that room hear it');
  const title = shortened(sessionsOf(room)[0]?.title ?? 'We begin in a minute');
  const inside = attendees.filter((person) => place.get(person)?.id === room.id);
  let elsewhere = 0;
  const outside = attendees.filter((person) => !inside.includes(person));
  const stop = outside.map(({ client }) =>
    client.onEvent(({ name }) => void (elsewhere += Number(name === 'room.schedule'))),
  );
  const sentAt = performance.now();
  const told = heard(inside, (event) => titleOf(event) === title);
  await moderator.announce(room.id, title);
  show.line(`${moderator.name}: ${quoted(title)} in ${quoted(room.name)}`);
  tell(show, await told, sentAt, inside.length, 'room.schedule', 'everyone in the room');
  // Their sockets are in order: an answer asked for now comes after whatever was sent to them before.
  await Promise.all(outside.map(({ client }) => client.call('room.leave', { room: room.id })));
  for (const end of stop) end();
  show.expect(
    elsewhere === 0,
    `nobody of the ${plural(outside.length, 'other attendee')} heard it`,
    `${elsewhere} did`,
  );
}

export interface Measured {
  readonly deliveries: number;
  readonly p50: number;
  readonly p99: number;
}

/** Announcements one after the other to a full room: from the command to each delivery. */
export async function measure(show: Show, cast: Cast, room: RoomConfigView, count: number): Promise<Measured> {
  const { moderator, attendees } = cast;
  show.scene('Measure', `everyone comes to one room, ${count} announcements follow one another`);
  await Promise.all(attendees.map((person) => person.enter(room.id)));
  const latencies: number[] = [];
  for (let n = 1; n <= count; n++) {
    const title = `Announcement ${n} of ${count}`;
    const told = heard(attendees, (event) => titleOf(event) === title);
    const sentAt = performance.now();
    await moderator.announce(room.id, title);
    for (const { event } of await told) latencies.push(event.at - sentAt);
  }
  latencies.sort((a, b) => a - b);
  const measured = { deliveries: latencies.length, p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) };
  show.row('command to delivery', `p50 ${duration(measured.p50)}, p99 ${duration(measured.p99)}`);
  show.expect(
    measured.deliveries === count * attendees.length,
    `all ${(count * attendees.length).toLocaleString('en')} deliveries arrived`,
    `${measured.deliveries} did`,
  );
  return measured;
}

/** Everyone in the room claps at the same time: all hear the total, about once a second, however many they are. */
export async function applaud(show: Show, { attendees }: Cast, room: RoomConfigView): Promise<void> {
  show.scene('Applaud', 'everyone in the room claps; all hear how many, at most once a second');
  const totals = attendees.map(({ client }) => {
    let claps = 0;
    // They may fall into two seconds.
    const hasAll = (event: SocketEvent): boolean => (claps += clapsIn(event)) >= attendees.length;
    return client.waitFor(hasAll, deliveryMs).then(
      () => claps,
      () => claps,
    );
  });
  await Promise.all(attendees.map((person) => person.command('room.react', { room: room.id, reaction: '👏' })));
  const heardAll = (await Promise.all(totals)).filter((claps) => claps === attendees.length).length;
  show.expect(
    heardAll === attendees.length,
    `all ${attendees.length} attendees heard of ${attendees.length} claps`,
    `${heardAll} did`,
  );
}

const clapsIn = ({ name, body }: SocketEvent): number =>
  name === 'room.reaction' ? ((body as { reactions: Record<string, number> }).reactions['👏'] ?? 0) : 0;

/** Waits for everyone to hear the wanted event; those who do not in time are left out. */
export async function heard(people: readonly Person[], wants: (event: SocketEvent) => boolean) {
  const each = await Promise.all(
    people.map(async (person) => {
      const event = await person.client.waitFor(wants, deliveryMs).catch(() => undefined);
      return event ? [{ person, event }] : [];
    }),
  );
  return each.flat();
}

export const titleOf = ({ name, body }: SocketEvent): unknown =>
  name === 'room.schedule' ? (body as { schedule_data: { title?: unknown } | null }).schedule_data?.title : undefined;

function tell(
  show: Show,
  told: readonly { readonly person: Person; readonly event: SocketEvent }[],
  sentAt: number,
  expected: number,
  name: string,
  whom: string,
): void {
  for (const { person, event } of told.slice(0, shown)) {
    show.line(`  → ${person.name.padEnd(12)} ${name.padEnd(14)} ${duration(event.at - sentAt)}`);
  }
  if (told.length > shown) show.line(`  → … and ${told.length - shown} more`);
  show.expect(told.length === expected, `${whom} was told (${expected} of ${expected})`, `${told.length} were`);
}

function roomIn({ name, body }: SocketEvent, id: string): RoomConfigView | undefined {
  if (name !== 'world.updated') return undefined;
  return (body as { rooms: readonly RoomConfigView[] }).rooms.find((room) => room.id === id);
}

function sessionsOf({ module_config }: Pick<RoomConfigView, 'module_config'>): readonly ScheduleSession[] {
  const found = module_config.find(({ type }) => type === moduleType);
  // Written by the import, a moment ago.
  return found ? (found.config as Config).sessions : [];
}

function withSessions({ module_config }: RoomConfigView, sessions: readonly ScheduleSession[]) {
  return module_config.map((one) =>
    one.type === moduleType ? { ...one, config: { ...(one.config as object), sessions } } : one,
  );
}

function laterBy(minutes: number, { start, end }: ScheduleSession): Pick<ScheduleSession, 'start' | 'end'> {
  const later = (time: string): string => {
    const moment = parseMoment(time);
    return moment ? formatMoment(moment.epochMs + minutes * 60_000, moment.offsetMinutes) : time;
  };
  return { start: later(start), end: later(end) };
}
