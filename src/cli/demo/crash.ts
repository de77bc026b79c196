import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { openEmbeddedEventStore } from '../../event-store/embedded/embedded-event-store.js';
import type { RoomConfigView } from '../../rooms/room-fields.js';
import { verifyDataDir } from '../commands/log.js';
import { plural } from '../failure.js';
import { heard, titleOf, type Cast } from './live.js';
import { duration, type Show } from './show.js';
import type { Person, Stage } from './stage.js';

/** A change the admin asked for: the n-th note of a room. */
interface Note {
  readonly id: string;
  readonly n: number;
  readonly room: string;
}

export interface Crash {
  /** Every room as the last acknowledged commands left it. */
  readonly rooms: readonly RoomConfigView[];
  readonly notes: readonly Note[];
  /** When the server was killed, on the clock of `performance.now()`. */
  readonly killedAt: number;
}

const noteCount = 200;
const killAfter = 30;
const textOf = (n: number): string => `Note ${n}`;

/** Commands one after the other; in the middle of them, right after an acknowledgement, the server is killed. */
export async function crash(show: Show, stage: Stage, { admin }: Cast): Promise<Crash> {
  show.scene('Crash', 'the server is killed (kill -9) while it carries out commands');
  const [first] = await admin.rooms();
  // A connection reads its own writes: the list below includes what others wrote before this one.
  if (first) await admin.patch(first.id, { description: 'The last word before the crash' });
  const rooms = await admin.rooms();
  const notes = Array.from({ length: noteCount }, (_, n) => ({
    id: randomUUID(),
    n,
    room: rooms[n % rooms.length]?.id ?? '',
  }));
  let acknowledged = 0;
  let killed: Promise<unknown> | undefined;
  let killedAt = 0;
  const sent = notes.map(async ({ id, n, room }) => {
    await admin.patch(room, { description: textOf(n) }, id);
    if (++acknowledged < killAfter || killed) return;
    killedAt = performance.now();
    killed = stage.server.kill9();
  });
  const answers = await Promise.allSettled(sent);
  await killed;
  const cutOff = answers.filter(({ status }) => status === 'rejected').length;
  show.line(`${noteCount} commands sent, ${acknowledged} acknowledged, ${cutOff} cut off by the crash`);
  show.expect(cutOff > 0 && acknowledged >= killAfter, 'the crash came in the middle of the commands');
  return { rooms, notes, killedAt };
}

/** The same folder, a new process: what was acknowledged is there, and what was cut off can be sent again. */
export async function recover(
  show: Show,
  stage: Stage,
  cast: Cast,
  { rooms, notes, killedAt }: Crash,
): Promise<number> {
  const { admin, moderator } = cast;
  show.scene('Recover', 'the server starts again on the same folder and port');
  await stage.start();
  const recovery = performance.now() - killedAt;
  show.row('from the kill to ready', duration(recovery));
  await Promise.all([admin, moderator].map((person) => person.connect()));
  const after = await admin.rooms();
  const lost = notes.filter(({ id, n, room }) => {
    return admin.acknowledged.has(id) && noteOf(after.find((one) => one.id === room)) < n;
  });
  show.expect(lost.length === 0, 'the effect of every acknowledged command is there', `${lost.length} are lost`);
  const differing = rooms.filter(
    (room) =>
      !sameButNote(
        room,
        after.find(({ id }) => id === room.id),
      ),
  );
  show.expect(
    differing.length === 0 && after.length === rooms.length,
    'every room is configured as before',
    differing.map(({ name }) => name).join(', '),
  );
  const again = notes.filter(({ id }) => !admin.acknowledged.has(id));
  for (const { id, n, room } of again) await admin.patch(room, { description: textOf(n) }, id);
  show.line(`the ${again.length} commands that were cut off are sent again, with their ids`);
  return recovery;
}

/** The read models went on where they were, instead of folding the whole log again. */
export function expectResumed(show: Show, stage: Stage, atLeast: bigint): void {
  const resumed = stage.server.stdout.flatMap((line) => {
    const { msg, model, after } = JSON.parse(line) as Record<string, unknown>;
    return msg === 'projecting from the checkpoint' ? [{ model: String(model), after: BigInt(String(after)) }] : [];
  });
  for (const { model, after } of resumed) show.row(`read model ${model}`, `went on after position ${after}`);
  const holds = resumed.length > 0 && resumed.every(({ after }) => after >= atLeast);
  show.expect(holds, 'the read models went on at their checkpoints', `expected position ${atLeast} or later`);
}

/** Everyone comes back, and hears the next announcement. */
export async function reconnect(show: Show, { attendees, moderator, place }: Cast): Promise<void> {
  show.scene('Reconnect', 'everyone comes back and hears the next announcement');
  await Promise.all(attendees.map((person) => person.connect()));
  const [hall] = place.values();
  if (!hall) return;
  await Promise.all(attendees.map((person) => person.enter(hall.id)));
  const title = 'We are back';
  const told = heard(attendees, (event) => titleOf(event) === title);
  await moderator.announce(hall.id, title);
  const count = (await told).length;
  show.expect(count === attendees.length, `all ${attendees.length} attendees heard it`, `${count} did`);
  const viewers = await moderator.viewers(hall.id);
  const here = new Set([...attendees, moderator].map(({ name }) => name));
  show.expect(
    viewers.length === here.size && viewers.every((name) => here.has(name)),
    'the list of viewers is right: those who came back, each once',
    `it has ${viewers.length}`,
  );
}

/** Reads the whole log beside the running server. Answers the number of events. */
export async function audit(show: Show, stage: Stage, people: readonly Person[]): Promise<number> {
  show.scene('Audit', 'the log is read beside the running server, every hash chain is checked');
  const { events, streams, problems } = await verifyDataDir(stage.dataDir);
  show.row('log', `${plural(events, 'event')} in ${plural(streams, 'stream')}`);
  show.expect(problems.length === 0, 'every checksum and every hash chain is intact', problems[0]?.problem);
  const recorded = await recordedCommands(stage.dataDir);
  const ids = people.flatMap(({ acknowledged }) => [...acknowledged]);
  const wrong = ids.filter((id) => recorded.get(id) !== 1);
  show.expect(
    wrong.length === 0,
    `each of the ${ids.length} acknowledged commands is in it exactly once`,
    `${wrong.length} are not`,
  );
  return events;
}

/** How often each command is recorded, by its id: the most events of one type on one stream. */
async function recordedCommands(dataDir: string): Promise<ReadonlyMap<string, number>> {
  const log = await openEmbeddedEventStore({ dir: join(dataDir, 'log'), readOnly: true });
  try {
    const events = new Map<string, number>();
    const commands = new Map<string, number>();
    for await (const { stream, type, metadata } of log.readAll()) {
      const key = JSON.stringify([metadata.commandId, stream, type]);
      const count = (events.get(key) ?? 0) + 1;
      events.set(key, count);
      commands.set(metadata.commandId, Math.max(count, commands.get(metadata.commandId) ?? 0));
    }
    return commands;
  } finally {
    await log.close();
  }
}

/** -1 for any other description. */
function noteOf(room: RoomConfigView | undefined): number {
  const [, n] = /^Note (\d+)$/.exec(room?.description ?? '') ?? [];
  return n === undefined ? -1 : Number(n);
}

function sameButNote(before: RoomConfigView, after: RoomConfigView | undefined): boolean {
  const { description: _before, ...rest } = before;
  const { description: _after, ...now } = after ?? { description: '' };
  return JSON.stringify(rest) === JSON.stringify(now);
}
