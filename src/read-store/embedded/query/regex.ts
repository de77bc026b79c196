import { BSONRegExp } from 'bson';
import { badValue, failure, notSupported } from '../errors.js';

/** PCRE syntax that JavaScript lacks or reads differently: inline options, atomic groups, possessive counts, and escapes. */
const foreign = /\(\?(?![:=!]|<[=!A-Za-z_])|\\[AzZGQEKRXhHvVaeNg]|\[\[[:.=]|[*+?}]\+|\(\*/;

/**
 * Compiles a MongoDB (PCRE) regular expression. What JavaScript would read differently is refused.
 * @throws BadValue for invalid ones, CommandNotSupported for what cannot be done
 */
export function compileRegex(pattern: unknown, options: unknown): RegExp {
  const source = pattern instanceof BSONRegExp ? pattern.pattern : pattern;
  if (typeof source !== 'string') throw badValue('$regex has to be a string');
  if (options !== undefined && typeof options !== 'string') throw badValue('$options has to be a string');
  const given = options ?? (pattern instanceof BSONRegExp ? pattern.options : '');
  const odd = [...given].find((option) => !'imsxu'.includes(option));
  if (odd !== undefined) throw badValue(`invalid flag in regex options: ${odd}`);
  if (given.includes('x') || foreign.test(source)) throw notSupported(`The regular expression /${source}/${given}`);
  const flags = given.replaceAll(/[^ims]/g, '');
  const translated = translate(source, flags);
  // The u flag makes a dot one code point, but refuses harmless escapes such as \- which PCRE takes.
  for (const attempt of [`${flags}u`, flags]) {
    try {
      return new RegExp(translated, attempt);
    } catch {
      continue;
    }
  }
  throw failure(51091, `Regular expression is invalid: ${source}`);
}

/** In PCRE a dot leaves out only the newline, and $ also matches before a last newline. */
function translate(source: string, flags: string): string {
  return source.replaceAll(/\\[^]|\[(?:\\[^]|[^\]\\])*\]|\.|\$/g, (token) => {
    if (token === '.' && !flags.includes('s')) return String.raw`[^\n]`;
    if (token === '$' && !flags.includes('m')) return String.raw`(?=\n?$)`;
    return token;
  });
}
