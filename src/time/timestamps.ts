import { Must } from '../eventsourcing/validation.js';

/** How a client writes an instant: RFC 3339 with an offset, or epoch milliseconds. Source: wire contract, section 5. */
export type Timestamp = string | number;

/** A local calendar day as a client named it. */
export interface LocalDate {
  /** `YYYY-MM-DD`, the day as it was written; of epoch milliseconds the day in the reader's zone (`localDateIn`). */
  readonly date: string | undefined;
  /** `+02:00`; undefined for epoch milliseconds, which have none. */
  readonly offset: string | undefined;
  /** Epoch milliseconds. */
  readonly instant: number;
}

const written = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}):(\d{2})(?::(\d{2})([.]\d{1,9})?)?([Zz]|[+-]\d{2}:\d{2})$/;
const earliest = Date.UTC(1900, 0, 1);
const latest = Date.UTC(10_000, 0, 1);
const earliestDay = Date.UTC(1911, 0, 1);
const latestDay = Date.UTC(9_989, 0, 1);
const accepts = 'a timestamp from 1900 to 9999: RFC 3339 with an offset, or epoch milliseconds';

/** Epoch milliseconds, undefined for what is no timestamp. `24:00` is the midnight at the end of the day. */
export function instantOf(value: unknown): number | undefined {
  const found = typeof value === 'number' ? value : typeof value === 'string' ? parsed(value) : undefined;
  if (found === undefined || !Number.isInteger(found)) return undefined;
  return found >= earliest && found < latest ? found : undefined;
}

/** The same where it was validated. @throws TypeError */
export function instant(value: Timestamp): number {
  const found = instantOf(value);
  if (found === undefined) throw new TypeError('not a timestamp');
  return found;
}

/** @throws TypeError */
export function localDateOf(value: Timestamp): LocalDate {
  const at = instant(value);
  const [, date, , , , , offset] = (typeof value === 'string' && written.exec(value)) || [];
  return { date, offset: offset && (/^z$/i.test(offset) ? '+00:00' : offset), instant: at };
}

/** A field that holds a timestamp. */
export const IsTimestamp = (): PropertyDecorator => Must(accepts, (value) => instantOf(value) !== undefined);

/** A field that names a local day: what is counted from it, ten years back and forth, are timestamps as well. */
export const IsLocalDate = (): PropertyDecorator =>
  Must('a timestamp from 1911 to 9988: RFC 3339 with an offset, or epoch milliseconds', (value) => {
    const at = instantOf(value);
    return at !== undefined && at >= earliestDay && at < latestDay;
  });

/** The field, a timestamp, lies after another one of the same object, if that is there. */
export const IsAfter = (other: string): PropertyDecorator =>
  Must(`after ${other}`, (value, object) => {
    const [start, end] = [instantOf(Reflect.get(object, other)), instantOf(value)];
    return start === undefined || end === undefined || end > start;
  });

function parsed(text: string): number | undefined {
  const match = written.exec(text);
  if (!match) return undefined;
  const [, date = '', hours = '', minutes = '', seconds = '00', fraction = '', offset = ''] = match;
  const [hour, minute, second] = [hours, minutes, seconds].map(Number);
  if (hour === undefined || minute === undefined || second === undefined || minute > 59 || second > 59)
    return undefined;
  if (hour > 24 || (hour === 24 && (minute > 0 || second > 0 || Number(`0${fraction}`) > 0))) return undefined;
  const midnight = Date.parse(`${date}T00:00:00Z`);
  // Date.parse lets 30 February be 1 March.
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== date) return undefined;
  const shift = offsetMs(offset);
  if (shift === undefined) return undefined;
  return midnight + ((hour * 60 + minute) * 60 + second) * 1000 + Math.trunc(Number(`0${fraction}`) * 1000) - shift;
}

function offsetMs(offset: string): number | undefined {
  if (/^z$/i.test(offset)) return 0;
  const [hours = 0, minutes = 0] = offset.slice(1).split(':').map(Number);
  if (hours > 23 || minutes > 59) return undefined;
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}
