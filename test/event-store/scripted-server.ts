import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import type { ServerDuplexStream, ServerWritableStream } from '@grpc/grpc-js';
import {
  boxed,
  empty,
  shared,
  statusMessages,
  streams,
  StreamsService,
} from '../../src/event-store/protocol/definitions.js';

/** An event in `$all` as an EventStoreDB may hold it: by anyone, of any content. */
export interface Held {
  readonly stream: string;
  readonly revision: bigint;
  readonly position: bigint;
  readonly id?: string;
  readonly type?: string;
  readonly contentType?: string;
  readonly data?: string | Uint8Array;
  readonly metadata?: string | Uint8Array;
}

type ReadCall = ServerWritableStream<streams.ReadReq, streams.ReadResp>;
type AppendCall = ServerDuplexStream<streams.BatchAppendReq, streams.BatchAppendResp>;

export interface Script {
  /** In log order. */
  readonly events: Held[];
  /** Serves a subscription; default: nothing ever comes. */
  subscribe?: (call: ReadCall, after: bigint) => void;
  append?: (call: AppendCall, request: streams.BatchAppendReq) => void;
}

const epoch: Held = {
  stream: '$$convoke-log',
  revision: 0n,
  position: 0n,
  type: '$metadata',
  data: '{"epoch":"scripted"}',
};

/** An EventStoreDB that does what the embedded log behind our own server never does. */
export async function scriptedServer(script: Script): Promise<{ port: number; close(): void }> {
  const server = new Server();
  server.addService(StreamsService, {
    read: (call: ReadCall) => read(script, call),
    batchAppend: (call: AppendCall) => {
      call.on('data', (request: streams.BatchAppendReq) => script.append?.(call, request));
      call.on('error', () => undefined);
    },
  });
  const port = await new Promise<number>((bound, failed) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, taken) =>
      error ? failed(error) : bound(taken),
    );
  });
  return { port, close: () => server.forceShutdown() };
}

function read({ events, subscribe }: Script, call: ReadCall): void {
  const options = call.request.getOptions();
  const all = options?.getAll();
  call.on('error', () => undefined);
  const from = all?.hasPosition() ? BigInt(all.getPosition()?.getCommitPosition() ?? 0) : undefined;
  if (from !== undefined && !events.some(({ position }) => position === from)) {
    call.emit('error', { code: status.INVALID_ARGUMENT, details: `there is no event at ${from}` });
    return;
  }
  if (all && options?.hasSubscription()) {
    subscribe?.(call, from ?? -1n);
    return;
  }
  const backwards = options?.getReadDirection() === streams.ReadReq.Options.ReadDirection.BACKWARDS;
  let found = [epoch, ...events];
  if (all) {
    found = events.filter(({ position }) => from === undefined || (backwards ? position < from : position >= from));
  } else {
    const of = options?.getStream();
    const name = Buffer.from(of?.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString();
    const first = of?.hasRevision() ? BigInt(of.getRevision()) : undefined;
    found = found.filter(
      ({ stream, revision }) =>
        stream === name && (first === undefined || (backwards ? revision <= first : revision >= first)),
    );
  }
  if (backwards) found = found.toReversed();
  for (const event of found.slice(0, Number(options?.getCount()))) call.write(response(event));
  call.end();
}

/** The event as it goes over the wire. */
export function response(event: Held): streams.ReadResp {
  const { stream, revision, position, id = '4c5f2a3e-0000-4000-8000-000000000000', type = 'SomethingHappened' } = event;
  const at = String(position);
  const record = new streams.ReadResp.ReadEvent.RecordedEvent()
    .setId(new shared.UUID().setString(id))
    .setStreamIdentifier(new shared.StreamIdentifier().setStreamName(Buffer.from(stream)))
    .setStreamRevision(String(revision))
    .setCommitPosition(at)
    .setPreparePosition(at)
    .setData(bytes(event.data ?? '{}'))
    .setCustomMetadata(bytes(event.metadata ?? ''));
  record
    .getMetadataMap()
    .set('type', type)
    .set('content-type', event.contentType ?? 'application/json')
    .set('created', '0');
  return new streams.ReadResp().setEvent(new streams.ReadResp.ReadEvent().setEvent(record).setCommitPosition(at));
}

const bytes = (content: string | Uint8Array): Uint8Array =>
  typeof content === 'string' ? Buffer.from(content) : content;

/** Without a position as for a resend that a server did not look up. */
export function success(request: streams.BatchAppendReq, revision: bigint, position?: bigint): streams.BatchAppendResp {
  const done = new streams.BatchAppendResp.Success().setCurrentRevision(String(revision));
  if (position === undefined) done.setNoPosition(empty());
  else {
    const at = String(position);
    done.setPosition(new shared.AllStreamPosition().setCommitPosition(at).setPreparePosition(at));
  }
  return new streams.BatchAppendResp().setCorrelationId(request.getCorrelationId()).setSuccess(done);
}

/** Refuses an append because the stream is at another revision. */
export function wrongVersion(request: streams.BatchAppendReq, current: bigint): streams.BatchAppendResp {
  const wrong = new shared.WrongExpectedVersion().setCurrentStreamRevision(String(current));
  const error = new statusMessages.Status().setDetails(boxed('event_store.client.WrongExpectedVersion', wrong));
  return new streams.BatchAppendResp().setCorrelationId(request.getCorrelationId()).setError(error);
}
