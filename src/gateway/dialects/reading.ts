import { Refused } from '../../eventsourcing/refused.js';
import { parseJson } from '../json.js';
import { type CallId, MalformedFrame, type Origin } from './dialect.js';

const maxIdLength = 200;
/** What the id of a call may be. */
export const acceptedId = `a number or a string of 1–${maxIdLength} characters; numbers go up to 2^53 - 1`;

/** @throws MalformedFrame */
export function parsed(text: string, origin?: Origin): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    throw error instanceof Refused ? new MalformedFrame(error, origin) : error;
  }
}

export function isCallId(value: unknown): value is CallId {
  return (
    // A larger number than that would come back as another one.
    (typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER) ||
    (typeof value === 'string' && value !== '' && value.length <= maxIdLength)
  );
}

export function malformed(message: string, origin?: Origin): MalformedFrame {
  return new MalformedFrame(new Refused('protocol.invalid', message), origin);
}
