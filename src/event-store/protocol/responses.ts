import { once } from 'node:events';
import type { sendUnaryData, ServerWritableStream } from '@grpc/grpc-js';
import { StoreUnavailable } from '../event-store.js';
import { streamIdentifier, streams } from './definitions.js';
import { toServiceError } from './errors.js';
import { toWirePosition } from './events.js';

export type ReadCall = ServerWritableStream<streams.ReadReq, streams.ReadResp>;

/** Answers a call with one message, or with what went wrong. */
export async function reply<T>(answer: sendUnaryData<T>, response: Promise<T>): Promise<void> {
  try {
    answer(null, await response);
  } catch (error) {
    answer(toServiceError(error));
  }
}

/** Writes the answers of a read; when the client doesn't keep up, whoever sends waits. */
export class Responses {
  private readonly gone = new AbortController();

  constructor(private readonly call: ReadCall) {
    const leave = (): void => this.gone.abort();
    call.on('cancelled', leave).on('close', leave).on('error', leave);
    if (call.cancelled) leave();
  }

  /** Aborts when the client has left or the call has ended. */
  get signal(): AbortSignal {
    return this.gone.signal;
  }

  /** Ends the call with an error. */
  fail(error: unknown): void {
    if (!this.signal.aborted) this.call.emit('error', toServiceError(error));
  }

  /** Ends the call because the server closes: clients come back when there is one again. */
  close(): void {
    this.fail(new StoreUnavailable('the server is closing'));
  }

  /** Returns false when nobody listens any more. */
  async send(response: streams.ReadResp): Promise<boolean> {
    const { signal } = this;
    if (signal.aborted) return false;
    if (this.call.write(response)) return true;
    await once(this.call, 'drain', { signal }).catch(() => {});
    return !signal.aborted;
  }
}

export const confirmation = (id: string): streams.ReadResp =>
  new streams.ReadResp().setConfirmation(new streams.ReadResp.SubscriptionConfirmation().setSubscriptionId(id));

export const caughtUp = (): streams.ReadResp => new streams.ReadResp().setCaughtUp(new streams.ReadResp.CaughtUp());

export function checkpoint(position: bigint): streams.ReadResp {
  const place = toWirePosition(position);
  const message = new streams.ReadResp.Checkpoint().setCommitPosition(place).setPreparePosition(place);
  return new streams.ReadResp().setCheckpoint(message);
}

export const streamNotFound = (stream: string): streams.ReadResp =>
  new streams.ReadResp().setStreamNotFound(
    new streams.ReadResp.StreamNotFound().setStreamIdentifier(streamIdentifier(stream)),
  );

export const firstPosition = (revision: bigint): streams.ReadResp =>
  new streams.ReadResp().setFirstStreamPosition(String(revision));

export const lastPosition = (revision: bigint): streams.ReadResp =>
  new streams.ReadResp().setLastStreamPosition(String(revision));
