import { describe, expect, it } from '@jest/globals';
import { someEvent } from '../contract/event-store-helpers.js';
import { anEvent, collect, events, revisions, serve, unbatched } from './protocol-fixture.js';
import type { Served } from './protocol-fixture.js';

const readRevisions = async ({ client }: Served, stream: string) => revisions(await collect(client.readStream(stream)));

describe('deleting a stream', () => {
  it('makes it not found until the next append, whose revision goes on', async () => {
    const served = await serve();
    const { client } = served;
    await client.appendToStream('room-1', events(3));
    await client.deleteStream('room-1', { expectedRevision: 2n });
    await expect(readRevisions(served, 'room-1')).rejects.toMatchObject({ type: 'stream-not-found' });
    const revived = events(2);
    const answer = await client.appendToStream('room-1', revived, { expectedRevision: 'no_stream' });
    expect(answer.nextExpectedRevision).toBe(4n);
    expect(await readRevisions(served, 'room-1')).toEqual([3n, 4n]);
    const backwards = client.readStream('room-1', { direction: 'backwards', fromRevision: 'end' });
    expect(revisions(await collect(backwards))).toEqual([4n, 3n]);
    // A retry of the append that brought it back is answered as the first time.
    expect(await client.appendToStream('room-1', revived, { expectedRevision: 'no_stream' })).toEqual(answer);
    const late = client.appendToStream('room-1', anEvent(), { expectedRevision: 'no_stream' });
    await expect(late).rejects.toMatchObject({ type: 'wrong-expected-version', actualVersion: 4n });
  });

  it.each([2n, 'any'] as const)('lets an append with expected %s go on', async (expectedRevision) => {
    const served = await serve();
    await served.client.appendToStream('room-1', events(3));
    await served.client.deleteStream('room-1');
    await served.client.appendToStream('room-1', anEvent(), { expectedRevision });
    expect(await readRevisions(served, 'room-1')).toEqual([3n]);
  });

  it('comes back when the port appends', async () => {
    const served = await serve();
    await served.client.appendToStream('room-1', events(2));
    await served.client.deleteStream('room-1');
    await served.store.append('room-1', 1n, [someEvent()]);
    expect(await readRevisions(served, 'room-1')).toEqual([2n]);
    expect(await collect(served.store.readStream('room-1'))).toHaveLength(3);
  });

  it.each([
    ['no_stream', { expectedVersion: -1n }],
    [7n, { expectedVersion: 7n }],
  ] as const)('is refused when %s was expected', async (expectedRevision, told) => {
    const served = await serve();
    await served.client.appendToStream('räume', events(2));
    for (const call of ['deleteStream', 'tombstoneStream'] as const) {
      const refused = served.client[call]('räume', { expectedRevision });
      const streamName = encodeURIComponent('räume');
      await expect(refused).rejects.toMatchObject({
        type: 'wrong-expected-version',
        streamName,
        actualVersion: 1n,
        ...told,
      });
    }
    expect(await readRevisions(served, 'räume')).toEqual([0n, 1n]);
  });

  it('can be asked for by the largest $tb, as clients did before there was a call for it', async () => {
    const served = await serve();
    await served.client.appendToStream('room-1', events(2));
    await served.client.setStreamMetadata('room-1', { truncateBefore: Number(2n ** 63n - 1n) });
    await expect(readRevisions(served, 'room-1')).rejects.toMatchObject({ type: 'stream-not-found' });
    await served.client.appendToStream('room-1', anEvent());
    expect(await readRevisions(served, 'room-1')).toEqual([2n]);
  });

  it('refuses who expects the deleted stream to exist', async () => {
    const { client } = await serve();
    await client.appendToStream('room-1', anEvent());
    await client.deleteStream('room-1');
    for (const how of [{}, unbatched]) {
      const refused = client.appendToStream('room-1', anEvent(), { expectedRevision: 'stream_exists', ...how });
      await expect(refused).rejects.toMatchObject({ type: 'stream-deleted', streamName: 'room-1' });
    }
  });

  it('outlives a restart', async () => {
    const served = await serve();
    await served.client.appendToStream('room-1', events(2));
    await served.client.appendToStream('room-2', events(2));
    await served.client.deleteStream('room-1');
    await served.client.tombstoneStream('room-2');
    await served.client.setStreamMetadata('room-3', { maxCount: 3 });
    const again = await served.restart();
    await expect(readRevisions(again, 'room-1')).rejects.toMatchObject({ type: 'stream-not-found' });
    await expect(readRevisions(again, 'room-2')).rejects.toMatchObject({ type: 'stream-deleted' });
    expect(await again.client.getStreamMetadata('room-3')).toMatchObject({ metadata: { maxCount: 3 } });
  });
});

describe('deleting a stream for good', () => {
  it('refuses reads, appends, metadata and another deletion', async () => {
    const { client, store } = await serve();
    await client.appendToStream('room-1', events(2));
    const { position } = await client.tombstoneStream('room-1');
    expect(position).toEqual({ commit: 2n, prepare: 2n });
    const gone = { type: 'stream-deleted', streamName: 'room-1' };
    await expect(collect(client.readStream('room-1'))).rejects.toMatchObject(gone);
    for (const how of [{}, unbatched]) {
      await expect(client.appendToStream('room-1', anEvent(), { ...how })).rejects.toMatchObject(gone);
    }
    await expect(client.setStreamMetadata('room-1', {})).rejects.toMatchObject({ type: 'stream-deleted' });
    await expect(client.deleteStream('room-1')).rejects.toMatchObject(gone);
    expect(await store.head()).toBe(1n);
  });
});

describe('stream metadata', () => {
  it('comes back as it was set, custom keys and all, and is replaced by the next', async () => {
    const { client, store } = await serve();
    expect(await client.getStreamMetadata('room-1')).toEqual({ streamName: 'room-1' });
    const metadata = { maxCount: 3, cacheControl: 9, acl: { readRoles: ['admin'] }, world: { name: 'ñ' } };
    expect(
      (await client.setStreamMetadata('room-1', metadata, { expectedRevision: 'no_stream' })).nextExpectedRevision,
    ).toBe(0n);
    expect((await client.getStreamMetadata('room-1')).metadata).toEqual(metadata);
    const next = await client.setStreamMetadata('room-1', { owner: 'me' }, { expectedRevision: 0n });
    expect(next.nextExpectedRevision).toBe(1n);
    expect((await client.getStreamMetadata('room-1')).metadata).toEqual({ owner: 'me' });
    const [latest, ...others] = await collect(client.readStream('$$room-1'));
    expect(latest?.event).toMatchObject({ streamId: '$$room-1', type: '$metadata', revision: 1n });
    expect(others).toEqual([]);
    expect(await store.head()).toBe(-1n);
  });

  it('has revisions of its own', async () => {
    const { client } = await serve();
    await client.setStreamMetadata('room-1', { a: 1 });
    const refused = client.setStreamMetadata('room-1', { a: 2 }, { expectedRevision: 'no_stream' });
    await expect(refused).rejects.toMatchObject({
      type: 'wrong-expected-version',
      streamName: '$$room-1',
      actualVersion: 0n,
    });
    const event = anEvent('$metadata', { a: 3 });
    const first = await client.appendToStream('$$room-1', event, { expectedRevision: 0n });
    await expect(client.appendToStream('$$room-1', event, { expectedRevision: 0n })).resolves.toMatchObject({
      nextExpectedRevision: first.nextExpectedRevision,
    });
    await expect(client.appendToStream('$$room-1', anEvent('Other'))).rejects.toThrow(/events of type \$metadata only/);
  });

  it('set by many at once gets one revision each', async () => {
    const { client } = await serve();
    await client.setStreamMetadata('room-1', { n: 0 });
    const set = Array.from({ length: 20 }, (_, n) => client.setStreamMetadata('room-1', { n: n + 1 }));
    const answered = (await Promise.all(set)).map(({ nextExpectedRevision }) => nextExpectedRevision);
    expect(new Set(answered).size).toBe(20);
  });

  it.each([
    [{ maxCount: 2 }, [3n, 4n]],
    [{ truncateBefore: 1 }, [1n, 2n, 3n, 4n]],
    [{ truncateBefore: 9 }, []],
    [{ truncateBefore: 1, maxCount: 3 }, [2n, 3n, 4n]],
    [{ maxCount: 0 }, [0n, 1n, 2n, 3n, 4n]],
    [{ maxCount: -1 }, [0n, 1n, 2n, 3n, 4n]],
  ])('%o leaves revisions %o', async (metadata, expected) => {
    const served = await serve();
    await served.client.appendToStream('room-1', events(5));
    await served.client.setStreamMetadata('room-1', metadata);
    expect(await readRevisions(served, 'room-1')).toEqual(expected);
    const backwards = served.client.readStream('room-1', { direction: 'backwards', fromRevision: 'end' });
    expect(revisions(await collect(backwards))).toEqual(expected.toReversed());
    const heard = served.client.readStream('room-1', { fromRevision: 1n, maxCount: 2 });
    expect(revisions(await collect(heard))).toEqual(expected.filter((revision) => revision >= 1n).slice(0, 2));
    expect(await collect(served.client.readAll())).toHaveLength(5);
  });

  it('hides events older than maxAge, however many the reader asks for', async () => {
    const served = await serve();
    const aged = (seconds: number) => {
      const event = someEvent('Aged');
      return { ...event, metadata: { ...event.metadata, at: new Date(Date.now() - seconds * 1_000).toISOString() } };
    };
    await served.store.append('room-1', 'no_stream', [aged(500), aged(300), aged(10)]);
    await served.client.appendToStream('room-1', anEvent());
    await served.client.setStreamMetadata('room-1', { maxAge: 100 });
    expect(await readRevisions(served, 'room-1')).toEqual([2n, 3n]);
    expect(revisions(await collect(served.client.readStream('room-1', { maxCount: 1 })))).toEqual([2n]);
    const subscription = served.client.subscribeToStream('room-1');
    for await (const { event } of subscription) {
      expect(event?.revision).toBe(2n);
      break;
    }
  });

  it('is not seen by readers of the log', async () => {
    const { client, store } = await serve();
    await client.setStreamMetadata('room-1', { maxCount: 1 });
    await client.appendToStream('room-1', events(2));
    await client.deleteStream('room-1');
    expect((await collect(store.readAll())).map(({ stream }) => stream)).toEqual(['room-1', 'room-1']);
  });
});
