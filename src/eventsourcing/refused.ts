/** One field of a refused input and what it accepts. Never holds the value itself. */
export interface FieldProblem {
  readonly field: string;
  readonly message: string;
}

/**
 * A clear no: the command breaks a rule, lacks a permission or is malformed. Nothing was stored.
 * `code` is one of the wire contract's error codes; `message` is for people and never echoes input.
 */
export class Refused extends Error {
  override readonly name = 'Refused';
  constructor(
    readonly code: string,
    message: string = defaultMessage(code),
    readonly details?: readonly FieldProblem[],
  ) {
    super(message);
  }
}

/** What a code means, for people: the codes of the table. Contexts may add rules of their own with a message beside them. */
export const messages: Readonly<Record<string, string>> = {
  'protocol.invalid': 'The frame or one of its fields is malformed.',
  'protocol.unauthenticated': 'Authenticate first.',
  'protocol.denied': 'You lack the permission to do this here.',
  'protocol.unknown_command': 'There is no such action.',
  'auth.denied': 'You lack the permission to do this in this world.',
  'auth.missing_token': 'A token or client_id is needed.',
  'auth.invalid_token': 'The token is not valid.',
  'auth.expired_token': 'The token has expired.',
  'auth.wrong_audience': 'The token was made for another audience.',
  'auth.wrong_world': 'The token was made for another world.',
  'room.unknown': 'There is no such room.',
  'world.unknown': 'There is no such world.',
  'invite.unknown': 'There is no such invite, or it is over.',
  'room.invalid.name_taken': 'Another room of this world has this name.',
  'room.unknown_schedule_data': 'schedule_data accepts the keys session, title and computeSession, or null.',
  'config.invalid': 'Some fields of the configuration are not valid.',
  'meeting.unknown': 'There is no such meeting.',
  'meeting.conflict': 'There is another meeting at this time.',
  'meeting.own': 'This is your own meeting: there is no invitation to answer.',
  'calendar.unknown': 'There is no such calendar, or its link has ended.',
  'path.unknown': 'Nothing is served at this path.',
  'stream.unknown': 'There is no such stream, or there was none then.',
  reset_required: 'This position is of another log or beyond its end; start again from the beginning.',
  'concurrency.conflict': 'The same thing was changed at the same time; try again.',
  'connection.replaced':
    'You signed in with more connections than this world allows; a newer one took the place of this one.',
  rate_limited: 'Too many frames, requests or connections; slow down.',
  'server.unavailable': 'A store is not available; try again with the same id.',
  'server.fatal': 'Something went wrong on the server.',
};

function defaultMessage(code: string): string {
  return messages[code] ?? code;
}

/** How each dialect and REST number one error code. Source: wire contract, section 3. */
export interface ErrorNumbers {
  readonly http: number;
  readonly envelope: number;
  readonly rpc: number;
}

const numbers = (http: number, rpc: number, envelope = http): ErrorNumbers => ({ http, envelope, rpc });
const unauthenticated = numbers(401, -32010);
const denied = numbers(403, -32011);
const invalid = numbers(400, -32602);

const exact: Readonly<Record<string, ErrorNumbers>> = {
  'protocol.invalid': invalid,
  'config.invalid': invalid,
  'room.unknown_reaction': invalid,
  'room.unknown_schedule_data': invalid,
  'protocol.unauthenticated': unauthenticated,
  'auth.missing_token': unauthenticated,
  'auth.invalid_token': unauthenticated,
  'auth.expired_token': unauthenticated,
  'auth.wrong_audience': unauthenticated,
  'auth.wrong_world': unauthenticated,
  'protocol.denied': denied,
  'auth.denied': denied,
  'protocol.unknown_command': numbers(404, -32601),
  reset_required: numbers(409, -32002),
  rate_limited: numbers(429, -32029, 705),
  'server.unavailable': numbers(503, -32003),
  'server.fatal': numbers(500, -32603),
};

/** The numbers of any code: exact ones first, then by ending; every other code is a business rule's. */
export function numbersOf(code: string): ErrorNumbers {
  const known = exact[code];
  if (known) return known;
  if (code.endsWith('.unknown')) return numbers(404, -32001);
  if (code.endsWith('.disabled')) return denied;
  return numbers(409, -32002);
}
