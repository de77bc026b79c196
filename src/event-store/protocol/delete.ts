import type { ServerUnaryCall } from '@grpc/grpc-js';
import { expectedRevisionOf, streamOf } from './append.js';
import { streams } from './definitions.js';
import { InvalidArgument } from './errors.js';
import { toWirePosition } from './events.js';
import type { ServedStreams } from './served-streams.js';

type DeleteCall = ServerUnaryCall<streams.DeleteReq, streams.DeleteResp>;
type TombstoneCall = ServerUnaryCall<streams.TombstoneReq, streams.TombstoneResp>;
type Options = Parameters<typeof expectedRevisionOf>[0] & Parameters<typeof streamOf>[0];

/** Serves Delete: the stream is gone until somebody appends to it again; its revisions go on. */
export async function deleteStream(served: ServedStreams, { request }: DeleteCall): Promise<streams.DeleteResp> {
  const place = await deleted(served, request.getOptions(), false);
  const position = new streams.DeleteResp.Position().setCommitPosition(place).setPreparePosition(place);
  return new streams.DeleteResp().setPosition(position);
}

/** Serves Tombstone: the stream is gone for good, and its name with it. */
export async function tombstoneStream(
  served: ServedStreams,
  { request }: TombstoneCall,
): Promise<streams.TombstoneResp> {
  const place = await deleted(served, request.getOptions(), true);
  const position = new streams.TombstoneResp.Position().setCommitPosition(place).setPreparePosition(place);
  return new streams.TombstoneResp().setPosition(position);
}

/** The position on the wire where the log ended then. */
async function deleted(served: ServedStreams, options: Options | undefined, tombstone: boolean): Promise<string> {
  if (options === undefined) throw new InvalidArgument('the request has no options');
  return toWirePosition(await served.delete(streamOf(options), expectedRevisionOf(options), tombstone));
}
