import type { ServerReadableStream } from '@grpc/grpc-js';
import type { NewEvent } from '../../eventsourcing/events.js';
import { empty, streams } from './definitions.js';
import { AppendTooLarge, InvalidArgument, WrongExpectedVersion } from './errors.js';
import type { Expected } from './errors.js';
import { sizeOf, toNewEvent, toWirePosition } from './events.js';
import type { AppendOutcome, ServedStreams } from './served-streams.js';

/** Bytes one append may bring; what clients accept in one message is 17 MiB. */
export const MAX_APPEND_BYTES = 16 * 1024 * 1024;

/** Clients' number for the end of a stream or of the log. */
export const END = 0xffff_ffff_ffff_ffffn;
/** Revisions are signed 64-bit integers to EventStoreDB. */
const LAST_REVISION = 0x7fff_ffff_ffff_ffffn;

type AppendCall = ServerReadableStream<streams.AppendReq, streams.AppendResp>;

/** Serves Append: options, then one message per event; all events become one append at the end. */
export async function append(served: ServedStreams, call: AppendCall): Promise<streams.AppendResp> {
  const incoming = new IncomingAppend();
  await new Promise<void>((ended, refused) => {
    call.on('data', (request: streams.AppendReq) => {
      try {
        incoming.take(request);
      } catch (error) {
        call.removeAllListeners('data').resume();
        refused(error);
      }
    });
    call.on('end', ended);
  });
  return incoming.store(served);
}

class IncomingAppend {
  private options: streams.AppendReq.Options | undefined;
  private readonly events: NewEvent[] = [];
  private size = 0;

  take(request: streams.AppendReq): void {
    const options = request.getOptions();
    const proposed = request.getProposedMessage();
    if (options !== undefined) {
      if (this.options !== undefined) throw new InvalidArgument('the options of an append come once');
      this.options = options;
    } else if (proposed !== undefined && this.options !== undefined) {
      this.size += sizeOf(proposed);
      if (this.size > MAX_APPEND_BYTES) throw new AppendTooLarge(MAX_APPEND_BYTES);
      this.events.push(toNewEvent(proposed));
    } else {
      throw new InvalidArgument('an append begins with its options, then come its events');
    }
  }

  async store(served: ServedStreams): Promise<streams.AppendResp> {
    if (this.options === undefined) throw new InvalidArgument('an append begins with its options');
    const { options } = this;
    try {
      return success(await served.append(streamOf(options), expectedRevisionOf(options), this.events));
    } catch (error) {
      if (error instanceof WrongExpectedVersion) return conflict(error);
      throw error;
    }
  }
}

/** The stream a request names. @throws InvalidArgument */
export function streamOf(options: { getStreamIdentifier(): { getStreamName_asU8(): Uint8Array } | undefined }): string {
  const name = Buffer.from(options.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString();
  if (name === '') throw new InvalidArgument('the request names no stream');
  return name;
}

/** What Append, Delete and Tombstone expect of the stream. @throws InvalidArgument when they don't say */
export function expectedRevisionOf(options: {
  hasRevision(): boolean;
  getRevision(): string;
  hasNoStream(): boolean;
  hasAny(): boolean;
  hasStreamExists(): boolean;
}): Expected {
  if (options.hasRevision()) return revisionExpected(options.getRevision());
  if (options.hasNoStream()) return 'no_stream';
  if (options.hasAny()) return 'any';
  if (options.hasStreamExists()) return 'stream_exists';
  throw new InvalidArgument('the request does not say what revision it expects');
}

/** The largest number stands for no stream. @throws InvalidArgument for what no stream can reach */
export function revisionExpected(text: string): Expected {
  const revision = BigInt(text);
  if (revision === END) return 'no_stream';
  if (revision > LAST_REVISION) throw new InvalidArgument(`no stream has a revision ${text}`);
  return revision;
}

function success({ revision, position }: AppendOutcome): streams.AppendResp {
  const made = new streams.AppendResp.Success();
  if (revision === undefined) made.setNoStream(empty());
  else made.setCurrentRevision(String(revision));
  if (position === undefined) made.setNoPosition(empty());
  else made.setPosition(appendPosition(position));
  return new streams.AppendResp().setSuccess(made);
}

function appendPosition(position: bigint): streams.AppendResp.Position {
  const place = toWirePosition(position);
  return new streams.AppendResp.Position().setCommitPosition(place).setPreparePosition(place);
}

function conflict({ expected, actual }: WrongExpectedVersion): streams.AppendResp {
  const wrong = new streams.AppendResp.WrongExpectedVersion();
  if (actual < 0n) wrong.setCurrentNoStream(empty());
  else wrong.setCurrentRevision(String(actual));
  if (expected === 'any') wrong.setExpectedAny(empty());
  else if (expected === 'no_stream') wrong.setExpectedNoStream(empty());
  else if (expected === 'stream_exists') wrong.setExpectedStreamExists(empty());
  else wrong.setExpectedRevision(String(expected));
  return new streams.AppendResp().setWrongExpectedVersion(wrong);
}
