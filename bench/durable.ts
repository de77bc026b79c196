import { open } from 'lmdb';
import type { RootDatabase } from 'lmdb';
import type { EventStore } from '../src/event-store/event-store.js';
import { encodeRecords, positionKey, prepareEvent, streamKey } from '../src/event-store/embedded/record.js';
import { scheduled, StreamWriter } from './events.js';

const streams = 512;

/** Calls `one` with 0, 1, 2 … so that `inFlight` of them are always under way, for so long; answers how many were done. */
export async function keepInFlight(
  inFlight: number,
  ms: number,
  one: (n: number) => Promise<unknown>,
): Promise<number> {
  const end = performance.now() + ms;
  let started = 0;
  const worker = async (): Promise<void> => {
    do await one(started++);
    while (performance.now() < end);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return started;
}

/** One ready event for each of many streams: what it costs to make an event is no part of an append. */
export const ready = Array.from({ length: streams }, (_, n) => {
  const stream = `room-${crypto.randomUUID()}`;
  const events = new StreamWriter(stream).make([scheduled(stream, n)]);
  const [record] = encodeRecords(
    events.map((event) => ({ stream, revision: 0n, position: 0n, event: prepareEvent(stream, event) })),
  );
  if (!record) throw new Error('nothing was encoded');
  return { stream, events, bytes: record.bytes };
});

/** Streams take turns; with fewer in flight than there are streams, no two appends under way share one. */
export class Turns {
  private readonly revisions = ready.map(() => -1n);

  next(n: number) {
    const at = n % streams;
    const one = ready[at];
    const before = this.revisions[at];
    if (!one || before === undefined) throw new Error('there is no such stream');
    this.revisions[at] = before + 1n;
    return { ...one, before };
  }
}

/** Appends of one event through the embedded store, each with the revision it expects. */
export function intoStore(store: EventStore): (n: number) => Promise<unknown> {
  const turns = new Turns();
  return (n) => {
    const { stream, before, events } = turns.next(n);
    return store.append(stream, before < 0n ? 'no_stream' : before, events);
  };
}

/** lmdb as the embedded store opens it: what can be read is on disk. */
export function openBareLmdb(dir: string): RootDatabase<Buffer, Buffer> {
  return open<Buffer, Buffer>(dir, {
    encoding: 'binary',
    keyEncoding: 'binary',
    compression: false,
    overlappingSync: false,
  });
}

/** The same two puts by themselves: the same keys, and records of the same bytes that are ready. */
export function intoLmdb(root: RootDatabase<Buffer, Buffer>): (n: number) => Promise<unknown> {
  const binary = { encoding: 'binary', keyEncoding: 'binary' } as const;
  const log = root.openDB<Buffer, Buffer>({ ...binary, name: 'log' });
  const index = root.openDB<Buffer, Buffer>({ ...binary, name: 'streams' });
  const turns = new Turns();
  return (n) => {
    const { stream, before, bytes } = turns.next(n);
    const key = positionKey(BigInt(n));
    return Promise.all([log.put(key, bytes), index.put(streamKey(stream, before + 1n), key)]);
  };
}
