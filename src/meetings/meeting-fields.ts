import { isObject, isText, Must } from '../eventsourcing/validation.js';

/** Source: seed 004 (RGBA). */
export type Color = { readonly r: number; readonly g: number; readonly b: number; readonly a: number };

export const black: Color = { r: 0, g: 0, b: 0, a: 1 };

export type SourceType = 'room' | 'prop' | 'group' | 'direct';

/** What the ids of each kind of place name. `network` is known to lists only. Source: wire contract, section 5. */
const idsOf = {
  room: ['roomId'],
  prop: ['roomId', 'propId'],
  group: ['groupId'],
  direct: ['userId'],
  network: ['world'],
} as const;

export const sourceTypes: readonly SourceType[] = ['room', 'prop', 'group', 'direct'];
export const listedSourceTypes: readonly (SourceType | 'network')[] = [...sourceTypes, 'network'];

export const IsColor = (): PropertyDecorator =>
  Must('a color {r, g, b, a} of numbers from 0 to 255', (value) => {
    if (!isObject(value) || Object.keys(value).length !== 4) return false;
    return ['r', 'g', 'b', 'a'].every((part) => {
      const amount = value[part];
      return typeof amount === 'number' && amount >= 0 && amount <= 255;
    });
  });

export const IsSourceType = (types: readonly string[]): PropertyDecorator =>
  Must(`one of ${types.join(', ')}`, (value) => typeof value === 'string' && types.includes(value));

/** As many ids as the object's `sourceType` has; any number up to two where that is wrong itself. */
export const IsSourceIds = (): PropertyDecorator =>
  Must(
    `the ids of the source: ${Object.entries(idsOf)
      .map(([type, ids]) => `[${ids.join(', ')}] for ${type}`)
      .join(', ')}`,
    (value, object) => {
      if (!Array.isArray(value) || !value.every((id) => isText(id, 300))) return false;
      const type: unknown = Reflect.get(object, 'sourceType');
      return typeof type !== 'string' || !Object.hasOwn(idsOf, type)
        ? value.length <= 2
        : value.length === idsOf[type as keyof typeof idsOf].length;
    },
  );

export const IsUserIds = (max: number): PropertyDecorator =>
  Must(
    `a list of up to ${max} user ids`,
    (value) => Array.isArray(value) && value.length <= max && value.every((id) => isText(id, 300)),
  );

export const IsMinutes = (max: number): PropertyDecorator =>
  Must(
    `whole minutes from 0 to ${max}`,
    (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= max,
  );

/** Texts by which sources are found and told. */
export const sourceString = (ids: readonly string[]): string => ids.join('+');
