import { describe, expect, it } from '@jest/globals';
import eventStoreDb from '@eventstore/db-client';
import { someEvent } from '../contract/event-store-helpers.js';
import { anEvent, collect, commits, events, revisions, serve } from './protocol-fixture.js';

describe('reading a stream', () => {
  it.each([
    [{}, [0n, 1n, 2n, 3n, 4n]],
    [{ fromRevision: 'start', maxCount: 2 }, [0n, 1n]],
    [{ fromRevision: 3n }, [3n, 4n]],
    [{ fromRevision: 9n }, []],
    [{ fromRevision: 'end' }, []],
    [{ direction: 'backwards', fromRevision: 'end' }, [4n, 3n, 2n, 1n, 0n]],
    [{ direction: 'backwards', fromRevision: 'end', maxCount: 1 }, [4n]],
    [{ direction: 'backwards', fromRevision: 2n }, [2n, 1n, 0n]],
    [{ direction: 'backwards', fromRevision: 'start' }, [0n]],
    [{ resolveLinkTos: true, maxCount: 1 }, [0n]],
  ] as const)('with %o answers %o', async (options, expected) => {
    const { client } = await serve();
    await client.appendToStream('other', events(3));
    await client.appendToStream('room-1', events(5));
    expect(revisions(await collect(client.readStream('room-1', options)))).toEqual(expected);
  });

  it('says that there is no such stream', async () => {
    const { client } = await serve();
    const read = collect(client.readStream('nowhere'));
    await expect(read).rejects.toMatchObject({ type: 'stream-not-found', streamName: 'nowhere' });
  });

  it('serves what the port wrote, with the time it happened and a UUID made of other ids', async () => {
    const { client, store } = await serve();
    const id = '6B29FC40-CA47-1067-B31D-00DD010662DA';
    await store.append('room-1', 'no_stream', [someEvent('A', { n: 1 }, 'event-12'), someEvent('B', {}, id)]);
    const [first, second] = await collect(client.readStream('room-1'));
    expect(first?.event).toMatchObject({
      id: '3853acce-f569-5ca3-8335-be81cd92ac9f',
      type: 'A',
      data: { n: 1 },
      metadata: someEvent('A', {}, 'event-12').metadata,
      created: new Date('2026-01-01T00:00:00.000Z'),
      position: { commit: 1n, prepare: 1n },
    });
    expect(second?.event?.id).toBe(id.toLowerCase());
  });

  it('notes when an event came that does not say', async () => {
    const { client } = await serve();
    const before = Date.now();
    await client.appendToStream('room-1', anEvent());
    const [read] = await collect(client.readStream('room-1'));
    const created = read?.event?.created.getTime() ?? 0;
    expect(created).toBeGreaterThanOrEqual(before);
    expect(created).toBeLessThanOrEqual(Date.now());
  });

  it('pages through thousands of events', async () => {
    const { client } = await serve();
    await client.appendToStream('room-1', events(1_200));
    const all = Array.from({ length: 1_200 }, (_, n) => BigInt(n));
    expect(revisions(await collect(client.readStream('room-1')))).toEqual(all);
    const backwards = client.readStream('room-1', { direction: 'backwards', fromRevision: 'end' });
    expect(revisions(await collect(backwards))).toEqual(all.toReversed());
  });
});

describe('reading $all', () => {
  it.each([
    [{}, [1n, 2n, 3n, 4n]],
    [{ fromPosition: at(0n) }, [1n, 2n, 3n, 4n]],
    // Inclusive forwards, exclusive backwards.
    [{ fromPosition: at(3n) }, [3n, 4n]],
    [{ fromPosition: at(3n), direction: 'backwards' }, [2n, 1n]],
    [{ fromPosition: at(9n) }, []],
    [{ fromPosition: at(9n), direction: 'backwards' }, [4n, 3n, 2n, 1n]],
    [{ fromPosition: 'end' }, []],
    [{ fromPosition: 'end', direction: 'backwards', maxCount: 3 }, [4n, 3n, 2n]],
    [{ fromPosition: 'start', direction: 'backwards' }, []],
    [{ fromPosition: at(1n), direction: 'backwards' }, []],
    [{ maxCount: 2 }, [1n, 2n]],
  ] as const)('with %o answers positions %o', async (options, expected) => {
    const { client } = await serve();
    await client.appendToStream('room-1', events(2));
    await client.appendToStream('room-2', events(2));
    expect(commits(await collect(client.readAll(options)))).toEqual(expected);
  });

  it('reads from the position an append was answered with', async () => {
    const { client } = await serve();
    await client.appendToStream('room-1', events(2));
    const { position } = await client.appendToStream('room-1', anEvent('Last'));
    const [read] = await collect(client.readAll({ fromPosition: position ?? 'end' }));
    expect(read?.event?.type).toBe('Last');
  });

  it('never shows metadata or deletions', async () => {
    const { client } = await serve();
    await client.setStreamMetadata('room-1', { maxCount: 5 });
    await client.appendToStream('room-1', anEvent());
    await client.deleteStream('room-1');
    expect((await collect(client.readAll())).map(({ event }) => event?.type)).toEqual(['Happened']);
  });
});

function at(commit: bigint) {
  return { commit, prepare: commit };
}

describe('whatever else the protocol has', () => {
  it('is answered as not there', async () => {
    const { client } = await serve();
    const group = eventStoreDb.persistentSubscriptionToStreamSettingsFromDefaults();
    await expect(client.createPersistentSubscriptionToStream('s', 'g', group)).rejects.toThrow(/UNIMPLEMENTED/);
    await expect(client.createProjection('p', 'fromAll()')).rejects.toThrow(/UNIMPLEMENTED/);
  });
});
