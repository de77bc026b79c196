import { Refused } from '../../eventsourcing/refused.js';
import { parseJson } from '../json.js';
import type { CallId, Dialect, Frame } from './dialect.js';
import { MalformedFrame } from './dialect.js';

const MAX_ID_LENGTH = 200;

/** `["action", id, {…}]`, the dialect of Venueless rooms. Source: wire contract, section 3. */
export const arrayDialect: Dialect = {
  name: 'array',
  decode(text) {
    const frame = parsed(text);
    if (!Array.isArray(frame)) throw malformed('A frame is a JSON array: ["action", id, {…}].');
    return decodeArray(frame);
  },
  pong: (payload) => JSON.stringify(payload === undefined ? ['pong'] : ['pong', payload]),
  authenticated: (body) => JSON.stringify(['authenticated', body]),
  success: (call, body) => JSON.stringify(['success', call.id, body ?? {}]),
  failure: (id, { code, message, details }) => JSON.stringify(['error', id, { code, message, details }]),
  event: (name, body) => JSON.stringify([name, body]),
};

function decodeArray(frame: readonly unknown[]): Frame {
  const [action, id, payload] = frame;
  if (frame.length === 0) throw malformed('The frame is empty; the first element is the action.');
  if (typeof action !== 'string' || action === '') {
    throw malformed('The first element is the action, a string that is not empty.', isCallId(id) ? id : null);
  }
  if (action === 'ping') {
    if (frame.length > 2) throw malformed('A ping is ["ping"] or ["ping", x].');
    return { kind: 'ping', payload: id };
  }
  if (action === 'authenticate') {
    if (frame.length !== 2 || !isObject(id)) throw malformed('Authentication is ["authenticate", {…}].');
    return { kind: 'authenticate', payload: id };
  }
  if (frame.length === 1) throw malformed('The second element, the id of the call, is missing.');
  if (!isCallId(id)) {
    throw malformed(
      `The second element is the id of the call, a number or a string of 1–${MAX_ID_LENGTH} characters; numbers go up to 2^53 - 1.`,
    );
  }
  if (frame.length === 2) throw malformed('The third element, the payload, is missing; it may be {}.', id);
  if (frame.length > 3) throw malformed('A call has three elements: action, id and payload.', id);
  if (!isObject(payload) && !Array.isArray(payload)) {
    throw malformed('The third element is the payload, an object or an array.', id);
  }
  return { kind: 'call', action, id, payload };
}

function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    throw error instanceof Refused ? new MalformedFrame(error) : error;
  }
}

function isCallId(value: unknown): value is CallId {
  return (
    // A larger number than that would come back as another one.
    (typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER) ||
    (typeof value === 'string' && value !== '' && value.length <= MAX_ID_LENGTH)
  );
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function malformed(message: string, id: CallId | null = null): MalformedFrame {
  return new MalformedFrame(new Refused('protocol.invalid', message), id);
}
