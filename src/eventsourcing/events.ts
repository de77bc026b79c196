/** Anything JSON can hold. Events carry nothing else: no BigInt, no Date, no undefined. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** The part of an event the domain decides: a stable past-tense name and its facts. */
export interface DomainEvent {
  readonly type: string;
  readonly data: JsonObject;
}

/** Who, why and when; the same on every event of every stream. Source: wire contract, section 9. */
export interface Metadata {
  /** Id of the command that caused the event, given by the client or generated. */
  readonly commandId: string;
  /** Wire name of the command's action, so that its id cannot be used again for another one. */
  readonly action: string;
  readonly correlationId: string;
  readonly causationId: string;
  /** The caller's user id (the token's `sub`). */
  readonly actorId: string;
  /** The tenant. */
  readonly world: string;
  /** Version of the shape of `data`; upcasters bring older ones up to date when read. */
  readonly schema: number;
  /** RFC 3339 UTC with milliseconds. */
  readonly at: string;
  /** Hash of the stream's previous event, `''` on its first. Absent on write-only streams. */
  readonly prevHash?: string;
  /** SHA-256 (hex) over prevHash and the canonical event. Absent on write-only streams. */
  readonly hash?: string;
}

export interface NewEvent extends DomainEvent {
  /** UUIDv5 of command id, stream and index: the same command makes the same ids. */
  readonly id: string;
  readonly metadata: Metadata;
}

export interface RecordedEvent extends NewEvent {
  readonly stream: string;
  /** Zero-based place in the stream, without gaps. */
  readonly revision: bigint;
  /** Place in the whole log; grows, may have gaps. */
  readonly position: bigint;
}
