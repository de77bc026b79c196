import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { sendUnaryData, ServerUnaryCall, ServiceDefinition } from '@grpc/grpc-js';
import type { EmbeddedEventStore } from '../embedded/embedded-event-store.js';
import { append } from './append.js';
import { BatchAppend } from './batch-append.js';
import type { BatchCall } from './batch-append.js';
import { logging, requiring } from './interceptors.js';
import type { Credentials, Logger } from './interceptors.js';
import { serverFeatures, ServerFeaturesService, StreamsService } from './definitions.js';
import type { StreamsHandlers } from './definitions.js';
import { deleteStream, tombstoneStream } from './delete.js';
import { InvalidArgument } from './errors.js';
import { read } from './read.js';
import { reply, Responses } from './responses.js';
import type { ReadCall } from './responses.js';
import { ServedStreams } from './served-streams.js';

/** Clients choose how to talk by the methods and this version. */
const SERVED_VERSION = '24.10.0';
const FEATURES: Record<string, readonly string[]> = { read: ['position', 'events'] };
const MAX_MESSAGE_BYTES = 32 * 1024 * 1024;
/** How long calls may take to end when the server closes, in milliseconds. */
const CLOSING_TIME = 1_000;

export interface ServeProtocolOptions {
  /** TCP port; 0 takes a free one. */
  readonly port: number;
  /** The protocol has no encryption here and full access: loopback only. */
  readonly host: '127.0.0.1';
  /** Asked of every call when given; otherwise credentials are ignored. */
  readonly credentials?: Credentials;
  /** Hears of calls that failed by our fault. */
  readonly logger?: Logger;
}

export interface ProtocolServer {
  readonly port: number;
  /** Answers the appends under way, ends subscriptions with UNAVAILABLE, then stops listening. */
  close(): Promise<void>;
}

/**
 * Serves an embedded log over the EventStoreDB gRPC protocol: appending, reading, catch-up subscriptions, deleting, stream
 * metadata. Whatever else the protocol has is answered UNIMPLEMENTED. @throws Error when the port cannot be had
 */
export async function serveProtocol(store: EmbeddedEventStore, options: ServeProtocolOptions): Promise<ProtocolServer> {
  const server = new Server({
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    interceptors: [
      ...(options.logger ? [logging(options.logger)] : []),
      ...(options.credentials ? [requiring(options.credentials)] : []),
    ],
  });
  const service = new StreamsServer(new ServedStreams(store));
  server.addService(StreamsService, service.handlers());
  server.addService(ServerFeaturesService, { getSupportedMethods });
  const port = await new Promise<number>((bound, failed) => {
    const address = `${options.host}:${options.port}`;
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, taken) =>
      error ? failed(error) : bound(taken),
    );
  });
  return {
    port,
    close: async () => {
      service.close();
      const late = setTimeout(() => server.forceShutdown(), CLOSING_TIME);
      await new Promise<void>((closed) => server.tryShutdown(() => closed()));
      clearTimeout(late);
    },
  };
}

function getSupportedMethods(
  _call: ServerUnaryCall<object, serverFeatures.SupportedMethods>,
  answer: sendUnaryData<serverFeatures.SupportedMethods>,
): void {
  const services: ServiceDefinition[] = [StreamsService, ServerFeaturesService];
  const paths = services.flatMap((service) => Object.values(service).map(({ path }) => path.toLowerCase().split('/')));
  const methods = paths.map(([, service = '', method = '']) =>
    new serverFeatures.SupportedMethod()
      .setServiceName(service)
      .setMethodName(method)
      .setFeaturesList([...(FEATURES[method] ?? [])]),
  );
  const supported = new serverFeatures.SupportedMethods().setEventStoreServerVersion(SERVED_VERSION);
  answer(null, supported.setMethodsList(methods));
}

/** The Streams service, and its calls that don't end by themselves. */
class StreamsServer {
  private readonly open = new Set<{ close(): void }>();

  constructor(private readonly served: ServedStreams) {}

  handlers(): StreamsHandlers {
    const { served } = this;
    return {
      append: (call, answer) => void reply(answer, append(served, call)),
      batchAppend: (call) => this.keep(call, new BatchAppend(served, call)),
      read: (call) => void this.read(call),
      delete: (call, answer) => void reply(answer, deleteStream(served, call)),
      tombstone: (call, answer) => void reply(answer, tombstoneStream(served, call)),
    };
  }

  close(): void {
    for (const call of this.open) call.close();
  }

  private async read(call: ReadCall): Promise<void> {
    const responses = new Responses(call);
    this.keep(call, responses);
    try {
      const options = call.request.getOptions();
      if (options === undefined) throw new InvalidArgument('the read has no options');
      await read(this.served, options, responses);
      if (!responses.signal.aborted) call.end();
    } catch (error) {
      responses.fail(error);
    }
  }

  private keep(call: ReadCall | BatchCall, open: { close(): void }): void {
    if (!call.cancelled) this.open.add(open);
    const forget = (): boolean => this.open.delete(open);
    call.on('close', forget).on('cancelled', forget);
  }
}
