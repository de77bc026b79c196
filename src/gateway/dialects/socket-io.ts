import { isObject } from '../../eventsourcing/validation.js';
import { dialectOf, type Frame, type Origin } from './dialect.js';
import { dataOf, decodeCall, envelopeDialect, errorOf, idOf, isEndpoint, none, onlyKeys } from './envelope.js';
import { malformed, parsed } from './reading.js';

/** An event of the main namespace, as Socket.IO writes it: the number of its acknowledgement, then its arguments. */
const eventPacket = /^2(\d{0,15})(\[.*)$/s;
/** A packet of any kind: attachments, namespace, number. Enough to say who asked. */
const anyPacket = /^\d(?:\d+-)?(?:\/[^,]*,)?(\d{0,15})/;
/** The event's name, also where the rest cannot be read. */
const leadingName = /^\["([^"\\]*)"/;
const ofArgument = ['data', 'event'];

/**
 * The envelope in Socket.IO's own packets, which are the messages here: `2["endpoint", {data, event}]` with or without the
 * number of an acknowledgement, `3<number>[{data, error}]`. Source: wire contract, section 3.
 */
export const socketIoDialect = dialectOf('socket.io', (toJson) => {
  const told = (name: string, body: object): string => `2${toJson([name, body])}`;
  /** An acknowledgement if one was asked for, else an event named as the endpoint. */
  const reply = ({ action, id, ack }: Origin, body: object, position?: string): string =>
    ack === undefined ? told(action, { event: { id, position }, ...body }) : `3${ack}${toJson([body])}`;
  return {
    decode,
    pong: (ping, payload) => reply(ping, { data: payload, error: none }),
    welcome: envelopeDialect.welcome,
    authenticated(origin, body) {
      const welcome = told('user_info', { data: body, error: none });
      return origin.ack === undefined ? [welcome] : [reply(origin, { data: body, error: none }), welcome];
    },
    refusedSignIn(origin, refused) {
      const failure = reply(origin, { error: errorOf(refused) });
      if (!refused.code.startsWith('auth.')) return [failure];
      const invalid = told('invalidConnection', { error: errorOf(refused) });
      return origin.ack === undefined ? [invalid] : [failure, invalid];
    },
    success: (call, body, position) => reply(call, { data: dataOf(body), error: none }, position),
    failure: (origin, refused) =>
      origin.action === '' && origin.ack === undefined
        ? errorPacket(refused)
        : reply(origin, { error: errorOf(refused) }),
    event: (name, body) => told(name, { data: body, error: none }),
  };
});

/** What belongs to no call: a packet that cannot be read, the end of the connection. */
export const errorPacket = ({ code, message }: { readonly code: string; readonly message: string }): string =>
  `2${JSON.stringify(['error', { code, message }])}`;

function decode(text: string): Frame {
  const [, number = '', json = ''] = eventPacket.exec(text) ?? [];
  if (json === '') {
    const [head = '', ack = ''] = anyPacket.exec(text) ?? [];
    const origin = originOf(ack, leadingName.exec(text.slice(head.length))?.[1], undefined);
    throw malformed('Send events of the main namespace, without binary data.', origin);
  }
  const args = parsed(json, originOf(number, leadingName.exec(json)?.[1], undefined));
  const [endpoint, argument = {}, ...more]: unknown[] = Array.isArray(args) ? args : [];
  const event = isObject(argument) ? argument.event : undefined;
  const origin = originOf(number, endpoint, event);
  if (!isObject(argument) || more.length > 0) throw malformed('An event has one argument: {data, event}.', origin);
  onlyKeys(argument, ofArgument, '', origin);
  return decodeCall(origin, argument.data, event);
}

const originOf = (ack: string, endpoint: unknown, event: unknown): Origin => ({
  action: isEndpoint(endpoint) ? endpoint : '',
  id: idOf(event),
  ...(ack !== '' && { ack: Number(ack) }),
});
