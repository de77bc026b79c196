import { numbersOf, type Refused } from '../../eventsourcing/refused.js';
import { fieldName, isObject } from '../../eventsourcing/validation.js';
import { instantOf } from '../../time/timestamps.js';
import { userSimple } from '../../users/user-simple.js';
import {
  type CallId,
  dialectOf,
  type Frame,
  type MalformedFrame,
  type Origin,
  unread,
  type Welcome,
} from './dialect.js';
import { acceptedId, isCallId, malformed, parsed } from './reading.js';

const maxEndpointLength = 200;
const ofFrame = ['endpoint', 'data', 'event'];
const ofEvent = ['id', 'date'];

/** `{"endpoint", "data", "event": {"id", "date"}}`, the dialect of Roomful meetings. Source: wire contract, section 3. */
export const envelopeDialect = dialectOf('envelope', (toJson) => ({
  decode(text) {
    const frame = parsed(text);
    if (!isObject(frame)) throw malformed('A frame is a JSON object: {"endpoint", "data", "event": {"id"}}.');
    const { endpoint, data, event } = frame;
    const origin: Origin = { action: isEndpoint(endpoint) ? endpoint : '', id: idOf(event) };
    onlyKeys(frame, ofFrame, '', origin);
    return decodeCall(origin, data, event);
  },
  pong: ({ action, id }, payload) => toJson({ endpoint: action, event: { id }, data: payload, error: none }),
  welcome: userInfo,
  authenticated: (_origin, body) => [toJson({ endpoint: 'user_info', data: body, error: none })],
  refusedSignIn(origin, refused) {
    if (!refused.code.startsWith('auth.')) return [this.failure(origin, refused)];
    return [toJson({ endpoint: 'invalidConnection', error: errorOf(refused) })];
  },
  success: ({ action, id }, body, position) =>
    toJson({ endpoint: action, event: { id, position }, data: dataOf(body), error: none }),
  failure: ({ action, id }, refused) => toJson({ endpoint: action, event: { id }, error: errorOf(refused) }),
  event: (name, body) => toJson({ endpoint: name, data: body, error: none }),
}));

/** How a success says that nothing went wrong. */
export const none = { status: false, code: 0, message: '' };

export const errorOf = ({ code, message }: Refused): object => ({
  status: true,
  code: numbersOf(code).envelope,
  message,
});

/** An empty body is no data, which is left out. */
export function dataOf(body: unknown): unknown {
  return isObject(body) && Object.keys(body).length === 0 ? undefined : body;
}

/** The body of `user_info`. */
export function userInfo({ session, title, permissions }: Welcome): object {
  const { userId, profile, email = '', world } = session;
  return {
    user: { ...userSimple(userId, profile), email, permissions },
    network: { id: world, fullName: title },
  };
}

/** The parts of a call, wherever they were found: in one object here, beside each other in Socket.IO. @throws MalformedFrame */
export function decodeCall(origin: Origin, data: unknown, event: unknown): Frame {
  const { action, id } = origin;
  if (action === '') throw malformed(`endpoint must be a text of 1 to ${maxEndpointLength} characters.`, origin);
  const mayLackEvent = action === 'ping' || action === 'authenticate';
  if (!mayLackEvent || event !== undefined) checkEvent(origin, event);
  if (action === 'ping') return { ...origin, kind: 'ping', payload: data };
  if (data !== undefined && !isObject(data) && !Array.isArray(data)) {
    throw malformed('data must be an object or an array.', origin);
  }
  const payload = data ?? {};
  if (action === 'authenticate') return { ...origin, kind: 'authenticate', payload };
  if (id === null) throw badId(origin);
  return { ...origin, id, kind: 'call', payload, commandId: String(id) };
}

function checkEvent(origin: Origin, event: unknown): void {
  if (!isObject(event)) throw malformed('event must be an object with an id.', origin);
  if (origin.id === null && event.id !== undefined) throw badId(origin);
  if (event.date !== undefined && instantOf(event.date) === undefined) {
    throw malformed('event.date must be RFC 3339 with an offset, or epoch milliseconds.', origin);
  }
  onlyKeys(event, ofEvent, 'event.', origin);
}

const badId = (origin: Origin): MalformedFrame => malformed(`event.id must be ${acceptedId}.`, origin);

/** @throws MalformedFrame naming the first key that is not known */
export function onlyKeys(value: object, known: readonly string[], prefix: string, origin: Origin): void {
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const fields = known.map((key) => prefix + key).join(', ');
  throw malformed(`${prefix}${fieldName(unknown)} is not a field of a frame, which has ${fields}.`, origin);
}

export const isEndpoint = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= maxEndpointLength;

export function idOf(event: unknown): CallId | null {
  return isObject(event) && isCallId(event.id) ? event.id : unread.id;
}
