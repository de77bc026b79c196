import { hash } from 'node:crypto';
import { canonicalJson } from '../../eventsourcing/canonical.js';
import type { Json, JsonObject } from '../../eventsourcing/events.js';
import { uuidv5 } from '../../eventsourcing/ids.js';
import { keyOf } from '../../rooms/room-directory.js';
import type { RoomConfigView } from '../../rooms/room-fields.js';
import { Fitted } from './fit.js';
import type { Schedule, ScheduleRoom } from './schedule.js';

/** What the import reads of a room of the world. */
export type ExistingRoom = Pick<RoomConfigView, 'id' | 'name' | 'description' | 'module_config' | 'import_id'>;

/** One command. Its id is in the payload and depends on the import's ids and contents only: a resend changes nothing. */
export interface Step {
  readonly kind: 'created' | 'changed';
  readonly room: string;
  readonly action: 'room.create' | 'room.config.patch';
  readonly payload: JsonObject & { readonly command_id: string };
}

export interface Plan {
  /** In an order in which no name is taken. */
  readonly steps: readonly Step[];
  /** Names of rooms that are as the file has them. */
  readonly unchanged: readonly string[];
  /** Names of rooms of an earlier import that the file no longer has; they are left alone. */
  readonly left: readonly string[];
  readonly warnings: readonly string[];
  /** Why nothing can be sent. */
  readonly problems: readonly string[];
}

export const moduleType = 'schedule';

export const importIdOf = ({ conference }: Schedule, room: ScheduleRoom): string => `${conference.acronym}/${room.key}`;

/** What has to be sent so that the world has the rooms of the schedule. */
export function planImport(schedule: Schedule, existing: readonly ExistingRoom[]): Plan {
  const known = new Map(existing.map((room) => [room.import_id, room]));
  const imported = new Set(schedule.rooms.map((room) => importIdOf(schedule, room)));
  const warnings: string[] = [];
  const problems: string[] = [];
  const unchanged: string[] = [];
  const wanted: (Step & { readonly id: string | undefined })[] = [];
  for (const room of schedule.rooms) {
    const before = known.get(importIdOf(schedule, room));
    const fitted = new Fitted(room, (sessions) => payloadOf(schedule, room, sessions, before));
    warnings.push(...fitted.warnings);
    if (fitted.problem !== undefined) problems.push(fitted.problem);
    else if (before && isAsWanted(before, fitted.payload)) unchanged.push(room.name);
    else wanted.push({ ...stepOf(room, before, fitted.payload), id: before?.id });
  }
  const { steps, taken } = inOrderOfNames(wanted, existing);
  const left = existing.filter(({ import_id: id }) => {
    return id?.startsWith(`${schedule.conference.acronym}/`) && !imported.has(id);
  });
  return { steps, unchanged, left: left.map(({ name }) => name), warnings, problems: [...problems, ...taken] };
}

/** The room as it should be: what the import does not speak of is left as it is. */
function payloadOf(
  schedule: Schedule,
  room: ScheduleRoom,
  sessions: ScheduleRoom['sessions'],
  before: ExistingRoom | undefined,
): JsonObject {
  const { name, description, capacity } = room;
  const config: JsonObject = {
    conference: schedule.conference,
    ...(capacity !== undefined && { capacity }),
    sessions,
    revision: revisionOf(before) + 1,
  };
  const others = before?.module_config.filter(({ type }) => type !== moduleType) ?? [];
  return {
    name,
    ...(description !== undefined && { description }),
    module_config: [...others, { type: moduleType, config }],
    ...(before ? { room: before.id } : { import_id: importIdOf(schedule, room) }),
    // Of the length of a real one, so that the frame's size is known.
    command_id: uuidv5(''),
  };
}

function stepOf(room: ScheduleRoom, before: ExistingRoom | undefined, payload: JsonObject): Step {
  // A room is created once, whatever the file says of it later. A change starts from what was found: going back to
  // an earlier content is another change.
  const basis: Json = before
    ? ['patch', before.id, digest(comparable(before)), revisionOf(before), digest(comparable(payload))]
    : ['create', payload.import_id ?? null];
  return {
    kind: before ? 'changed' : 'created',
    room: room.name,
    action: before ? 'room.config.patch' : 'room.create',
    payload: { ...payload, command_id: uuidv5(JSON.stringify(['import', basis])) },
  };
}

/** Whether the room already has everything the payload would give it. */
export function isAsWanted(room: ExistingRoom, payload: JsonObject): boolean {
  const { description = room.description } = payload;
  return digest(comparable(room)) === digest(comparable({ ...payload, description }));
}

/** The fields the import compares; the revision only counts the imports that changed something. */
function comparable(room: ExistingRoom | JsonObject): Json {
  const { revision: _revision, ...config } = moduleOf(room.module_config);
  return { name: room.name ?? null, description: room.description ?? null, config };
}

function revisionOf(room: ExistingRoom | undefined): number {
  const { revision } = moduleOf(room?.module_config);
  return typeof revision === 'number' && Number.isSafeInteger(revision) ? revision : 0;
}

function moduleOf(modules: Json | undefined): JsonObject {
  const list: readonly Json[] = Array.isArray(modules) ? modules : [];
  const found = list.find((one): one is JsonObject => isJsonObject(one) && one.type === moduleType);
  return isJsonObject(found?.config) ? found.config : {};
}

const isJsonObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const digest = (value: Json): string => hash('sha256', canonicalJson(value));

/** A name may be free only once another room has given it up. */
function inOrderOfNames(
  wanted: readonly (Step & { readonly id: string | undefined })[],
  existing: readonly ExistingRoom[],
) {
  const holders = new Map(existing.map(({ id, name }) => [keyOf(name), id]));
  const steps: Step[] = [];
  let waiting = [...wanted];
  for (;;) {
    const blocked = waiting.filter(({ id, ...step }) => {
      const key = keyOf(String(step.payload.name));
      if (holders.has(key) && holders.get(key) !== id) return true;
      for (const [name, holder] of holders) if (id !== undefined && holder === id) holders.delete(name);
      holders.set(key, id ?? step.payload.command_id);
      steps.push(step);
      return false;
    });
    if (blocked.length === 0 || blocked.length === waiting.length) return { steps, taken: blocked.map(takenBy) };
    waiting = blocked;
  }

  function takenBy({ room }: Step): string {
    const holder = existing.find(({ name }) => keyOf(name) === keyOf(room));
    const from = holder?.import_id ? `imported as ${holder.import_id}` : 'not made by an import';
    return `room ${JSON.stringify(room)}: the name is taken by room ${holder?.id} (${from})`;
  }
}
