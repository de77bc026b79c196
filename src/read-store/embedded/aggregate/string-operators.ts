import { failure } from '../errors.js';
import { compareStrings } from '../bson/compare.js';
import { isNumeric, toNumber } from '../bson/numbers.js';
import { compileRegex } from '../query/regex.js';
import { typeName } from '../query/types.js';
import { evaluated, isNullish, named } from './arguments.js';
import type { Operator } from './arguments.js';
import type { Expression, Scope } from './scope.js';

function text(name: string, value: unknown): string {
  if (typeof value !== 'string') throw failure(16702, `${name} only supports strings, not ${typeName(value)}`);
  return value;
}

/** What case operators work on: null is the empty string. */
function loose(name: string, value: unknown): string {
  if (isNullish(value)) return '';
  return isNumeric(value) || value instanceof Date
    ? String(value instanceof Date ? value.toISOString() : toNumber(value))
    : text(name, value);
}

const upper = (value: string): string => value.replaceAll(/[a-z]+/g, (part) => part.toUpperCase());
const lower = (value: string): string => value.replaceAll(/[A-Z]+/g, (part) => part.toLowerCase());

function trim(name: string, left: boolean, right: boolean): Operator {
  return (operand, compile) => {
    const parts = named(name, operand, compile, ['input'], ['chars']);
    return (scope) => {
      const [input, chars] = [parts['input']?.(scope), parts['chars']?.(scope)];
      if (isNullish(input) || (parts['chars'] && isNullish(chars))) return null;
      const points = [...text(name, input)];
      const drop =
        chars === undefined
          ? (point: string): boolean => /[\s\0]/u.test(point)
          : (point: string): boolean => [...text(name, chars)].includes(point);
      let from = 0;
      let to = points.length;
      if (left) while (from < to && drop(points[from] ?? '')) from++;
      if (right) while (to > from && drop(points[to - 1] ?? '')) to--;
      return points.slice(from, to).join('');
    };
  };
}

/** Positions count code points. */
function substring(value: unknown, start: unknown, length: unknown): string {
  const points = [...loose('$substrCP', value)];
  const from = toNumber(start);
  const count = toNumber(length);
  if (!Number.isInteger(from) || !Number.isInteger(count) || from < 0 || count < 0)
    throw failure(34453, '$substrCP needs whole numbers from 0 on');
  return points.slice(from, from + count).join('');
}

function indexOf(value: unknown, part: unknown, start: unknown = 0, end: unknown = Number.POSITIVE_INFINITY): unknown {
  if (isNullish(value)) return null;
  const points = [...text('$indexOfCP', value)];
  const wanted = [...text('$indexOfCP', part)];
  const last = Math.min(points.length, toNumber(end)) - wanted.length;
  for (let i = toNumber(start); i <= last; i++) if (wanted.every((point, j) => points[i + j] === point)) return i;
  return -1;
}

function replace(name: string, all: boolean): Operator {
  return (operand, compile) => {
    const parts = named(name, operand, compile, ['input', 'find', 'replacement']);
    return (scope) => {
      const values = ['input', 'find', 'replacement'].map((part) => parts[part]?.(scope));
      if (values.some(isNullish)) return null;
      const [input = '', find = '', replacement = ''] = values.map((value) => text(name, value));
      return all ? input.replaceAll(find, () => replacement) : input.replace(find, () => replacement);
    };
  };
}

const regexMatch: Operator = (operand, compile) => {
  const parts = named('$regexMatch', operand, compile, ['input', 'regex'], ['options']);
  const regexOf = cached(parts);
  return (scope) => {
    const input = parts['input']?.(scope);
    return isNullish(input) ? false : (regexOf(scope)?.test(text('$regexMatch', input)) ?? false);
  };
};

/** Compiles the expression again only when it is another one. */
function cached(parts: Readonly<Record<string, Expression>>): (scope: Scope) => RegExp | undefined {
  let last: { regex: unknown; options: unknown; compiled: RegExp } | undefined;
  return (scope) => {
    const [regex, options] = [parts['regex']?.(scope), parts['options']?.(scope)];
    if (isNullish(regex)) return undefined;
    if (last && last.regex === regex && last.options === options) return last.compiled;
    const compiled = compileRegex(regex, options ?? undefined);
    last = { regex, options, compiled };
    return compiled;
  };
}

/** Operators on strings. */
export const stringOperators: Readonly<Record<string, Operator>> = {
  $concat: evaluated('$concat', 0, 1000, (...values) =>
    values.some(isNullish) ? null : values.map((value) => text('$concat', value)).join(''),
  ),
  $toUpper: evaluated('$toUpper', 1, 1, (value) => upper(loose('$toUpper', value))),
  $toLower: evaluated('$toLower', 1, 1, (value) => lower(loose('$toLower', value))),
  $strcasecmp: evaluated('$strcasecmp', 2, 2, (a, b) =>
    Math.sign(compareStrings(upper(loose('$strcasecmp', a)), upper(loose('$strcasecmp', b)))),
  ),
  $strLenCP: evaluated('$strLenCP', 1, 1, (value) => [...text('$strLenCP', value)].length),
  $strLenBytes: evaluated('$strLenBytes', 1, 1, (value) => Buffer.byteLength(text('$strLenBytes', value))),
  $substrCP: evaluated('$substrCP', 3, 3, substring),
  $indexOfCP: evaluated('$indexOfCP', 2, 4, indexOf),
  $split: evaluated('$split', 2, 2, (value, by) => {
    if (isNullish(value) || isNullish(by)) return null;
    if (by === '') throw failure(40087, '$split requires a non-empty separator');
    return text('$split', value).split(text('$split', by));
  }),
  $trim: trim('$trim', true, true),
  $ltrim: trim('$ltrim', true, false),
  $rtrim: trim('$rtrim', false, true),
  $replaceOne: replace('$replaceOne', false),
  $replaceAll: replace('$replaceAll', true),
  $regexMatch: regexMatch,
};
