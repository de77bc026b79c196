import { toAuditEvent } from '../../audit/audit-event.js';
import { history, type Selection } from '../../audit/history.js';
import { reachedPosition } from '../../audit/parameters.js';
import type { EventStore } from '../../event-store/event-store.js';
import { parsePosition } from '../../event-store/position.js';
import type { RecordedEvent } from '../../eventsourcing/events.js';
import { Refused } from '../../eventsourcing/refused.js';
import { chunksOf } from '../../rest/ndjson.js';
import { Failure } from '../failure.js';

export type ExportFormat = 'cloudevents' | 'raw';

export interface ExportOptions extends Selection {
  readonly format: ExportFormat;
  /** Position as it was given out. */
  readonly after?: string;
  /** Told how far it is, in positions. */
  readonly onProgress: (done: bigint, total: bigint) => void;
}

/** The log as NDJSON, in pieces of a bounded size. @throws Failure for a position of another log */
export async function exportLog(store: EventStore, options: ExportOptions): Promise<AsyncIterable<string>> {
  const { format, after, onProgress, ...selection } = options;
  const start = after === undefined ? undefined : await positionOf(store, after);
  const line = format === 'raw' ? rawEvent : (event: RecordedEvent) => toAuditEvent(event, store.epoch);
  const head = await store.head();
  async function* batches(): AsyncGenerator<readonly object[], void> {
    for await (const { events, position } of history(store, selection, start === undefined ? {} : { after: start })) {
      yield events.map(line);
      onProgress(position, head);
    }
  }
  return chunksOf(batches());
}

/** A position somebody typed. @throws Failure */
export async function positionOf(store: EventStore, text: string): Promise<bigint> {
  const position = parsePosition(store.epoch, text);
  if (position === undefined) throw new Failure('a position is written as it was given out', 2);
  return reachedPosition(store, position).catch((error: unknown) => {
    throw error instanceof Refused
      ? new Failure('the position is of another log or beyond the end of this one', 2)
      : error;
  });
}

/** As it is stored, revision and position in digits. */
const rawEvent = ({ revision, position, ...event }: RecordedEvent): object => ({
  ...event,
  revision: String(revision),
  position: String(position),
});
