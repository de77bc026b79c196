import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { NewEvent } from '../../eventsourcing/events.js';
import { StoreUnavailable } from '../event-store.js';
import { MAX_APPEND_BYTES, revisionExpected, streamOf } from './append.js';
import { boxed, empty, shared, statusMessages, streamIdentifier, streams } from './definitions.js';
import {
  AccessDenied,
  AppendTooLarge,
  InvalidArgument,
  statusCodeOf,
  StreamDeleted,
  TimedOut,
  toServiceError,
  WrongExpectedVersion,
} from './errors.js';
import type { Expected } from './errors.js';
import { sizeOf, toNewEvent, toWirePosition } from './events.js';
import type { AppendOutcome, ServedStreams } from './served-streams.js';

export type BatchCall = ServerDuplexStream<streams.BatchAppendReq, streams.BatchAppendResp>;

/** Bytes of unfinished appends one call may have open. */
const MAX_OPEN_BYTES = 4 * MAX_APPEND_BYTES;
const MAX_OPEN_APPENDS = 1_000;
/** Appends on their way to disk at which a call is not read any further. */
const MAX_IN_FLIGHT = 1_000;

/** An append whose events are still coming. */
interface OpenAppend {
  readonly stream: string;
  readonly expected: Expected;
  /** Milliseconds since 1970; Infinity for none. */
  readonly deadline: number;
  readonly events: NewEvent[];
  size: number;
}

/**
 * Serves BatchAppend: appends come in parts named by a correlation id, and each is answered when it is on disk, or at
 * once when it is refused. A refusal concerns the one append; only a store that cannot be used ends the call.
 */
export class BatchAppend {
  private readonly open = new Map<string, OpenAppend>();
  private openBytes = 0;
  private inFlight = 0;
  private ended = false;
  private closing = false;

  constructor(
    private readonly served: ServedStreams,
    private readonly call: BatchCall,
  ) {
    call.on('data', (request: streams.BatchAppendReq) => this.take(request));
    call.on('drain', () => this.pace());
    call.on('end', () => {
      this.ended = true;
      this.finish();
    });
  }

  /** Takes no more appends, answers those under way, then ends the call. */
  close(): void {
    this.closing = true;
    this.pace();
    this.finish();
  }

  private take(request: streams.BatchAppendReq): void {
    const correlationId = request.getCorrelationId();
    const key = Buffer.from(correlationId?.serializeBinary() ?? []).toString('hex');
    const stream = this.open.get(key)?.stream ?? nameIn(request);
    try {
      const append = this.gather(key, request);
      // Parts of an append that was refused already lead nowhere.
      if (append === undefined || !request.getIsFinal()) return;
      this.forget(key);
      if (append.deadline <= Date.now()) throw new TimedOut('the deadline of the append has passed');
      void this.store(correlationId, append);
    } catch (error) {
      this.forget(key);
      this.answer(correlationId, stream, failure(error));
    }
  }

  /** Adds a part to its append. */
  private gather(key: string, request: streams.BatchAppendReq): OpenAppend | undefined {
    const options = request.getOptions();
    if (options !== undefined && !this.open.has(key)) {
      if (this.open.size >= MAX_OPEN_APPENDS) throw new InvalidArgument('too many unfinished appends');
      const deadline = options.getDeadline()?.toDate().getTime() ?? Infinity;
      const [stream, expected] = [streamOf(options), expectedPositionOf(options)];
      this.open.set(key, { stream, expected, deadline, events: [], size: 0 });
    }
    const append = this.open.get(key);
    if (append === undefined) return undefined;
    for (const proposed of request.getProposedMessagesList()) {
      const size = sizeOf(proposed);
      append.size += size;
      this.openBytes += size;
      if (append.size > MAX_APPEND_BYTES || this.openBytes > MAX_OPEN_BYTES) throw new AppendTooLarge(MAX_APPEND_BYTES);
      append.events.push(toNewEvent(proposed));
    }
    return append;
  }

  private forget(key: string): void {
    this.openBytes -= this.open.get(key)?.size ?? 0;
    this.open.delete(key);
  }

  private async store(correlationId: shared.UUID | undefined, open: OpenAppend): Promise<void> {
    this.inFlight++;
    this.pace();
    let response: streams.BatchAppendResp;
    try {
      response = success(await this.served.append(open.stream, open.expected, open.events));
    } catch (error) {
      // What became of it is unknown: that is for the call to say, and for the client to connect again.
      if (error instanceof StoreUnavailable) this.call.emit('error', toServiceError(error));
      response = failure(error);
    }
    this.inFlight--;
    this.answer(correlationId, open.stream, response);
    this.pace();
    this.finish();
  }

  private answer(correlationId: shared.UUID | undefined, stream: string, response: streams.BatchAppendResp): void {
    if (this.call.cancelled || this.call.writableEnded) return;
    this.call.write(response.setCorrelationId(correlationId).setStreamIdentifier(streamIdentifier(stream)));
  }

  /** Reads on only while the disk and the client keep up. */
  private pace(): void {
    if (this.closing || this.inFlight >= MAX_IN_FLIGHT || this.call.writableNeedDrain) this.call.pause();
    else this.call.resume();
  }

  private finish(): void {
    if (this.inFlight > 0 || this.call.writableEnded) return;
    if (this.ended) this.call.end();
    else if (this.closing) this.call.emit('error', toServiceError(new StoreUnavailable('the server is closing')));
  }
}

function nameIn(request: streams.BatchAppendReq): string {
  return Buffer.from(request.getOptions()?.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString();
}

function expectedPositionOf(options: streams.BatchAppendReq.Options): Expected {
  if (options.hasStreamPosition()) return revisionExpected(options.getStreamPosition());
  if (options.hasNoStream()) return 'no_stream';
  if (options.hasAny()) return 'any';
  if (options.hasStreamExists()) return 'stream_exists';
  throw new InvalidArgument('the append does not say what revision it expects');
}

function success({ revision, position }: AppendOutcome): streams.BatchAppendResp {
  const made = new streams.BatchAppendResp.Success();
  if (revision === undefined) made.setNoStream(empty());
  else made.setCurrentRevision(String(revision));
  if (position === undefined) made.setNoPosition(empty());
  else {
    const place = toWirePosition(position);
    made.setPosition(new shared.AllStreamPosition().setCommitPosition(place).setPreparePosition(place));
  }
  return new streams.BatchAppendResp().setSuccess(made);
}

function failure(thrown: unknown): streams.BatchAppendResp {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const [name, details] = detailsOf(error);
  const status = new statusMessages.Status()
    .setCode(Number(statusCodeOf(error)))
    .setMessage(error.message)
    .setDetails(boxed(`event_store.client.${name}`, details));
  return new streams.BatchAppendResp().setError(status);
}

/** The kind of a refusal, as the message clients know it by. */
function detailsOf(error: Error): [name: string, details: { serializeBinary(): Uint8Array }] {
  if (error instanceof WrongExpectedVersion) return ['WrongExpectedVersion', conflict(error)];
  if (error instanceof StreamDeleted) {
    return ['StreamDeleted', new shared.StreamDeleted().setStreamIdentifier(streamIdentifier(error.stream))];
  }
  if (error instanceof AccessDenied) return ['AccessDenied', new shared.AccessDenied()];
  if (error instanceof TimedOut) return ['Timeout', new shared.Timeout()];
  if (error instanceof AppendTooLarge) {
    return ['MaximumAppendSizeExceeded', new shared.MaximumAppendSizeExceeded().setMaxappendsize(error.limit)];
  }
  if (error instanceof InvalidArgument) return ['BadRequest', new shared.BadRequest().setMessage(error.message)];
  return ['Unknown', new shared.Unknown()];
}

function conflict({ expected, actual }: WrongExpectedVersion): shared.WrongExpectedVersion {
  const wrong = new shared.WrongExpectedVersion();
  if (actual < 0n) wrong.setCurrentNoStream(empty());
  else wrong.setCurrentStreamRevision(String(actual));
  if (expected === 'any') wrong.setExpectedAny(empty());
  else if (expected === 'no_stream') wrong.setExpectedNoStream(empty());
  else if (expected === 'stream_exists') wrong.setExpectedStreamExists(empty());
  else wrong.setExpectedStreamPosition(String(expected));
  return wrong;
}
