import { Metadata, status } from '@grpc/grpc-js';
import type { ServerErrorResponse } from '@grpc/grpc-js';
import { CorruptEvent, EventTooLarge, StoreUnavailable, WrongExpectedRevision } from '../event-store.js';
import { MAX_EVENT_BYTES } from '../embedded/record.js';

/** What a stream must be like, in EventStoreDB's words. */
export type Expected = bigint | 'no_stream' | 'any' | 'stream_exists';

export class WrongExpectedVersion extends Error {
  override readonly name = 'WrongExpectedVersion';
  constructor(
    readonly stream: string,
    readonly expected: Expected,
    /** -1n when the stream does not exist. */
    readonly actual: bigint,
  ) {
    super(`stream ${stream} is at revision ${actual}, expected ${expected}`);
  }
}

export class StreamDeleted extends Error {
  override readonly name = 'StreamDeleted';
  constructor(readonly stream: string) {
    super(`stream ${stream} is deleted`);
  }
}

export class AccessDenied extends Error {
  override readonly name = 'AccessDenied';
}

export class InvalidArgument extends Error {
  override readonly name = 'InvalidArgument';
}

/** A proposed event lacks its type or content type. */
export class MissingProperty extends InvalidArgument {
  constructor(property: string) {
    super(`required metadata property '${property}' is missing`);
  }
}

export class AppendTooLarge extends Error {
  override readonly name = 'AppendTooLarge';
  /** `limit` in bytes. */
  constructor(readonly limit: number) {
    super(`maximum append size of ${limit} bytes exceeded`);
  }
}

/** The deadline a client gave an append has passed. */
export class TimedOut extends Error {
  override readonly name = 'TimedOut';
}

export class NotServed extends Error {
  override readonly name = 'NotServed';
}

/** What the store throws at an append, in the terms above; `expected` is what the client asked for. */
export function asAppendError(error: unknown, expected: Expected): unknown {
  if (error instanceof WrongExpectedRevision) return new WrongExpectedVersion(error.stream, expected, error.actual);
  if (error instanceof EventTooLarge) return new AppendTooLarge(MAX_EVENT_BYTES);
  // The store refuses names it cannot keep.
  if (error instanceof RangeError) return new InvalidArgument(error.message);
  return error;
}

/** Trailers by which clients tell errors apart; the key `exception` names the kind. */
function trailersOf(error: Error): Record<string, string> | undefined {
  if (error instanceof WrongExpectedVersion) {
    const { stream, expected, actual } = error;
    const numbers = { no_stream: -1n, any: -2n, stream_exists: -4n };
    return {
      exception: 'wrong-expected-version',
      'stream-name': stream,
      'expected-version': String(typeof expected === 'bigint' ? expected : numbers[expected]),
      'actual-version': String(actual),
    };
  }
  if (error instanceof StreamDeleted) return { exception: 'stream-deleted', 'stream-name': error.stream };
  if (error instanceof AccessDenied) return { exception: 'access-denied' };
  if (error instanceof MissingProperty) {
    return {
      exception: 'missing-required-metadata-property',
      'required-metadata-properties': 'type,content-type',
    };
  }
  if (error instanceof AppendTooLarge) {
    return { exception: 'maximum-append-size-exceeded', 'maximum-append-size': String(error.limit) };
  }
  return undefined;
}

export function statusCodeOf(error: Error): status {
  if (error instanceof WrongExpectedVersion || error instanceof StreamDeleted) return status.FAILED_PRECONDITION;
  if (error instanceof AccessDenied) return status.PERMISSION_DENIED;
  if (error instanceof InvalidArgument || error instanceof AppendTooLarge) return status.INVALID_ARGUMENT;
  if (error instanceof TimedOut) return status.DEADLINE_EXCEEDED;
  if (error instanceof NotServed) return status.UNIMPLEMENTED;
  if (error instanceof StoreUnavailable) return status.UNAVAILABLE;
  if (error instanceof CorruptEvent) return status.DATA_LOSS;
  return status.INTERNAL;
}

/** An error as gRPC answers it, with the trailers EventStoreDB sends. */
export function toServiceError(error: unknown): ServerErrorResponse {
  if (!(error instanceof Error)) return toServiceError(new Error(String(error)));
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(trailersOf(error) ?? {})) metadata.set(key, ascii(value));
  return Object.assign(new Error(error.message), { code: statusCodeOf(error), details: error.message, metadata });
}

/** Trailers hold printable ASCII only; other names are percent-encoded. */
const ascii = (value: string): string => (/^[\x20-\x7e]*$/.test(value) ? value : encodeURIComponent(value));
