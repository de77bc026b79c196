import type { BatchAppendReq, BatchAppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import grpcServices from '@eventstore/db-client/generated/streams_grpc_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import type { ExpectedRevision } from '../event-store.js';
import { answerOf } from './append-answer.js';
import type { AppendAnswer } from './append-answer.js';
import { NoAnswer } from './connection.js';
import type { Link } from './connection.js';
import type { PreparedEvent } from './prepare.js';

/** Bytes of events per message; gRPC servers take 4 MiB by default. */
const MESSAGE_BYTES = 1024 * 1024;

export interface Append {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  readonly events: readonly PreparedEvent[];
}

interface Waiting {
  readonly append: Append;
  readonly resolve: (answer: AppendAnswer) => void;
  readonly reject: (error: unknown) => void;
}

type Call = ClientDuplexStream<BatchAppendReq, BatchAppendResp>;

/**
 * Appends over one call of the protocol's `BatchAppend`: any number under way at once, each answered by itself.
 *
 * It stands in for the client's `appendToStream`, whose writing side (6.2.1) ends the process when a connection breaks under
 * load: writes that wait for the stream to drain are rejected inside an async promise executor, where nobody can catch it, and
 * one stream's error forgets the appends of all clients, so that the next answer to one of them throws in an event handler.
 * Connections, accounts and leaders stay the client's business.
 */
export class BatchAppends {
  private open: { readonly link: Link; readonly call: Promise<BatchCall> } | undefined;

  /** @throws NoAnswer, WrongExpectedRevision, EventTooLarge, errors of the client */
  async send(link: Link, append: Append, timeoutMs: number): Promise<AppendAnswer> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new NoAnswer(`no answer within ${timeoutMs} ms`)), timeoutMs);
    });
    const sentAt = performance.now();
    try {
      const call = await Promise.race([this.callOn(link), late]);
      return await call.send(append, late, sentAt);
    } finally {
      clearTimeout(timer);
    }
  }

  private callOn(link: Link): Promise<BatchCall> {
    if (this.open?.link === link) return this.open.call;
    const forget = (): void => {
      if (this.open === opened) this.open = undefined;
    };
    const opened = { link, call: openCall(link, forget) };
    opened.call.catch(forget);
    this.open = opened;
    return opened.call;
  }
}

async function openCall({ client }: Link, onEnd: () => void): Promise<BatchCall> {
  // Protected in the client, whose version is pinned: it finds the server, adds the account, and reconnects to the leader.
  const open = client['GRPCStreamCreator'](grpcServices.StreamsClient, 'batchAppend', (grpc): Call =>
    grpc.batchAppend(...client['callArguments']({}, { deadline: Infinity })),
  );
  return new BatchCall(await open(), onEnd);
}

class BatchCall {
  private readonly waiting = new Map<number, Waiting>();
  private last = 0;
  private answeredAt = -Infinity;
  private failure: Error | undefined;

  constructor(
    private readonly call: Call,
    private readonly onEnd: () => void,
  ) {
    call.on('data', (answer: BatchAppendResp) => this.answered(answer));
    call.on('error', (error) => this.end(error));
    call.on('end', () => this.end(new Error('the server ended the appends')));
    call.on('close', () => this.end(new Error('the appends were cut off')));
  }

  async send(append: Append, late: Promise<never>, sentAt: number): Promise<AppendAnswer> {
    if (this.failure !== undefined) throw this.failure;
    const key = ++this.last;
    try {
      const answer = new Promise<AppendAnswer>((resolve, reject) => {
        this.waiting.set(key, { append, resolve, reject });
        // What the socket does not take yet waits in memory; how much that is, callers decide by waiting for answers.
        for (const message of messagesOf(key, append)) this.call.write(message);
      });
      return await Promise.race([answer, late]);
    } catch (error) {
      // A call that answers nobody is given up with all that wait for it; the next attempt makes another.
      if (error instanceof NoAnswer && this.answeredAt < sentAt) this.call.cancel();
      throw error;
    } finally {
      this.waiting.delete(key);
    }
  }

  private answered(answer: BatchAppendResp): void {
    this.answeredAt = performance.now();
    const waiting = this.waiting.get(keyOf(answer.getCorrelationId()));
    // Unknown is an answer that came too late.
    if (waiting === undefined) return;
    try {
      waiting.resolve(answerOf(waiting.append, answer));
    } catch (error) {
      waiting.reject(error);
    }
  }

  private end(error: Error): void {
    this.failure ??= error;
    this.onEnd();
    for (const { reject } of this.waiting.values()) reject(this.failure);
    this.waiting.clear();
  }
}

function* messagesOf(key: number, { stream, expected, events }: Append): Generator<BatchAppendReq> {
  let message = new streams.BatchAppendReq().setCorrelationId(uuid(correlationId(key)));
  message.setOptions(optionsOf(stream, expected));
  let bytes = 0;
  for (const { id, type, data, metadata } of events) {
    const size = data.length + metadata.length;
    if (bytes > 0 && bytes + size > MESSAGE_BYTES) {
      yield message;
      message = new streams.BatchAppendReq().setCorrelationId(uuid(correlationId(key)));
      bytes = 0;
    }
    bytes += size;
    const proposed = new streams.BatchAppendReq.ProposedMessage().setId(uuid(id));
    proposed.getMetadataMap().set('type', type).set('content-type', 'application/json');
    proposed.setData(data);
    proposed.setCustomMetadata(metadata);
    message.addProposedMessages(proposed);
  }
  yield message.setIsFinal(true);
}

function optionsOf(stream: string, expected: ExpectedRevision): BatchAppendReq.Options {
  const identifier = new shared.StreamIdentifier();
  identifier.setStreamName(Buffer.from(stream));
  const options = new streams.BatchAppendReq.Options().setStreamIdentifier(identifier);
  if (expected === 'any') return options.setAny(new shared.Empty());
  if (expected === 'no_stream') return options.setNoStream(new shared.Empty());
  return options.setStreamPosition(String(expected));
}

const uuid = (text: string): shared.UUID => new shared.UUID().setString(text);

/** Answers are told apart by a running number, in the form of a UUID. */
const correlationId = (key: number): string => `00000000-0000-4000-8000-${key.toString(16).padStart(12, '0')}`;

/** Servers give UUIDs back as text or as two 64-bit numbers. */
function keyOf(id: shared.UUID | undefined): number {
  const structured = id?.getStructured();
  if (structured === undefined) return Number.parseInt(id?.getString().slice(-12) ?? '', 16);
  return Number(BigInt.asUintN(48, BigInt(structured.getLeastSignificantBits())));
}
