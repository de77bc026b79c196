const minute = 60_000;
const dateTime = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$/;

/** A moment as written: the instant, and its day and time of day where it was written. */
export interface Moment {
  readonly epochMs: number;
  /** `2025-10-30` */
  readonly day: string;
  /** `10:00` */
  readonly time: string;
  readonly offsetMinutes: number;
}

/** RFC 3339 with offset; seconds may be left out. */
export function parseMoment(text: string): Moment | undefined {
  const [, year = '', month = '', day = '', hour = '', min = '', second = '00', zone = ''] = dateTime.exec(text) ?? [];
  if (!isDay(`${year}-${month}-${day}`) || Number(hour) > 23 || Number(min) > 59 || Number(second) > 59)
    return undefined;
  const offsetMinutes = zone === 'Z' ? 0 : offsetOf(zone);
  if (offsetMinutes === undefined) return undefined;
  const local = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(min), Number(second));
  return {
    epochMs: local - offsetMinutes * minute,
    day: `${year}-${month}-${day}`,
    time: `${hour}:${min}`,
    offsetMinutes,
  };
}

/** RFC 3339 with the offset, to the second. */
export function formatMoment(epochMs: number, offsetMinutes: number): string {
  const local = new Date(epochMs + offsetMinutes * minute).toISOString().slice(0, 19);
  if (offsetMinutes === 0) return `${local}Z`;
  const [hours, minutes] = [Math.floor(Math.abs(offsetMinutes) / 60), Math.abs(offsetMinutes) % 60];
  return `${local}${offsetMinutes < 0 ? '-' : '+'}${pad(hours)}:${pad(minutes)}`;
}

/** A calendar day that exists, `2025-10-30`. */
export function isDay(text: unknown): text is string {
  if (typeof text !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const at = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text);
}

export const isTimeOfDay = (text: string): boolean => /^([01]?\d|2[0-3]):[0-5]\d$/.test(text);

/** Whole days from one calendar day to another. */
export function daysBetween(from: string, to: string): number {
  return (Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / (24 * 60 * minute);
}

/** Minutes of `01:30`, or with days `1:02:00`; more than 0, at most 31 days. */
export function parseDuration(text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined;
  const [, days = '0', hours = '', minutes = ''] = /^(?:(\d{1,2}):)?(\d{1,3}):([0-5]\d)$/.exec(text) ?? [];
  if (minutes === '') return undefined;
  const total = Number(days) * 1440 + Number(hours) * 60 + Number(minutes);
  return total > 0 && total <= 31 * 1440 ? total : undefined;
}

function offsetOf(zone: string): number | undefined {
  const [, sign, hours = '', minutes = ''] = /^([+-])(\d{2}):?(\d{2})$/.exec(zone) ?? [];
  const total = Number(hours) * 60 + Number(minutes);
  if (Number(minutes) > 59 || total > 14 * 60) return undefined;
  return sign === '-' ? -total : total;
}

const pad = (value: number): string => String(value).padStart(2, '0');
