import { isObject, isText, Must } from '../eventsourcing/validation.js';
import type { JsonObject } from '../eventsourcing/events.js';
import type { TraitGrants } from '../identity/roles.js';

/** What of a session the room shows as current. Source: seed 000, "Schedule changes". */
export type ScheduleData = {
  readonly [key in 'session' | 'title' | 'computeSession']?: string | number | boolean | null;
};

/** Everything a room is configured with but its id and place. Source: wire contract, section 4. */
export type RoomConfig = {
  readonly name: string;
  readonly description: string;
  readonly picture: string | null;
  readonly module_config: readonly JsonObject[];
  readonly trait_grants: TraitGrants;
  readonly force_join: boolean;
  readonly schedule_data: ScheduleData | null;
  readonly import_id: string | null;
};

/** The config object clients get. */
export type RoomConfigView = RoomConfig & { readonly id: string; readonly sorting_priority: number };

/** The config object out of whatever else holds its fields: a row, a state. */
export function configView(id: string, from: Omit<RoomConfigView, 'id'>): RoomConfigView {
  return {
    id,
    name: from.name,
    description: from.description,
    picture: from.picture,
    sorting_priority: from.sorting_priority,
    module_config: from.module_config,
    trait_grants: from.trait_grants,
    force_join: from.force_join,
    schedule_data: from.schedule_data,
    import_id: from.import_id,
  };
}

export const emptyConfig: Omit<RoomConfig, 'name'> = {
  description: '',
  picture: null,
  module_config: [],
  trait_grants: {},
  force_join: false,
  schedule_data: null,
  import_id: null,
};

const isScheduleValue = (value: unknown): boolean =>
  value === null || typeof value === 'number' || typeof value === 'boolean' || isText(value, 300, 0);

export const IsScheduleData = () =>
  Must(
    'null or an object with the keys session, title and computeSession, each a text of up to 300 characters, a number, a boolean or null',
    (value) => value === null || (isObject(value) && Object.values(value).every(isScheduleValue)),
  );

export const IsModuleConfig = () =>
  Must('a list of up to 100 modules, each an object with a type (a text of 1 to 100 characters)', (value) => {
    return Array.isArray(value) && value.length <= 100 && value.every((one) => isObject(one) && isText(one.type, 100));
  });

/** `permission_preset: "public"` of a new room. */
export const publicGrants: TraitGrants = { viewer: [], participant: [] };

export const IsPriority = () =>
  Must('a whole number from -1000000000 to 1000000000', (value) => {
    return typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= 1_000_000_000;
  });

export const IsTextOrNull = (max: number) =>
  Must(`null or a text of up to ${max} characters`, (value) => value === null || isText(value, max, 0));
