import type { RoomConfigView } from '../../rooms/room-fields.js';
import { plural } from '../failure.js';
import { runImport } from '../import/run-import.js';
import type { Schedule } from '../import/schedule.js';
import { audit, crash, expectResumed, reconnect, recover } from './crash.js';
import { announce, applaud, changeRoom, measure, moveSession, type Cast } from './live.js';
import { meet } from './meet.js';
import { duration, type Show } from './show.js';
import { Person, type Stage } from './stage.js';

const attendeeCount = 50;
const announcementCount = 200;

/** Plays the demo on an empty data folder. Answers the expectations that did not hold. */
export async function playDemo(show: Show, stage: Stage, schedule: Schedule): Promise<readonly string[]> {
  show.headline(
    `Convoke demo: ${attendeeCount} attendees, a moderator and an admin on real sockets, and a crash on purpose`,
  );

  show.scene('Start', 'a server of its own on an empty folder');
  const startedAt = performance.now();
  await stage.start();
  show.row('ready after', duration(performance.now() - startedAt));
  show.row('listening on', stage.server.url);

  const cast = castOf(stage);
  const { admin, moderator, attendees, place } = cast;
  await importTwice(show, stage, schedule);
  await admin.connect();
  const rooms = await admin.rooms();
  await enterRooms(show, cast, rooms);
  const [first] = rooms;
  if (!first) throw new Error('the schedule has no rooms');

  await changeRoom(show, cast, first);
  await moveSession(show, cast, await admin.rooms());
  const [hall = first] = await admin.rooms();
  await announce(show, cast, hall);
  const before = await headPosition(stage);
  const { deliveries, p50, p99 } = await measure(show, cast, hall, announcementCount);
  await applaud(show, cast, hall);
  await meet(show, cast);

  const crashed = await crash(show, stage, cast);
  const recovery = await recover(show, stage, cast, crashed);
  expectResumed(show, stage, before);
  await reconnect(show, cast);
  const everyone = [admin, moderator, ...attendees];
  const events = await audit(show, stage, everyone);
  await Promise.all(everyone.map((person) => person.disconnect()));
  const code = await stage.server.stop();
  show.expect(code === 0, 'the server stopped cleanly', `exit code ${code}`);

  show.scene('Summary', 'what you have seen');
  show.row('events in the log', events.toLocaleString('en'));
  show.row('rooms', `${new Set(place.values()).size} entered of ${rooms.length}`);
  show.row('deliveries measured', deliveries.toLocaleString('en'));
  show.row('command to delivery', `p50 ${duration(p50)}, p99 ${duration(p99)}`);
  show.row('recovery after kill -9', duration(recovery));
  show.row('expectations', show.failures.length === 0 ? 'all held' : `${show.failures.length} did not hold`);
  return show.failures;
}

function castOf(stage: Stage): Cast {
  const attendees = Array.from({ length: attendeeCount }, (_, n) => {
    return new Person(stage, `attendee-${String(n + 1).padStart(2, '0')}`, 'attendee');
  });
  return {
    admin: new Person(stage, 'admin', 'admin'),
    moderator: new Person(stage, 'moderator', 'moderator'),
    attendees,
    place: new Map(),
  };
}

async function importTwice(show: Show, stage: Stage, schedule: Schedule): Promise<void> {
  show.scene('Import', 'a conference schedule becomes rooms; a second import changes nothing');
  const connect = () => stage.connect('import', 'admin');
  const { created } = await runImport(schedule, { connect });
  const sessions = schedule.rooms.reduce((sum, room) => sum + room.sessions.length, 0);
  show.row(schedule.conference.title, `${plural(created.length, 'room')}, ${plural(sessions, 'session')}`);
  const { unchanged } = await runImport(schedule, { connect });
  show.expect(
    created.length === schedule.rooms.length && unchanged.length === created.length,
    'imported again: nothing changed',
    `${unchanged.length} of ${created.length} rooms unchanged`,
  );
}

async function enterRooms(
  show: Show,
  { moderator, attendees, place }: Cast,
  rooms: readonly RoomConfigView[],
): Promise<void> {
  show.scene('Enter', `${attendeeCount} attendees and a moderator connect and spread over the rooms`);
  const begun = performance.now();
  await moderator.connect();
  await Promise.all(
    attendees.map(async (person, n) => {
      const room = rooms[n % rooms.length];
      if (!room) return;
      await person.connect();
      await person.enter(room.id);
      place.set(person, room);
    }),
  );
  show.row('everyone is in after', duration(performance.now() - begun));
}

/** Of the last event every read model reflects. */
async function headPosition(stage: Stage): Promise<bigint> {
  const { projections } = (await stage.server.ready()) as { projections: Record<string, { head: string }> };
  return BigInt(Object.values(projections)[0]?.head ?? -1);
}
