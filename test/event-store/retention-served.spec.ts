import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EventStoreDBClient, type AllStreamResolvedEvent, type ResolvedEvent } from '@eventstore/db-client';
import type { EventStoreDb } from '../../src/event-store/eventstoredb/eventstoredb-event-store.js';
import type { NewEvent } from '../../src/eventsourcing/events.js';
import { serveLog, urlTo, type ServedLog } from '../contract/eventstoredb.js';
import { collect, idsOf, revisionsOf, someEvents } from '../contract/event-store-helpers.js';

const hour = 3_600;
let served: ServedLog;
let store: EventStoreDb;
let client: EventStoreDBClient;

beforeEach(async () => {
  served = await serveLog();
  store = await served.open();
  client = EventStoreDBClient.connectionString(urlTo(served.port));
});

afterEach(async () => {
  await client.dispose();
  await served.close();
});

/** Events of so many hours ago. */
const ago = (hours: number, count: number): NewEvent[] =>
  someEvents(count).map((event) => ({
    ...event,
    metadata: { ...event.metadata, at: new Date(Date.now() - hours * hour * 1_000).toISOString() },
  }));

const idsRead = (read: readonly (ResolvedEvent | AllStreamResolvedEvent)[]): (string | undefined)[] =>
  read.map(({ event }) => event?.id);

describe('how long a stream is kept, on EventStoreDB', () => {
  it('is its $maxAge, which hides what is older from readers of the stream', async () => {
    await store.retain('reactions-1', { maxAgeSeconds: hour });
    expect(await client.getStreamMetadata('reactions-1')).toMatchObject({ metadata: { maxAge: hour } });
    const [old, young] = [ago(2, 2), ago(0, 2)];
    await store.append('reactions-1', 'any', [...old, ...young]);
    expect(idsOf(await collect(store.readStream('reactions-1')))).toEqual(idsOf(young));
    await store.retain('reactions-1', { maxAgeSeconds: 3 * hour });
    expect(idsOf(await collect(store.readStream('reactions-1')))).toEqual(idsOf([...old, ...young]));
  });

  it('is added to what the metadata says, whoever else changes it at the same time', async () => {
    await client.setStreamMetadata('reactions-1', { maxCount: 5, owner: 'ops' });
    await store.retain('reactions-1', { maxAgeSeconds: hour });
    const metadata = async (stream: string) => (await client.getStreamMetadata(stream)).metadata;
    expect(await metadata('reactions-1')).toEqual({ maxCount: 5, owner: 'ops', maxAge: hour });
    // Each notes something else; without the revision some would write over what another has just noted.
    let conflicts = 0;
    const note = async (stream: string, field: string): Promise<void> => {
      const { metadata: known, streamExists } = await noted(stream);
      const expected = streamExists ? { expectedRevision: known.revision } : { expectedRevision: 'no_stream' as const };
      await client.setStreamMetadata(stream, { ...known.fields, [field]: 1 }, expected).catch(() => {
        conflicts++;
        return note(stream, field);
      });
    };
    const noted = async (stream: string) => {
      const { metadata: fields = {}, metastreamRevision: revision } = await client.getStreamMetadata(stream);
      return { streamExists: revision !== undefined, metadata: { fields, revision: revision ?? 0n } };
    };
    for (let n = 0; n < 15; n++) {
      const stream = `reactions-${n + 2}`;
      await Promise.all([note(stream, 'one'), store.retain(stream, { maxAgeSeconds: hour }), note(stream, 'two')]);
      expect(await metadata(stream)).toEqual({ one: 1, two: 1, maxAge: hour });
    }
    expect(conflicts).toBeGreaterThan(0);
  });

  it('is what the embedded log noted, to its clients', async () => {
    await served.log.retain('reactions-1', { maxAgeSeconds: hour });
    await served.log.retain('reactions-1', { maxAgeSeconds: hour });
    const metadata = async () =>
      (await collect(client.readStream('$$reactions-1'))).map(({ event }) => [event?.revision, event?.data]);
    expect(await metadata()).toEqual([[0n, { $maxAge: hour }]]);
    await client.setStreamMetadata('reactions-1', { maxCount: 5, maxAge: hour });
    await served.log.retain('reactions-1', { maxAgeSeconds: 2 * hour });
    expect(await metadata()).toEqual([[2n, { $maxCount: 5, $maxAge: 2 * hour }]]);
  });
});

describe('clients of a log that was scavenged', () => {
  it('find what is left, at the revisions it always had, and the whole of all other streams', async () => {
    const [before, old, young, last] = [ago(2, 2), ago(2, 600), ago(0, 3), ago(0, 1)];
    await served.log.append('room-1', 'no_stream', before);
    await store.retain('reactions-1', { maxAgeSeconds: hour });
    await store.append('reactions-1', 'any', old);
    await store.append('reactions-1', 'any', young);
    expect(await served.log.scavenge()).toBe(600);
    const left = [...before, ...young];
    expect(idsRead(await collect(client.readAll()))).toEqual(idsOf(left));
    expect(idsRead(await collect(client.readAll({ direction: 'backwards', fromPosition: 'end' })))).toEqual(
      idsOf(left).toReversed(),
    );
    expect(idsRead(await collect(client.readStream('reactions-1')))).toEqual(idsOf(young));
    expect(revisionsOf(await collect(store.readStream('reactions-1')))).toEqual([600n, 601n, 602n]);
    const backwards = { direction: 'backwards', limit: 2 } as const;
    expect(revisionsOf(await collect(store.readStream('reactions-1', backwards)))).toEqual([602n, 601n]);
    const heard: (string | undefined)[] = [];
    for await (const { event } of client.subscribeToAll({ fromPosition: 'start' })) {
      heard.push(event?.id);
      if (heard.length === left.length) await store.append('reactions-1', 'any', last);
      if (heard.length === left.length + 1) break;
    }
    expect(heard).toEqual(idsOf([...left, ...last]));
  });
});
