import parse from 'secure-json-parse';
import { Refused } from '../eventsourcing/refused.js';

const MAX_DEPTH = 32;
/** Only these can bring a lone surrogate or a NUL into a string; a text without them needs no look at its strings. */
const suspicious = /\\u|[\ud800-\udfff]/;
const loneSurrogate = /\p{Surrogate}/u;

/**
 * The value of a JSON text from outside, safe to merge, to store as BSON and to send as UTF-8.
 * @throws Refused `protocol.invalid`, saying what is wrong but never quoting the text
 */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw invalid(
      error instanceof Error && error.message.includes('forbidden prototype')
        ? 'The keys __proto__ and constructor.prototype are not accepted.'
        : 'This is not valid JSON.',
    );
  }
  check(value, 0, suspicious.test(text));
  return value;
}

function check(value: unknown, depth: number, strings: boolean): void {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw invalid('A number is too large.');
  } else if (typeof value === 'string') {
    if (strings && loneSurrogate.test(value)) throw invalid('A string holds half of a surrogate pair.');
  } else if (typeof value === 'object' && value !== null) {
    if (depth === MAX_DEPTH) throw invalid(`JSON may be nested ${MAX_DEPTH} levels deep.`);
    if (Array.isArray(value)) {
      for (const item of value) check(item, depth + 1, strings);
    } else {
      checkObject(value as Record<string, unknown>, depth, strings);
    }
  }
}

function checkObject(value: Record<string, unknown>, depth: number, strings: boolean): void {
  // A parsed object has no inherited enumerable keys, and for…in makes no array of them.
  for (const key in value) {
    // To the MongoDB driver it says that the object is one of its own types: what carries it can never be written.
    if (key === '_bsontype') throw invalid('The key _bsontype is not accepted.');
    if (strings && (key.includes('\0') || loneSurrogate.test(key))) {
      throw invalid('A key holds NUL or half of a surrogate pair.');
    }
    check(value[key], depth + 1, strings);
  }
}

const invalid = (message: string): Refused => new Refused('protocol.invalid', message);
