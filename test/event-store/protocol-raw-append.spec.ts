import { describe, expect, it } from '@jest/globals';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import type streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { status } from '@grpc/grpc-js';
import { anEvent, collect, serve } from './protocol-fixture.js';
import { empty, named, ofStream, reading, serveRaw } from './protocol-raw.js';

type Raw = InstanceType<typeof streamsGrpc.StreamsClient>;
type Proposed = streams.AppendReq.ProposedMessage | streams.BatchAppendReq.ProposedMessage;

const ID = '6b29fc40-ca47-1067-b31d-00dd010662da';
const JSON_EVENT = { type: 'Happened', 'content-type': 'application/json' };

function proposed<T extends Proposed>(message: T, properties: Record<string, string>, id = ID): T {
  message.setId(new shared.UUID().setString(id));
  message.setData(Buffer.from('{}'));
  for (const [key, value] of Object.entries(properties)) message.getMetadataMap().set(key, value);
  return message;
}

/** Sends an Append's messages and answers what came back. */
function append(raw: Raw, messages: readonly streams.AppendReq[]): Promise<streams.AppendResp> {
  return new Promise((resolve, reject) => {
    const call = raw.append((error, response) => (error ? reject(error) : resolve(response)));
    call.on('error', () => {});
    for (const message of messages) call.write(message);
    call.end();
  });
}

const appendOptions = (stream = 'room-1') =>
  new streams.AppendReq().setOptions(
    new streams.AppendReq.Options().setStreamIdentifier(named(stream)).setAny(empty()),
  );

describe('Append', () => {
  it.each([
    ['no messages', []],
    [
      'an event first',
      [new streams.AppendReq().setProposedMessage(proposed(new streams.AppendReq.ProposedMessage(), JSON_EVENT))],
    ],
    ['its options twice', [appendOptions(), appendOptions()]],
    ['no stream', [appendOptions('')]],
    [
      'no expectation',
      [new streams.AppendReq().setOptions(new streams.AppendReq.Options().setStreamIdentifier(named('a')))],
    ],
    ['an empty message', [appendOptions(), new streams.AppendReq()]],
  ])('with %s is an invalid argument', async (_what, messages) => {
    const { raw } = await serveRaw();
    await expect(append(raw, messages)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  it.each(['type', 'content-type'])('names a missing %s', async (property) => {
    const { raw } = await serveRaw();
    const properties = Object.fromEntries(Object.entries(JSON_EVENT).filter(([key]) => key !== property));
    const event = proposed(new streams.AppendReq.ProposedMessage(), properties);
    const failed = await append(raw, [appendOptions(), new streams.AppendReq().setProposedMessage(event)]).catch(
      (error) => error,
    );
    expect(failed).toMatchObject({ code: status.INVALID_ARGUMENT, details: expect.stringContaining(`'${property}'`) });
    expect(failed.metadata.getMap()).toMatchObject({
      exception: 'missing-required-metadata-property',
      'required-metadata-properties': 'type,content-type',
    });
  });

  it('takes ids as integers, and gives them back so', async () => {
    const { raw, store } = await serveRaw();
    const bits = new shared.UUID.Structured()
      .setMostSignificantBits(String(0x6b29fc40ca471067n))
      .setLeastSignificantBits(String(BigInt.asIntN(64, 0xb31d00dd010662dan)));
    const event = proposed(new streams.AppendReq.ProposedMessage(), JSON_EVENT).setId(
      new shared.UUID().setStructured(bits),
    );
    await append(raw, [appendOptions(), new streams.AppendReq().setProposedMessage(event)]);
    expect((await collect(store.readAll())).map(({ id }) => id)).toEqual([ID]);
    const request = reading((options) => {
      options
        .setStream(ofStream('room-1'))
        .setUuidOption(new streams.ReadReq.Options.UUIDOption().setStructured(empty()));
    });
    const [response] = await collect<streams.ReadResp>(raw.read(request));
    expect(response?.getEvent()?.getEvent()?.getId()?.getStructured()?.toObject()).toEqual(bits.toObject());
  });
});

describe('BatchAppend', () => {
  const part = (correlation: string, isFinal: boolean, options?: streams.BatchAppendReq.Options) => {
    const request = new streams.BatchAppendReq()
      .setIsFinal(isFinal)
      .setCorrelationId(new shared.UUID().setString(correlation));
    request.setProposedMessagesList([proposed(new streams.BatchAppendReq.ProposedMessage(), JSON_EVENT, correlation)]);
    return options === undefined ? request : request.setOptions(options);
  };
  const options = () => new streams.BatchAppendReq.Options().setStreamIdentifier(named('room-1')).setAny(empty());
  const id = (n: number) => `6b29fc40-ca47-4067-b31d-00dd0106620${n}`;

  it('answers each append by itself, in whatever order its parts come', async () => {
    const { raw, store } = await serveRaw();
    const call = raw.batchAppend();
    call.write(part(id(1), false, options()));
    // Refused at its first part; the second leads nowhere.
    call.write(part(id(2), false, new streams.BatchAppendReq.Options().setStreamIdentifier(named('room-1'))));
    call.write(part(id(2), true));
    // One second after 1970 began.
    const late = streams.BatchAppendReq.Options.deserializeBinary(new Uint8Array([0x32, 2, 8, 1]));
    call.write(part(id(3), true, late.setStreamIdentifier(named('room-1')).setAny(empty())));
    call.write(part(id(1), true));
    call.end();
    const responses = await collect<streams.BatchAppendResp>(call);
    const told = responses.map((response) => ({
      id: response.getCorrelationId()?.getString(),
      stream: Buffer.from(response.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString(),
      error: response.getError()?.getDetails()?.getTypeName(),
      revision: response.getSuccess()?.getCurrentRevision(),
    }));
    expect(told).toEqual([
      { id: id(2), stream: 'room-1', error: 'event_store.client.BadRequest', revision: undefined },
      { id: id(3), stream: 'room-1', error: 'event_store.client.Timeout', revision: undefined },
      { id: id(1), stream: 'room-1', error: undefined, revision: '1' },
    ]);
    expect(await store.head()).toBe(1n);
  });

  it('answers what is under way when the server closes', async () => {
    const { client, server, store } = await serve();
    await client.appendToStream('room', anEvent());
    const appendToLog = store.append.bind(store);
    let begun = 0;
    const underWay = new Promise<void>((resolve) => {
      store.append = (...request) => {
        if (++begun === 50) resolve();
        return appendToLog(...request);
      };
    });
    const sent = Promise.allSettled(
      Array.from({ length: 100 }, (_, n) => client.appendToStream(`room-${n}`, anEvent())),
    );
    await underWay;
    await server.close();
    const answered = (await sent).filter((outcome) => outcome.status === 'fulfilled');
    expect(answered.length).toBeGreaterThanOrEqual(50);
    expect(await store.head()).toBe(BigInt(answered.length));
  });
});
