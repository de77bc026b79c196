import type { JsonObject } from '../../eventsourcing/events.js';
import type { Refused } from '../../eventsourcing/refused.js';
import type { Session } from '../../identity/session.js';

export type CallId = string | number;

/** What a reply belongs to, as far as it could be read. */
export interface Origin {
  /** `''` where it could not be read. */
  readonly action: string;
  /** The caller's id; null where there is none, or none that could be read. */
  readonly id: CallId | null;
  /** Socket.IO's number of the acknowledgement that was asked for. */
  readonly ack?: number;
}

/** A frame from a client, whatever its dialect. */
export type Frame =
  | (Origin & { readonly kind: 'ping'; readonly payload: unknown })
  | (Origin & { readonly kind: 'authenticate'; readonly payload: unknown })
  | Call;

export interface Call extends Origin {
  readonly kind: 'call';
  readonly id: CallId;
  readonly payload: unknown;
  /** Where the dialect carries the command's id in its frame, and not in the payload. */
  readonly commandId?: string;
}

export const unread: Origin = { action: '', id: null };
export const signingIn: Origin = { action: 'authenticate', id: null };

/** A frame that is none. */
export class MalformedFrame extends Error {
  override readonly name = 'MalformedFrame';
  constructor(
    readonly refused: Refused,
    readonly origin: Origin = unread,
  ) {
    super(refused.message);
  }
}

/** What there is to say to one who has signed in; each dialect says of it what its clients expect. */
export interface Welcome {
  readonly session: Session;
  /** The world's. */
  readonly title: string;
  /** Those held in the world. */
  readonly permissions: readonly string[];
  /** `world.config`: with all rooms, so made only where it is told. */
  readonly config: () => JsonObject;
}

/** One framing of the same actions and events. Encoders return the texts of whole messages. */
export interface Framing {
  /** @throws MalformedFrame */
  decode(text: string): Frame;
  pong(ping: Origin, payload: unknown): string;
  /** The body of `authenticated`. */
  welcome(welcome: Welcome): unknown;
  authenticated(origin: Origin, body: unknown): readonly string[];
  refusedSignIn(origin: Origin, refused: Refused): readonly string[];
  /** `position` is that of a command's last event. */
  success(call: Origin, body: unknown, position?: string): string;
  /** Never echoes the payload. */
  failure(origin: Origin, refused: Refused): string;
  event(name: string, body: unknown): string;
}

/** What a client may choose when it connects, in the URL. */
export interface DialectOptions {
  /** Timestamps are epoch milliseconds instead of RFC 3339. */
  readonly epoch: boolean;
  /** Events of deprecated endpoints are heard, too. */
  readonly deprecated: boolean;
}

/** A framing with its options. There is one object for each, so that whatever is encoded is encoded once for all who use it. */
export interface Dialect extends Framing {
  readonly name: string;
  readonly deprecated: boolean;
  with(options: DialectOptions): Dialect;
}

/** Bodies hold a `Date` where clients are told a timestamp. */
export type ToJson = (value: unknown) => string;

const rfc3339: ToJson = (value) => JSON.stringify(value);
const epochMs: ToJson = (value) => JSON.stringify(value, epochDates);

/** `value` is a Date's own JSON already; its holder has the Date. */
function epochDates(this: Readonly<Record<string, unknown>>, key: string, value: unknown): unknown {
  const held = this[key];
  return held instanceof Date ? held.getTime() : value;
}

/** A framing in all its options; the dialect itself is the one without any. */
export function dialectOf(name: string, framing: (toJson: ToJson) => Framing): Dialect {
  const variant = ({ epoch, deprecated }: DialectOptions): Dialect =>
    epoch ? (deprecated ? epochDeprecated : inEpoch) : deprecated ? withDeprecated : plain;
  const [texts, numbers] = [framing(rfc3339), framing(epochMs)];
  const plain: Dialect = { ...texts, name, deprecated: false, with: variant };
  const withDeprecated: Dialect = { ...texts, name, deprecated: true, with: variant };
  const inEpoch: Dialect = { ...numbers, name, deprecated: false, with: variant };
  const epochDeprecated: Dialect = { ...numbers, name, deprecated: true, with: variant };
  return plain;
}
