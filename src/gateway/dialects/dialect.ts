import type { Refused } from '../../eventsourcing/refused.js';

export type CallId = string | number;

/** A frame from a client, whatever its dialect. */
export type Frame =
  | { readonly kind: 'ping'; readonly payload: unknown }
  | { readonly kind: 'authenticate'; readonly payload: unknown }
  | Call;

export interface Call {
  readonly kind: 'call';
  readonly action: string;
  readonly id: CallId;
  readonly payload: unknown;
}

/** A frame that is none; carries the caller's id when one could be read. */
export class MalformedFrame extends Error {
  override readonly name = 'MalformedFrame';
  constructor(
    readonly refused: Refused,
    readonly id: CallId | null = null,
  ) {
    super(refused.message);
  }
}

/** One framing of the same actions and events. Encoders return the text of one WebSocket message. */
export interface Dialect {
  readonly name: string;
  /** @throws MalformedFrame */
  decode(text: string): Frame;
  pong(payload: unknown): string;
  authenticated(body: unknown): string;
  success(call: Call, body: unknown): string;
  /** `id` is null where the caller's id is not known. Never echoes the payload. */
  failure(id: CallId | null, refused: Refused): string;
  event(name: string, body: unknown): string;
}
