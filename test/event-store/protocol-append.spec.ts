import { describe, expect, it } from '@jest/globals';
import eventStoreDb from '@eventstore/db-client';
import { someEvent } from '../contract/event-store-helpers.js';
import { anEvent, collect, events, revisions, serve, unbatched } from './protocol-fixture.js';

const { binaryEvent, jsonEvent } = eventStoreDb;

// The client uses BatchAppend where it can, and Append for calls with credentials of their own.
describe.each([
  ['BatchAppend', {}],
  ['Append', unbatched],
])('appending by %s', (_call, how) => {
  it('answers with the revision and position of the last event', async () => {
    const { client } = await serve();
    const first = await client.appendToStream('room-1', events(3), { expectedRevision: 'no_stream', ...how });
    expect(first).toEqual({ success: true, nextExpectedRevision: 2n, position: { commit: 3n, prepare: 3n } });
    const next = await client.appendToStream('room-1', anEvent(), { expectedRevision: 2n, ...how });
    expect(next).toEqual({ success: true, nextExpectedRevision: 3n, position: { commit: 4n, prepare: 4n } });
  });

  it.each([
    ['no_stream', 1, { expectedVersion: 'no_stream', actualVersion: 0n }],
    [5n, 1, { expectedVersion: 5n, actualVersion: 0n }],
    [0n, 0, { expectedVersion: 0n, actualVersion: 'no_stream' }],
    ['stream_exists', 0, { expectedVersion: 'stream_exists', actualVersion: 'no_stream' }],
  ] as const)('refuses expected revision %s of a stream with %i events', async (expectedRevision, size, told) => {
    const { client, store } = await serve();
    if (size > 0) await client.appendToStream('room-1', events(size));
    const refused = client.appendToStream('room-1', anEvent(), { expectedRevision, ...how });
    await expect(refused).rejects.toMatchObject({ type: 'wrong-expected-version', streamName: 'room-1', ...told });
    expect(await store.head()).toBe(BigInt(size) - 1n);
  });

  it('takes the largest revision for no stream, and refuses others that no stream reaches', async () => {
    const { client } = await serve();
    const largest = { expectedRevision: 2n ** 64n - 1n, ...how };
    await client.appendToStream('room-1', anEvent(), largest);
    const again = client.appendToStream('room-1', anEvent(), largest);
    await expect(again).rejects.toMatchObject({ expectedVersion: 'no_stream', actualVersion: 0n });
    const beyond = client.appendToStream('room-1', anEvent(), { ...largest, expectedRevision: 2n ** 63n });
    await expect(beyond).rejects.toThrow(/no stream has a revision 9223372036854775808/);
  });

  it.each(['any', 'stream_exists'] as const)('appends to a stream expected as %s', async (expectedRevision) => {
    const { client } = await serve();
    await client.appendToStream('room-1', events(2));
    const { nextExpectedRevision } = await client.appendToStream('room-1', anEvent(), { expectedRevision, ...how });
    expect(nextExpectedRevision).toBe(2n);
  });

  it.each(['no_stream', 'any'] as const)(
    'answers a retry with expected %s as the first time',
    async (expectedRevision) => {
      const { client, store } = await serve();
      const sent = events(2);
      const first = await client.appendToStream('room-1', sent, { expectedRevision, ...how });
      await client.appendToStream('room-1', anEvent());
      expect(await client.appendToStream('room-1', sent, { expectedRevision, ...how })).toEqual(first);
      expect(await store.head()).toBe(2n);
    },
  );

  it('appends nothing when there is no event, after looking at the revision', async () => {
    const { client } = await serve();
    await client.appendToStream('room-1', anEvent());
    const { nextExpectedRevision, position } = await client.appendToStream('room-1', [], { ...how });
    expect({ nextExpectedRevision, position }).toEqual({ nextExpectedRevision: 0n, position: undefined });
    const refused = client.appendToStream('room-1', [], { expectedRevision: 3n, ...how });
    await expect(refused).rejects.toMatchObject({ type: 'wrong-expected-version', actualVersion: 0n });
  });

  it('gives back type, data and metadata as they came', async () => {
    const { client } = await serve();
    const data = { text: 'Grüße 🎉', list: [1, null, { deep: true }], '': -0.5 };
    const metadata = { $correlationId: 'c', by: 'a stranger' };
    await client.appendToStream('räume/1', jsonEvent({ type: 'Ünïcode', data, metadata }), { ...how });
    await client.appendToStream('räume/1', anEvent('Bare'), { ...how });
    const [first, second] = await collect(client.readStream('räume/1'));
    expect(first?.event).toMatchObject({ streamId: 'räume/1', type: 'Ünïcode', data, isJson: true });
    expect(first?.event?.metadata).toEqual(metadata);
    expect(second?.event?.metadata).toBeUndefined();
  });

  it('takes an event of more than 1 MiB', async () => {
    const { client } = await serve();
    const text = 'x'.repeat(1_200_000);
    await client.appendToStream('room-1', anEvent('Large', { text }), { ...how });
    const [read] = await collect(client.readStream('room-1'));
    expect(read?.event?.data).toEqual({ text });
  });

  it('refuses an event the log has no room for, naming the limit', async () => {
    const { client, store } = await serve();
    const refused = client.appendToStream('room-1', anEvent('Large', { text: 'x'.repeat(2_100_000) }), { ...how });
    await expect(refused).rejects.toMatchObject({
      type: 'maximum-append-size-exceeded',
      maxAppendSize: 2 * 1024 * 1024,
    });
    expect(await store.head()).toBe(-1n);
  });

  it('refuses an append over 16 MiB, naming the limit', async () => {
    const { client, store } = await serve();
    const large = Array.from({ length: 9 }, () => anEvent('Large', { text: 'x'.repeat(1_900_000) }));
    const refused = client.appendToStream('room-1', large, { ...how });
    await expect(refused).rejects.toMatchObject({
      type: 'maximum-append-size-exceeded',
      maxAppendSize: 16 * 1024 * 1024,
    });
    expect(await store.head()).toBe(-1n);
  });

  it.each([
    ['binary data', binaryEvent({ type: 'Picture', data: Buffer.from([1, 2]) }), /Picture.*application\/octet-stream/],
    ['a system type', anEvent('$>'), /system type \$>/],
    ['a type that is too long', anEvent('T'.repeat(1025)), /event type must have 1 to 1024 bytes/],
    ['an id that is no UUID', { ...anEvent(), id: 'event-12' }, /must be a UUID, this one is 'event-12'/],
    ['data that is no object', { ...anEvent(), data: [1] }, /data of event .* is not a JSON object/],
    [
      'text that is not UTF-8',
      { ...anEvent(), metadata: new Uint8Array(Buffer.from('7b2261223a22ff227d', 'hex')) },
      /is not JSON/,
    ],
    ['binary metadata', { ...anEvent(), metadata: new Uint8Array([0xff]) }, /metadata of event .* is not JSON/],
    ['a name of the log', { ...anEvent(), metadata: { $received: 1 } }, /\$received, a name of the log's own/],
  ])('refuses %s', async (_what, event, message) => {
    const { client, store } = await serve();
    await expect(client.appendToStream('room-1', event, { ...how })).rejects.toThrow(message);
    expect(await store.head()).toBe(-1n);
  });

  it('refuses system streams', async () => {
    const { client, store } = await serve();
    for (const stream of ['$all', '$ce-room', '$$$all']) {
      const type = stream.startsWith('$$') ? '$metadata' : 'Happened';
      await expect(client.appendToStream(stream, anEvent(type), { ...how })).rejects.toMatchObject({
        type: 'access-denied',
      });
    }
    expect(await store.head()).toBe(-1n);
  });
});

describe('appending', () => {
  it('keeps the order in which a client sends', async () => {
    const { client } = await serve();
    const sent = Array.from({ length: 200 }, (_, n) => n);
    const append = (n: number) =>
      client.appendToStream('room-1', anEvent('Counted', { n }), {
        expectedRevision: n === 0 ? 'no_stream' : BigInt(n - 1),
      });
    // Alone, because the client opens its call with it, and may send others before.
    await append(0);
    await Promise.all(sent.slice(1).map(append));
    const read = await collect(client.readStream('room-1'));
    expect(revisions(read)).toEqual(sent.map(BigInt));
    expect(read.map(({ event }) => event?.data)).toEqual(sent.map((n) => ({ n })));
  });

  it('puts an append of several messages together', async () => {
    const { client } = await serve();
    const { nextExpectedRevision } = await client.appendToStream('room-1', events(50), { batchAppendSize: 500 });
    expect(nextExpectedRevision).toBe(49n);
  });

  it('takes messages as large as an append may be', async () => {
    const { client } = await serve();
    const large = Array.from({ length: 8 }, () => anEvent('Large', { text: 'x'.repeat(1_900_000) }));
    const { nextExpectedRevision } = await client.appendToStream('room-1', large, {
      batchAppendSize: 32 * 1024 * 1024,
    });
    expect(nextExpectedRevision).toBe(7n);
  });

  it('is seen by the port as the client wrote it', async () => {
    const { client, store } = await serve();
    const { id, metadata } = someEvent('Known');
    const event = jsonEvent({ id: '0d5f2c1b-6a0e-4d83-9c57-0f4f6f6d2a11', type: 'Known', data: { id }, metadata });
    await client.appendToStream('room-1', event);
    const [stored] = await collect(store.readStream('room-1'));
    expect(stored).toMatchObject({ id: event.id, type: 'Known', data: { id }, revision: 0n, position: 0n });
    expect(stored?.metadata).toEqual(metadata);
  });

  it('says that the store cannot be used, so that the client connects again', async () => {
    const { client, store } = await serve();
    await client.appendToStream('room-1', anEvent());
    await store.close();
    await expect(client.appendToStream('room-1', anEvent())).rejects.toMatchObject({ type: 'unavailable' });
    await expect(client.appendToStream('room-1', anEvent(), unbatched)).rejects.toMatchObject({ type: 'unavailable' });
  });
});
