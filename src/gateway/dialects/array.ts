import { isObject } from '../../eventsourcing/validation.js';
import { dialectOf, type Frame, unread } from './dialect.js';
import { acceptedId, isCallId, malformed, parsed } from './reading.js';

/** `["action", id, {…}]`, the dialect of Venueless rooms. Source: wire contract, section 3. */
export const arrayDialect = dialectOf('array', (toJson) => ({
  decode(text) {
    const frame = parsed(text);
    if (!Array.isArray(frame)) throw malformed('A frame is a JSON array: ["action", id, {…}].');
    return decodeArray(frame);
  },
  pong: (_ping, payload) => toJson(payload === undefined ? ['pong'] : ['pong', payload]),
  welcome: ({ session: { userId: id, profile }, config }) => ({
    'user.config': { id, profile },
    'world.config': config(),
  }),
  authenticated: (_origin, body) => [toJson(['authenticated', body])],
  refusedSignIn(origin, refused) {
    return [this.failure(origin, refused)];
  },
  success: ({ id }, body) => toJson(['success', id, body ?? {}]),
  failure: ({ id }, { code, message, details }) => toJson(['error', id, { code, message, details }]),
  event: (name, body) => toJson([name, body]),
}));

function decodeArray(frame: readonly unknown[]): Frame {
  const [action, id, payload] = frame;
  if (frame.length === 0) throw malformed('The frame is empty; the first element is the action.');
  if (typeof action !== 'string' || action === '') {
    const origin = { ...unread, id: isCallId(id) ? id : null };
    throw malformed('The first element is the action, a string that is not empty.', origin);
  }
  if (action === 'ping') {
    if (frame.length > 2) throw malformed('A ping is ["ping"] or ["ping", x].');
    return { kind: 'ping', action, id: null, payload: id };
  }
  if (action === 'authenticate') {
    if (frame.length !== 2 || !isObject(id)) throw malformed('Authentication is ["authenticate", {…}].');
    return { kind: 'authenticate', action, id: null, payload: id };
  }
  if (frame.length === 1) throw malformed('The second element, the id of the call, is missing.');
  if (!isCallId(id)) throw malformed(`The second element is the id of the call, ${acceptedId}.`);
  const origin = { action, id };
  if (frame.length === 2) throw malformed('The third element, the payload, is missing; it may be {}.', origin);
  if (frame.length > 3) throw malformed('A call has three elements: action, id and payload.', origin);
  if (!isObject(payload) && !Array.isArray(payload)) {
    throw malformed('The third element is the payload, an object or an array.', origin);
  }
  return { kind: 'call', action, id, payload };
}
