import { createRequire } from 'node:module';
import serverFeaturesGrpc from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import serverFeatures from '@eventstore/db-client/generated/serverfeatures_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import statusMessages from '@eventstore/db-client/generated/status_pb.js';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { Any } from 'google-protobuf/google/protobuf/any_pb.js';

/*
 * The messages and services of EventStoreDB. The generated modules are CommonJS that assigns its exports at run time,
 * so they have a default export only.
 */
export { serverFeatures, shared, statusMessages, streams };
export type StreamsHandlers = streamsGrpc.IStreamsServer;
export const { StreamsService } = streamsGrpc;
export const { ServerFeaturesService } = serverFeaturesGrpc;

// The messages and the runtime they were generated for go together; another copy of it may be installed beside.
const ofTheDefinitions = createRequire(
  createRequire(import.meta.url).resolve('@eventstore/db-client/generated/status_pb.js'),
);
const anyMessages: { readonly Any: typeof Any } = ofTheDefinitions('google-protobuf/google/protobuf/any_pb.js');

/** The same for both kinds of "nothing" in the definitions: they have no fields. */
export const empty = (): shared.Empty => new shared.Empty();

/** A message in the box that a status carries its details in. `name` is the full protobuf name. */
export function boxed(name: string, message: { serializeBinary(): Uint8Array }): Any {
  const any = new anyMessages.Any();
  any.pack(message.serializeBinary(), name);
  return any;
}

/** A stream's name on the wire. */
export function streamIdentifier(stream: string): shared.StreamIdentifier {
  return new shared.StreamIdentifier().setStreamName(Buffer.from(stream));
}
