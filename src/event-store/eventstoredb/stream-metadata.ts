import { randomUUID } from 'node:crypto';
import type { RecordedEvent } from '../../eventsourcing/events.js';
import { WrongExpectedRevision, type Retention } from '../event-store.js';
import type { BatchAppends } from './batch-append.js';
import type { Connection } from './connection.js';
import type { PreparedEvent } from './prepare.js';
import { readStream } from './reading.js';

/** Changes of others that a change of ours may meet one after the other. */
const attempts = 10;

/** Metadata of a stream, as it is appended to the stream named `$$` and its name. */
export const metadataEvent = (data: object): PreparedEvent => ({
  id: randomUUID(),
  type: '$metadata',
  data: Buffer.from(JSON.stringify(data)),
  metadata: new Uint8Array(),
});

/** The event that last set the stream's metadata; undefined when none did. @throws StoreUnavailable */
export async function metadataOf(
  connection: Connection,
  stream: string,
  budgetMs?: number,
): Promise<RecordedEvent | undefined> {
  const last = { direction: 'backwards', limit: 1 } as const;
  for await (const event of readStream(connection, `$$${stream}`, last, budgetMs)) return event;
  return undefined;
}

/** Adds how long events are kept to what the stream's metadata says, whoever else changes it. @throws StoreUnavailable */
export async function retain(
  connection: Connection,
  appends: BatchAppends,
  stream: string,
  { maxAgeSeconds }: Retention,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    // oxlint-disable-next-line no-await-in-loop -- each attempt follows what the one before met
    const known = await metadataOf(connection, stream);
    if (known?.data['$maxAge'] === maxAgeSeconds) return;
    const events = [metadataEvent({ ...known?.data, $maxAge: maxAgeSeconds })];
    const append = { stream: `$$${stream}`, expected: known?.revision ?? ('no_stream' as const), events };
    try {
      // oxlint-disable-next-line no-await-in-loop
      await connection.call((link, timeoutMs) => appends.send(link, append, timeoutMs));
      return;
    } catch (error) {
      // Another process was first, or this one by an attempt whose answer was lost.
      if (!(error instanceof WrongExpectedRevision) || attempt === attempts) throw error;
    }
  }
}
