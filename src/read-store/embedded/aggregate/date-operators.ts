import { ObjectId } from 'bson';
import { failure, notSupported } from '../errors.js';
import { toNumber } from '../bson/numbers.js';
import { isDoc } from '../bson/values.js';
import { typeName } from '../query/types.js';
import { isNullish, named } from './arguments.js';
import type { Operator } from './arguments.js';

const dayMs = 86_400_000;

/** Only UTC: the rules of other zones are not MongoDB's data here. */
function checkZone(zone: unknown): void {
  if (zone !== undefined && !['UTC', 'GMT', 'Etc/UTC', '+00:00', '+0000', '+00'].includes(String(zone)))
    throw notSupported(`The time zone ${String(zone)}`);
}

function dateOf(name: string, value: unknown): Date {
  if (value instanceof Date) return value;
  if (value instanceof ObjectId) return value.getTimestamp();
  throw failure(16006, `can't convert from BSON type ${typeName(value)} to Date in ${name}`);
}

const dayOfYear = (date: Date): number => Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0)) / dayMs) + 1;
/** The Thursday of a date's week decides its ISO year and week. */
const thursday = (date: Date): Date => new Date(date.getTime() + (4 - (date.getUTCDay() || 7)) * dayMs);

const parts: Readonly<Record<string, (date: Date) => number>> = {
  $year: (date) => date.getUTCFullYear(),
  $month: (date) => date.getUTCMonth() + 1,
  $dayOfMonth: (date) => date.getUTCDate(),
  $hour: (date) => date.getUTCHours(),
  $minute: (date) => date.getUTCMinutes(),
  $second: (date) => date.getUTCSeconds(),
  $millisecond: (date) => date.getUTCMilliseconds(),
  $dayOfWeek: (date) => date.getUTCDay() + 1,
  $isoDayOfWeek: (date) => date.getUTCDay() || 7,
  $dayOfYear: dayOfYear,
  $isoWeek: (date) => Math.ceil(dayOfYear(thursday(date)) / 7),
  $isoWeekYear: (date) => thursday(date).getUTCFullYear(),
};

function datePart(name: string, part: (date: Date) => number): Operator {
  return (operand, compile) => {
    const options =
      isDoc(operand) && Object.hasOwn(operand, 'date')
        ? named(name, operand, compile, ['date'], ['timezone'])
        : { date: compile(Array.isArray(operand) && operand.length === 1 ? operand[0] : operand) };
    return (scope) => {
      const value = options['date']?.(scope);
      if ('timezone' in options) checkZone(options['timezone']?.(scope));
      return isNullish(value) ? null : part(dateOf(name, value));
    };
  };
}

const formats: Readonly<Record<string, [keyof typeof parts, number]>> = {
  Y: ['$year', 4],
  m: ['$month', 2],
  d: ['$dayOfMonth', 2],
  H: ['$hour', 2],
  M: ['$minute', 2],
  S: ['$second', 2],
  L: ['$millisecond', 3],
  j: ['$dayOfYear', 3],
  u: ['$isoDayOfWeek', 1],
  w: ['$dayOfWeek', 1],
  V: ['$isoWeek', 2],
  G: ['$isoWeekYear', 4],
};

function formatted(date: Date, format: string): string {
  return format.replaceAll(/%(.?)/g, (_all, letter: string) => {
    if (letter === '%') return '%';
    if (letter === 'z') return '+0000';
    if (letter === 'Z') return '+000';
    const [name, width] = formats[letter] ?? [];
    const value = name === undefined ? undefined : parts[name]?.(date);
    if (value === undefined || width === undefined)
      throw failure(18536, `Invalid format character '%${letter}' in format string`);
    return String(value).padStart(width, '0');
  });
}

const dateToString: Operator = (operand, compile) => {
  const options = named('$dateToString', operand, compile, ['date'], ['format', 'timezone', 'onNull']);
  return (scope) => {
    const value = options['date']?.(scope);
    checkZone(options['timezone']?.(scope));
    if (isNullish(value)) return options['onNull'] ? options['onNull'](scope) : null;
    const format = options['format'] ? options['format'](scope) : '%Y-%m-%dT%H:%M:%S.%LZ';
    return isNullish(format) ? null : formatted(dateOf('$dateToString', value), String(format));
  };
};

const fixedUnits: Readonly<Record<string, number>> = {
  millisecond: 1,
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: dayMs,
};

/** Weeks begin on Sunday. */
function truncated(date: Date, unit: string): Date {
  const size = Object.hasOwn(fixedUnits, unit) ? fixedUnits[unit] : undefined;
  if (size !== undefined) return new Date(Math.floor(date.getTime() / size) * size);
  if (unit === 'week') return new Date(Math.floor(date.getTime() / dayMs) * dayMs - date.getUTCDay() * dayMs);
  const month = date.getUTCMonth();
  const from = unit === 'month' ? month : unit === 'quarter' ? month - (month % 3) : unit === 'year' ? 0 : undefined;
  if (from === undefined) throw failure(9, `unknown time unit value: ${unit}`);
  return new Date(Date.UTC(date.getUTCFullYear(), from));
}

const dateTrunc: Operator = (operand, compile) => {
  const options = named('$dateTrunc', operand, compile, ['date', 'unit'], ['timezone', 'binSize']);
  return (scope) => {
    const [date, unit] = [options['date']?.(scope), options['unit']?.(scope)];
    checkZone(options['timezone']?.(scope));
    if (options['binSize'] && toNumber(options['binSize'](scope)) !== 1)
      throw notSupported('A binSize other than 1 in $dateTrunc');
    return isNullish(date) || isNullish(unit) ? null : truncated(dateOf('$dateTrunc', date), String(unit));
  };
};

/** Operators on dates, in UTC. */
export const dateOperators: Readonly<Record<string, Operator>> = {
  ...Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, datePart(name, part)])),
  $dateToString: dateToString,
  $dateTrunc: dateTrunc,
};
