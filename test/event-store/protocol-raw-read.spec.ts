import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { describe, expect, it, jest } from '@jest/globals';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import { Metadata, status } from '@grpc/grpc-js';
import type { NewEvent } from '../../src/eventsourcing/events.js';
import { CorruptEvent } from '../../src/event-store/event-store.js';
import { serveProtocol } from '../../src/event-store/protocol/serve-protocol.js';
import { someEvent } from '../contract/event-store-helpers.js';
import { collect, serve } from './protocol-fixture.js';
import { empty, fromStart, named, ofStream, reading, serveRaw } from './protocol-raw.js';

const someEvents = (types: readonly string[]): NewEvent[] => types.map((type) => someEvent(type));

describe('Read', () => {
  it.each([
    ['no options', new streams.ReadReq()],
    ['neither a stream nor $all', reading(() => {})],
    ['no count', reading((options) => options.setStream(ofStream('a')).clearCount())],
    [
      'a filter of nothing',
      reading((options) => options.setAll(fromStart()).setFilter(new streams.ReadReq.Options.FilterOptions())),
    ],
    [
      'a subscription backwards',
      reading((options) =>
        options
          .setAll(fromStart())
          .setReadDirection(1)
          .setSubscription(new streams.ReadReq.Options.SubscriptionOptions()),
      ),
    ],
  ])('with %s is an invalid argument', async (_what, request) => {
    const { raw } = await serveRaw();
    await expect(collect(raw.read(request))).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  it.each([
    [0, ['2', '4', '6']],
    [1, ['6', '4', '2']],
  ] as const)('of $all filters, in direction %i', async (direction, expected) => {
    const { raw, store } = await serveRaw();
    await store.append('room-1', 'no_stream', someEvents(['A', 'B', 'A', 'B', 'A', 'B', 'A']));
    const expression = new streams.ReadReq.Options.FilterOptions.Expression().setRegex('^B');
    const filter = new streams.ReadReq.Options.FilterOptions().setEventType(expression).setCount(empty());
    const all = new streams.ReadReq.Options.AllOptions();
    const request = (count: string) =>
      reading((options) => {
        options.setAll(direction === 0 ? all.setStart(empty()) : all.setEnd(empty()));
        options.setFilter(filter).setReadDirection(direction).setCount(count);
      });
    const positions = async (count: string) =>
      (await collect<streams.ReadResp>(raw.read(request(count)))).map((response) =>
        response.getEvent()?.getCommitPosition(),
      );
    expect(await positions('100')).toEqual(expected);
    expect(await positions('2')).toEqual(expected.slice(0, 2));
  });

  it('says where the stream begins and ends to who asks', async () => {
    const { client, raw, store } = await serveRaw();
    await store.append('room-1', 'no_stream', someEvents(['A', 'B', 'C']));
    const request = reading((options) => {
      options
        .setStream(ofStream('room-1'))
        .setControlOption(new streams.ReadReq.Options.ControlOption().setCompatibility(1));
    });
    const told = async () => {
      const responses = await collect<streams.ReadResp>(raw.read(request));
      return responses
        .map((response) => response.toObject())
        .map(({ event, firstStreamPosition, lastStreamPosition }) => {
          return (
            event?.event?.streamRevision ??
            (firstStreamPosition === '0' ? { lastStreamPosition } : { firstStreamPosition })
          );
        });
    };
    expect(await told()).toEqual(['0', '1', '2', { lastStreamPosition: '2' }]);
    await client.setStreamMetadata('room-1', { truncateBefore: 3 });
    expect(await told()).toEqual([{ firstStreamPosition: '3' }, { lastStreamPosition: '2' }]);
    // Scavenged means the same.
    await client.setStreamMetadata('room-1', {});
    await store.retain('room-1', { maxAgeSeconds: 1 });
    expect(await store.scavenge()).toBe(3);
    await client.setStreamMetadata('room-1', {});
    expect(await told()).toEqual([{ firstStreamPosition: '3' }, { lastStreamPosition: '2' }]);
  });

  it('waits for a client that does not keep up', async () => {
    const { features, raw, store } = await serveRaw();
    const text = 'x'.repeat(30_000);
    for (let n = 0; n < 10; n++) {
      await store.append(
        'room-1',
        'any',
        Array.from({ length: 30 }, () => someEvent('Large', { text })),
      );
    }
    let taken = 0;
    const readAll = store.readAll.bind(store);
    store.readAll = async function* counted(options) {
      for await (const event of readAll(options)) {
        taken++;
        yield event;
      }
    };
    const call = raw.read(reading((options) => options.setAll(fromStart()).setCount('1000')));
    await once(call, 'readable');
    // Time enough to read all of it, if nothing held it up.
    for (let n = 0; n < 100; n++) await new Promise((done) => features.getSupportedMethods(empty(), done));
    expect(taken).toBeLessThan(150);
    expect(await collect<streams.ReadResp>(call)).toHaveLength(300);
    expect(taken).toBe(300);
  });

  it('answers that a damaged event is damaged, and logs it', async () => {
    const logged: object[] = [];
    const { raw, store } = await serveRaw({ logger: { error: (details) => logged.push(details) } });
    store.readAll = () => {
      throw new CorruptEvent(3n, 'its checksum differs');
    };
    const request = reading((options) => options.setAll(fromStart()));
    await expect(collect(raw.read(request))).rejects.toMatchObject({ code: status.DATA_LOSS });
    expect(logged).toEqual([
      { path: '/event_store.client.streams.Streams/Read', details: expect.stringContaining('position 3') },
    ]);
  });
});

describe('Delete', () => {
  it('of a stream that should exist says by its trailers that it does not', async () => {
    const { raw } = await serveRaw();
    const options = new streams.TombstoneReq.Options().setStreamIdentifier(named('räume')).setStreamExists(empty());
    const failed = new Promise((resolve) => {
      raw.tombstone(new streams.TombstoneReq().setOptions(options), resolve);
    });
    expect(await failed).toMatchObject({ code: status.FAILED_PRECONDITION });
    const { metadata } = (await failed) as { metadata: Metadata };
    expect(metadata.getMap()).toMatchObject({
      exception: 'wrong-expected-version',
      'stream-name': 'r%C3%A4ume',
      'expected-version': '-4',
      'actual-version': '-1',
    });
  });
});

describe('the server', () => {
  it('names its version and the methods it serves', async () => {
    const { features } = await serveRaw();
    const supported = await new Promise((done) =>
      features.getSupportedMethods(empty(), (_error, answer) => done(answer.toObject())),
    );
    const service = 'event_store.client.streams.streams';
    expect(supported).toMatchObject({
      eventStoreServerVersion: '24.10.0',
      methodsList: expect.arrayContaining([
        { methodName: 'batchappend', serviceName: service, featuresList: [] },
        { methodName: 'read', serviceName: service, featuresList: ['position', 'events'] },
      ]),
    });
  });

  it.each([
    [undefined, status.UNAUTHENTICATED],
    ['admin:wrong', status.UNAUTHENTICATED],
    ['admin:changeit', undefined],
  ])('asked for credentials and given %s answers %s', async (given, code) => {
    const { raw } = await serveRaw({ credentials: { username: 'admin', password: 'changeit' } });
    const metadata = new Metadata();
    if (given !== undefined) metadata.set('authorization', `Basic ${Buffer.from(given).toString('base64')}`);
    const all = fromStart();
    const outcome = collect(
      raw.read(
        reading((options) => options.setAll(all)),
        metadata,
      ),
    );
    expect(
      await outcome.then(
        () => undefined,
        (error) => error.code,
      ),
    ).toBe(code);
  });

  it('answers as many pings as a client likes to send', async () => {
    const { server } = await serve();
    const session = connectHttp2(`http://127.0.0.1:${server.port}`);
    await once(session, 'connect');
    const pinged = Array.from({ length: 9 }, () => new Promise((resolve) => session.ping((error) => resolve(error))));
    expect(await Promise.all(pinged)).toEqual(pinged.map(() => null));
    expect(session.destroyed).toBe(false);
    session.destroy();
  });

  it('says so when its port is taken', async () => {
    const { server, store } = await serve();
    const printed = jest.spyOn(console, 'error').mockImplementation(() => {});
    await expect(serveProtocol(store, { port: server.port, host: '127.0.0.1' })).rejects.toThrow(/No address added/);
    printed.mockRestore();
  });
});
