import { afterEach } from '@jest/globals';
import serverFeaturesGrpc from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { credentials } from '@grpc/grpc-js';
import { serve } from './protocol-fixture.js';

/*
 * The protocol without the official client, for what it cannot send or does not show. Note that google-protobuf must not be
 * imported here: a second copy of it takes the place of the one the definitions are made for.
 */

const opened: { close(): void }[] = [];

afterEach(() => {
  for (const client of opened.splice(0)) client.close();
});

function open<T extends { close(): void }>(client: T): T {
  opened.push(client);
  return client;
}

/** Serves a new log to bare clients of the two services. */
export async function serveRaw(...options: Parameters<typeof serve>) {
  const served = await serve(...options);
  const address = `127.0.0.1:${served.server.port}`;
  const raw = open(new streamsGrpc.StreamsClient(address, credentials.createInsecure()));
  const features = open(new serverFeaturesGrpc.ServerFeaturesClient(address, credentials.createInsecure()));
  return { ...served, raw, features };
}

export const empty = () => new shared.Empty();
export const named = (stream: string) => new shared.StreamIdentifier().setStreamName(Buffer.from(stream));

/** A read of up to 100 events, before `change`. */
export function reading(change: (options: streams.ReadReq.Options) => void): streams.ReadReq {
  const options = new streams.ReadReq.Options();
  options
    .setCount('100')
    .setNoFilter(empty())
    .setUuidOption(new streams.ReadReq.Options.UUIDOption().setString(empty()));
  change(options);
  return new streams.ReadReq().setOptions(options);
}

export const ofStream = (stream: string): streams.ReadReq.Options.StreamOptions =>
  new streams.ReadReq.Options.StreamOptions().setStreamIdentifier(named(stream)).setStart(empty());

export const fromStart = () => new streams.ReadReq.Options.AllOptions().setStart(empty());
