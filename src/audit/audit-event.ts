import { hash as sha256 } from 'node:crypto';
import { toCloudEvent, type CloudEvent } from '../event-store/cloud-event.js';
import { parsePosition } from '../event-store/position.js';
import { canonicalJson } from '../eventsourcing/canonical.js';
import type { JsonObject, RecordedEvent } from '../eventsourcing/events.js';
import { isObject } from '../eventsourcing/validation.js';

/** A CloudEvent with all that its hash was made of, so that an auditor can compute the chain anew. */
export interface AuditEvent extends CloudEvent {
  readonly commandid: string;
  readonly action: string;
  readonly world: string;
  readonly schema: number;
  /** Absent on write-only streams. */
  readonly hash?: string;
  /** Absent on a stream's first event and on write-only streams. */
  readonly prevhash?: string;
  /** SHA-256 (hex) over the other members as RFC 8785 canonical JSON: place and stream are not under `hash`. */
  readonly digest: string;
}

export function toAuditEvent(event: RecordedEvent, epoch: string): AuditEvent {
  const { commandId, action, world, schema, hash, prevHash } = event.metadata;
  const made = {
    ...toCloudEvent(event, epoch),
    commandid: commandId,
    action,
    world,
    schema,
    ...(hash !== undefined && { hash }),
    // CloudEvents has no empty attributes.
    ...(prevHash && { prevhash: prevHash }),
  };
  return { ...made, digest: digestOf(made) };
}

const digestOf = (event: JsonObject): string => sha256('sha256', canonicalJson(event));

/** An event as it was exported, and the log it is of. */
export interface ExportedEvent {
  readonly epoch: string;
  readonly event: RecordedEvent;
}

const texts = ['id', 'type', 'subject', 'time', 'position', 'revision', 'correlationid', 'causationid'] as const;
const moreTexts = ['actorid', 'commandid', 'action', 'world'] as const;

/** The event an exported line holds, or what is wrong with the line. */
export function readAuditEvent(line: Buffer): ExportedEvent | string {
  try {
    return checkedEvent(line);
  } catch {
    return 'it is not JSON';
  }
}

/** @throws Error for a line that is no JSON, or nested deeper than can be read */
function checkedEvent(line: Buffer): ExportedEvent | string {
  const value: unknown = JSON.parse(line.toString());
  if (!isObject(value)) return 'it is not an object';
  const exported = exportedEvent(value);
  if (exported === undefined) return 'it is not an event as convoke exports it';
  // Byte by byte: equal values can be written in several ways, and only one of them was exported.
  const { event, epoch } = exported;
  const same = Buffer.from(JSON.stringify(toAuditEvent(event, epoch))).equals(line);
  return same ? exported : 'it is not as it was exported';
}

function exportedEvent(value: Readonly<Record<string, unknown>>): ExportedEvent | undefined {
  const text = (name: string): string => String(value[name]);
  const { data, schema, hash, prevhash } = value;
  if ([...texts, ...moreTexts].some((name) => typeof value[name] !== 'string')) return undefined;
  if (!isObject(data) || typeof schema !== 'number') return undefined;
  if (![hash, prevhash].every((one) => one === undefined || typeof one === 'string')) return undefined;
  const place = text('position');
  const epoch = place.slice(0, Math.max(0, place.lastIndexOf('.')));
  const position = parsePosition(epoch, place);
  if (typeof position !== 'bigint' || !/^(0|[1-9]\d{0,18})$/.test(text('revision'))) return undefined;
  const metadata = {
    commandId: text('commandid'),
    action: text('action'),
    correlationId: text('correlationid'),
    causationId: text('causationid'),
    actorId: text('actorid'),
    world: text('world'),
    schema,
    at: text('time'),
    ...(hash !== undefined && { prevHash: prevhash === undefined ? '' : text('prevhash'), hash: text('hash') }),
  };
  const event = {
    id: text('id'),
    type: text('type'),
    // Parsed from JSON, so it holds nothing else.
    data: data as JsonObject,
    metadata,
    stream: text('subject'),
    revision: BigInt(text('revision')),
    position,
  };
  return { epoch, event };
}
