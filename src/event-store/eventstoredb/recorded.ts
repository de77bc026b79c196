import { Buffer } from 'node:buffer';
import type { AllStreamResolvedEvent, ResolvedEvent } from '@eventstore/db-client';
import type { JsonObject, Metadata, RecordedEvent } from '../../eventsourcing/events.js';
import { StoreUnavailable } from '../event-store.js';

/**
 * The port's event for what the client read; undefined for a link whose event is gone.
 *
 * Anyone may have written it. Data that is no JSON comes as text (bytes in base64), metadata that is no object in one, so
 * that whoever looks at a field before reading finds nothing. Such an event keeps its place in the log, and
 * `EventRegistry.read` refuses it: the types of `data` and `metadata` hold for what the registry let pass.
 * @throws StoreUnavailable for a server that does not tell positions (before 22.6)
 */
export function recorded({ event, commitPosition }: ResolvedEvent | AllStreamResolvedEvent): RecordedEvent | undefined {
  if (event === undefined) return undefined;
  const { id, type, revision } = event;
  const position = event.position?.commit ?? commitPosition;
  if (position === undefined) throw new StoreUnavailable('EventStoreDB tells no positions: it must be 22.6 or newer');
  const data = asJson(event.data) as JsonObject;
  const metadata = asObject(asJson(event.metadata)) as Metadata;
  return { id, type, data, metadata, stream: event.streamId, revision, position };
}

const asJson = (value: unknown): unknown =>
  value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;

function asObject(value: unknown): object {
  if (value === undefined) return {};
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : { foreign: value };
}

/** EventStoreDB's own events: statistics, metadata, links of its projections. They are in `$all` and nobody's business here. */
export const isSystemEvent = ({ stream, type }: Pick<RecordedEvent, 'stream' | 'type'>): boolean =>
  stream.startsWith('$') || type.startsWith('$');
