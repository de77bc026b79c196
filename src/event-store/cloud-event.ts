import type { JsonObject, RecordedEvent } from '../eventsourcing/events.js';
import { formatPosition } from './position.js';

/** An event of the log as CloudEvents 1.0 JSON. Source: wire contract, section 9. */
export interface CloudEvent {
  readonly specversion: '1.0';
  readonly id: string;
  /** `/worlds/<world>`, so that id and source together name the event everywhere. */
  readonly source: string;
  readonly type: string;
  /** The stream. */
  readonly subject: string;
  /** RFC 3339 UTC with milliseconds. */
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly data: JsonObject;
  /** Opaque; where to go on from. */
  readonly position: string;
  /** Zero-based place in the stream, in decimal digits. */
  readonly revision: string;
  readonly correlationid: string;
  readonly causationid: string;
  readonly actorid: string;
}

export function toCloudEvent(event: RecordedEvent, epoch: string): CloudEvent {
  const { world, at, correlationId, causationId, actorId } = event.metadata;
  return {
    specversion: '1.0',
    id: event.id,
    source: `/worlds/${encodeURIComponent(world)}`,
    type: event.type,
    subject: event.stream,
    time: at,
    datacontenttype: 'application/json',
    data: event.data,
    position: formatPosition(epoch, event.position),
    revision: String(event.revision),
    correlationid: correlationId,
    causationid: causationId,
    actorid: actorId,
  };
}
