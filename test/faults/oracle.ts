import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { fold, prepare } from '../../projections/engine/fold.js';
import { ParkedStreams } from '../../projections/engine/parked-streams.js';
import { eventTypes, type ReadModel } from '../../projections/engine/read-model.js';
import { ProjectionReader } from '../../projections/engine/reader.js';
import { BEFORE_ALL, toStored, type RowVersion } from '../../projections/engine/stored-row.js';
import { readModels } from '../../projections/read-models.js';
import { eventRegistry } from '../../src/event-registry.js';
import { openEmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import { verifyLog } from '../../src/event-store/embedded/verify-log.js';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import { chainProblem } from '../../src/eventsourcing/hash-chain.js';
import { connectReadStore } from '../../src/read-store/connect.js';
import type { Entry } from './ledger.js';

/** Every event in the log of a stopped (or killed) server. */
export async function readLog(dataDir: string): Promise<RecordedEvent[]> {
  const store = await openEmbeddedEventStore({ dir: join(dataDir, 'log'), readOnly: true });
  try {
    const events: RecordedEvent[] = [];
    for await (const event of store.readAll()) events.push(event);
    return events;
  } finally {
    await store.close();
  }
}

/** What is wrong with the log itself: its file, order, revisions, ids and hash chains. */
export async function logProblems(dataDir: string, events: readonly RecordedEvent[]): Promise<string[]> {
  const chainOf = (event: RecordedEvent, previous: string): string | undefined => chainProblem(previous, event);
  const report = await verifyLog(join(dataDir, 'log'), { chainOf });
  const problems = report.problems.map(({ position, stream, problem }) => `${position} in ${stream}: ${problem}`);
  const revisions = new Map<string, bigint>();
  const ids = new Set<string>();
  let position = -1n;
  for (const event of events) {
    const next = (revisions.get(event.stream) ?? -1n) + 1n;
    if (event.position <= position) problems.push(`position ${event.position} follows ${position}`);
    if (event.revision !== next) problems.push(`${event.stream} has revision ${event.revision} instead of ${next}`);
    if (ids.has(event.id)) problems.push(`event id ${event.id} occurs again at ${event.position}`);
    ids.add(event.id);
    revisions.set(event.stream, event.revision);
    position = event.position;
  }
  return problems;
}

const followUps: Readonly<Record<string, string>> = {
  RoomRegistered: 'RoomCreated',
  RoomRelisted: 'RoomConfigPatched',
  RoomDelisted: 'RoomDeleted',
};

/** Every directory event that concerns a room was followed, once, on that room's stream, by what it still has to say there. */
export const followUpProblems = (events: readonly RecordedEvent[]): string[] => [
  ...missingFollowUps(events),
  ...wrongPatches(events),
];

function missingFollowUps(events: readonly RecordedEvent[]): string[] {
  const caused = new Map<string, RecordedEvent[]>();
  for (const event of events) {
    const { causationId } = event.metadata;
    caused.set(causationId, [...(caused.get(causationId) ?? []), event]);
  }
  return events.flatMap(({ id, type, data, position }) => {
    const wanted = followUps[type];
    if (wanted === undefined) return [];
    const found = (caused.get(id) ?? []).filter((event) => event.type === wanted);
    const places = found.map(({ stream }) => stream).join(', ');
    return places === `room-${String(data.roomId)}`
      ? []
      : [`${type} at ${position} has its ${wanted} in [${places}], not once in room-${String(data.roomId)}`];
  });
}

type Patch = Readonly<Record<string, unknown>>;

/** What an event of a room changes of its configuration. */
function patchOf({ type, data }: RecordedEvent): Patch {
  if (type === 'RoomScheduleChanged') return data;
  return type === 'RoomConfigPatched' ? (data.patch as Patch) : {};
}

/**
 * A follow-up brings the room what the directory decided, but for the fields that were patched on the room since then, or by a
 * newer decision.
 */
function wrongPatches(events: readonly RecordedEvent[]): string[] {
  const byId = new Map(events.map((event) => [event.id, event]));
  const ofRoom = new Map<string, RecordedEvent[]>();
  return events.flatMap((event) => {
    const { stream, data, position, metadata } = event;
    const sofar = ofRoom.get(stream) ?? [];
    ofRoom.set(stream, sofar);
    sofar.push(event);
    const decided = byId.get(metadata.causationId);
    if (event.type !== 'RoomConfigPatched' || decided?.type !== 'RoomRelisted') return [];
    const isNewer = (other: RecordedEvent): boolean =>
      typeof other.data.listing === 'string'
        ? BigInt(other.data.listing) > decided.revision
        : other.position > decided.position;
    const superseded = new Set(
      sofar
        .slice(0, -1)
        .filter(isNewer)
        .flatMap((other) => Object.keys(patchOf(other))),
    );
    const wanted = Object.entries(decided.data.patch as Patch).filter(([field]) => !superseded.has(field));
    return isDeepStrictEqual(data.patch, Object.fromEntries(wanted))
      ? []
      : [`${stream} at ${position} patches ${JSON.stringify(data.patch)} instead of ${JSON.stringify(wanted)}`];
  });
}

const whoDid = (actor: string, id: string): string => `${actor} ${id}`;

/** The log holds what was acknowledged exactly once, nothing that was refused, and of what is open all or nothing. */
export function ledgerProblems(entries: readonly Entry[], events: readonly RecordedEvent[]): string[] {
  const byCommand = new Map<string, RecordedEvent[]>();
  for (const event of events) {
    const { actorId, commandId } = event.metadata;
    if (actorId === 'convoke') continue;
    const key = whoDid(actorId, commandId);
    byCommand.set(key, [...(byCommand.get(key) ?? []), event]);
  }
  const problems = entries.flatMap((entry) => {
    const key = whoDid(entry.actor, entry.id);
    const found = byCommand.get(key) ?? [];
    byCommand.delete(key);
    return entryProblems(entry, found);
  });
  return [...problems, ...[...byCommand.keys()].map((key) => `the log holds ${key}, which nobody sent`)];
}

function entryProblems(entry: Entry, events: readonly RecordedEvent[]): string[] {
  const { id, state, action } = entry;
  const found = events.map(({ stream, type }) => `${stream} ${type}`).toSorted();
  // Of a follow-up only what is still current is left: wrongPatches looks at those.
  const foreign = events.filter(({ data }) => action !== 'room.delete' && !('listing' in data) && !isOf(entry, data));
  const problems = foreign.map(({ type, position }) => `${type} at ${position} holds other content than ${id}`);
  const isOpen = state === 'open' || entry.mayStillCount === true;
  const isNothing = isOpen ? found.length === 0 : state === 'refused';
  const wanted = isNothing ? [] : wantedOf(entry, events);
  if (!isDeepStrictEqual(found, wanted)) {
    problems.push(`${action} ${id} is ${state} and left [${found.join(', ')}] instead of [${wanted.join(', ')}]`);
  }
  return problems;
}

/** A reorder holds no text of its own, only its order; every other command carries its id in its content. */
function isOf({ id, action, payload }: Entry, data: RecordedEvent['data']): boolean {
  if (action !== 'room.config.reorder') return JSON.stringify(data).includes(id) || 'role' in data;
  const { rooms } = payload;
  const { order } = data;
  return Array.isArray(rooms) && Array.isArray(order) && isDeepStrictEqual(order.slice(0, rooms.length), rooms);
}

function wantedOf({ action, payload, reply }: Entry, events: readonly RecordedEvent[]): string[] {
  const directory = 'room_directory-demo';
  const registered = events.find(({ type }) => type === 'RoomRegistered')?.data.roomId;
  const created = (reply as { room?: unknown } | undefined)?.room ?? registered;
  const room = `room-${String(action === 'room.create' ? created : payload.room)}`;
  switch (action) {
    case 'room.create':
      return [`${room} RoomCreated`, `${room} RoomRoleGranted`, `${directory} RoomRegistered`].toSorted();
    case 'room.config.patch':
      return 'name' in payload || 'sorting_priority' in payload
        ? [`${room} RoomConfigPatched`, `${directory} RoomRelisted`].toSorted()
        : [`${room} RoomConfigPatched`];
    case 'room.schedule':
      return [`${room} RoomScheduleChanged`];
    case 'room.grant':
      return [`${room} RoomRoleGranted`];
    case 'room.delete':
      return [`${room} RoomDeleted`, `${directory} RoomDelisted`].toSorted();
    case 'room.config.reorder':
      return [`${directory} RoomsReordered`];
    default:
      throw new Error(`no expectation of ${action}`);
  }
}

/** Every read model, row by row, against a cold replay of the log. The server must be stopped. */
export async function readModelProblems(dataDir: string, events: readonly RecordedEvent[]): Promise<string[]> {
  const readStore = await connectReadStore({ dir: join(dataDir, 'read-store'), port: 0 });
  try {
    const problems = readStore.rebuilt ? [`the read store began anew: ${readStore.rebuilt.reason}`] : [];
    const head = events.at(-1)?.position ?? BEFORE_ALL;
    const log = { head: () => Promise.resolve(head) };
    const reader = new ProjectionReader({ db: readStore.db, log, models: readModels });
    for (const model of readModels) {
      const { collection, parked } = await reader.active(model);
      if (parked.length > 0) problems.push(`${model.name} has parked ${parked.length} streams`);
      const rows = new Map((await collection.find().toArray()).map((row) => [row._id, row]));
      for (const [key, { row, position }] of replay(model, events)) {
        const wanted = row && JSON.stringify(toStored(key, row, position));
        const found = JSON.stringify(rows.get(key));
        if (found !== wanted) problems.push(`${model.name} ${key} is ${found}, a replay makes it ${wanted}`);
        rows.delete(key);
      }
      for (const key of rows.keys()) problems.push(`${model.name} has a row ${key} that a replay does not make`);
    }
    return problems;
  } finally {
    await readStore.close();
  }
}

/** The rows of a read model, folded from the whole log in one go. */
export function replay(model: ReadModel, events: readonly RecordedEvent[]): Map<string, RowVersion> {
  const rows = new Map<string, RowVersion>();
  const types = new Set(eventTypes(model));
  const wanted = events.filter(({ type }) => types.has(type));
  fold(
    model,
    prepare(model, wanted, (event) => eventRegistry.read(event)),
    rows,
    new ParkedStreams(),
  );
  return rows;
}
