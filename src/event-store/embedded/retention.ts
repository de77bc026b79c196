import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RecordedEvent } from '../../eventsourcing/events.js';
import { CorruptEvent } from '../event-store.js';
import type { Retention } from '../event-store.js';
import type { LogDatabase } from './database.js';
import { encodeRecords, parseRecord, scavenged } from './record.js';
import type { CheckedRecord } from './record.js';
import type { StreamMetas } from './stream-meta.js';

/** Events looked at in one turn of the event loop, and replaced in one transaction. */
const STEP = 256;
/** Streams whose names are read at once. */
const NAMES = 100;

/** Notes in the stream's metadata, where clients of EventStoreDB find it too, how long its events are kept. */
export async function retain(
  metas: StreamMetas,
  stream: string,
  { maxAgeSeconds }: Retention,
  head: bigint,
): Promise<void> {
  const meta = metas.get(stream);
  if (meta.metadata?.data['$maxAge'] === maxAgeSeconds) return;
  const id = randomUUID();
  const metadata: RecordedEvent = {
    id,
    type: '$metadata',
    data: { ...meta.metadata?.data, $maxAge: maxAgeSeconds },
    metadata: {
      commandId: id,
      action: 'retain',
      correlationId: id,
      causationId: id,
      actorId: 'convoke',
      world: '',
      schema: 1,
      at: new Date().toISOString(),
    },
    stream: `$$${stream}`,
    revision: (meta.metadata?.revision ?? -1n) + 1n,
    position: head,
  };
  await metas.set(stream, { ...meta, metadata });
}

/**
 * Gives back the space of events that are older than their stream keeps them (`$maxAge`), a few at a time. What is left of
 * each is a record that says where it was. Always the first events of a stream go, up to one that stays; one that is part
 * of a hash chain, or does not say when it happened, stays.
 * @returns how many there were
 * @throws StoreUnavailable; then what was replaced before stays replaced
 */
export async function scavenge(database: () => LogDatabase, metas: StreamMetas, now: number): Promise<number> {
  let count = 0;
  let after: string | undefined;
  for (;;) {
    const names = database().streamsWithMeta(after, NAMES);
    for (const stream of names) {
      const maxAge = metas.get(stream).metadata?.data['$maxAge'];
      // oxlint-disable-next-line no-await-in-loop -- others get their turn
      if (typeof maxAge === 'number' && maxAge > 0)
        count += await scavengeStream(database, stream, now - maxAge * 1_000);
    }
    after = names.at(-1);
    if (after === undefined) return count;
    // oxlint-disable-next-line no-await-in-loop
    await nextTurn();
  }
}

/** `oldest` in epoch milliseconds. */
async function scavengeStream(database: () => LogDatabase, stream: string, oldest: number): Promise<number> {
  let count = 0;
  for (;;) {
    const db = database();
    const over = expired(db, stream, oldest);
    if (over.length === 0) return count;
    // oxlint-disable-next-line no-await-in-loop -- one transaction after the other
    await db.replace(encodeRecords(over.map(scavenged)));
    count += over.length;
    // oxlint-disable-next-line no-await-in-loop
    await nextTurn();
  }
}

/** The first events of a stream whose time is over, as far as one step goes. */
function expired(db: LogDatabase, stream: string, oldest: number): CheckedRecord[] {
  const over: CheckedRecord[] = [];
  try {
    const first = db.firstKept(stream);
    if (first > db.streamHead(stream)) return over;
    for (const { position } of db.revisions(stream, first, first + BigInt(STEP - 1))) {
      const record = db.record(position);
      const { metadata } = parseRecord(record);
      if (metadata.hash !== undefined || !(Date.parse(metadata.at) < oldest)) break;
      over.push(record);
    }
  } catch (error) {
    // Damage stays where it is, to be found by whoever looks for it.
    if (!(error instanceof CorruptEvent)) throw error;
    return [];
  }
  return over;
}
