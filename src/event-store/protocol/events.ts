import { v5 as uuidV5, validate as isUuid } from 'uuid';
import type { JsonObject, Metadata, NewEvent, RecordedEvent } from '../../eventsourcing/events.js';
import { shared, streamIdentifier, streams } from './definitions.js';
import { InvalidArgument, MissingProperty } from './errors.js';

/** Namespace of the ids made for events whose own id is no UUID: UUIDv5(this, id). */
const ID_NAMESPACE = '0d5f2c1b-6a0e-5d83-9c57-0f4f6f6d2a11';
const NIL = '00000000-0000-0000-0000-000000000000';
/** .NET ticks: 100 ns. */
const TICKS_PER_MILLISECOND = 10_000n;

/**
 * What the log notes in the metadata of an event that came without our fields, and takes out when it is read: when it
 * came (nothing else tells its age), and whether it had no metadata at all.
 */
const RECEIVED = '$received';
interface Received {
  readonly at: string;
  readonly bare?: true;
}
const NO_METADATA = Buffer.from('{}');
type StoredMetadata = Metadata & { readonly [RECEIVED]?: Received };

/** An event as a client proposes it, in Append and BatchAppend alike. */
export interface ProposedEvent {
  getId(): shared.UUID | undefined;
  getMetadataMap(): { get(key: string): string | undefined };
  getData_asU8(): Uint8Array;
  getCustomMetadata_asU8(): Uint8Array;
}

/** Bytes an event adds to an append, as EventStoreDB counts them. */
export function sizeOf(event: ProposedEvent): number {
  const type = event.getMetadataMap().get('type') ?? '';
  return Buffer.byteLength(type) + event.getData_asU8().length + event.getCustomMetadata_asU8().length;
}

/**
 * An event the log can hold: a UUID, a type, and JSON objects as data and metadata (or none).
 * @throws InvalidArgument, MissingProperty
 */
export function toNewEvent(proposed: ProposedEvent): NewEvent {
  const type = proposed.getMetadataMap().get('type');
  if (type === undefined || type === '') throw new MissingProperty('type');
  const contentType = proposed.getMetadataMap().get('content-type');
  if (contentType === undefined) throw new MissingProperty('content-type');
  const id = readUuid(proposed.getId());
  if (contentType !== 'application/json') {
    throw new InvalidArgument(`event ${id} (${type}) is ${contentType}: the log holds application/json only`);
  }
  const event = `event ${id} (${type})`;
  const data: JsonObject = parseObject(`the data of ${event}`, proposed.getData_asU8());
  return { id, type, data, metadata: toMetadata(event, proposed.getCustomMetadata_asU8()) };
}

function toMetadata(event: string, bytes: Uint8Array): Metadata {
  const at = new Date().toISOString();
  const bare = bytes.length === 0;
  const metadata: StoredMetadata = parseObject(`the metadata of ${event}`, bare ? NO_METADATA : bytes);
  if (metadata[RECEIVED] !== undefined) {
    throw new InvalidArgument(`the metadata of ${event} holds ${RECEIVED}, a name of the log's own`);
  }
  if (isTime(metadata.at)) return metadata;
  const received: Received = bare ? { at, bare } : { at };
  return Object.assign(metadata, { [RECEIVED]: received });
}

const isTime = (at: unknown): at is string => typeof at === 'string' && !Number.isNaN(Date.parse(at));

/** The JSON object in the bytes; T says what it is taken for. @throws InvalidArgument when there is none. */
function parseObject<T extends object>(what: string, bytes: Uint8Array): T {
  let value: T;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new InvalidArgument(`${what} is not JSON`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new InvalidArgument(`${what} is not a JSON object`);
}

/** @throws InvalidArgument */
function readUuid(uuid: shared.UUID | undefined): string {
  const structured = uuid?.getStructured();
  const id = structured === undefined ? (uuid?.getString() ?? '').toLowerCase() : fromBits(structured);
  if (!isUuid(id) || id === NIL) throw new InvalidArgument(`an id must be a UUID, this one is '${id}'`);
  return id;
}

function fromBits(bits: shared.UUID.Structured): string {
  const halves = [bits.getMostSignificantBits(), bits.getLeastSignificantBits()];
  const hex = halves.map((half) => BigInt.asUintN(64, BigInt(half)).toString(16).padStart(16, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

function toUuid(id: string, structured: boolean): shared.UUID {
  const uuid = isUuid(id) ? id.toLowerCase() : uuidV5(id, ID_NAMESPACE);
  if (!structured) return new shared.UUID().setString(uuid);
  const hex = uuid.replaceAll('-', '');
  const bits = (start: number): string => String(BigInt.asIntN(64, BigInt(`0x${hex.slice(start, start + 16)}`)));
  return new shared.UUID().setStructured(
    new shared.UUID.Structured().setMostSignificantBits(bits(0)).setLeastSignificantBits(bits(16)),
  );
}

/** When an event happened or came, in milliseconds; 0 when nobody said. */
export function createdAt(event: RecordedEvent): number {
  const { [RECEIVED]: received, at }: StoredMetadata = event.metadata;
  return Date.parse(received?.at ?? at) || 0;
}

/** A place in the log as the protocol counts: one more than ours, so that 0 is before the first event. */
export const toWirePosition = (position: bigint): string => String(position + 1n);
export const fromWirePosition = (position: string): bigint => BigInt(position) - 1n;

/** How a client wants events. */
export interface EventForm {
  /** UUIDs as two integers instead of text. */
  readonly structuredIds: boolean;
}

/** An event as read. */
export function toReadEvent(event: RecordedEvent, { structuredIds }: EventForm): streams.ReadResp {
  const { [RECEIVED]: received, ...metadata }: StoredMetadata = event.metadata;
  const position = toWirePosition(event.position);
  const recorded = new streams.ReadResp.ReadEvent.RecordedEvent()
    .setId(toUuid(event.id, structuredIds))
    .setStreamIdentifier(streamIdentifier(event.stream))
    .setStreamRevision(String(event.revision))
    .setPreparePosition(position)
    .setCommitPosition(position)
    .setData(Buffer.from(JSON.stringify(event.data)))
    .setCustomMetadata(Buffer.from(received?.bare ? '' : JSON.stringify(metadata)));
  recorded.getMetadataMap().set('type', event.type);
  recorded.getMetadataMap().set('content-type', 'application/json');
  recorded.getMetadataMap().set('created', String(BigInt(createdAt(event)) * TICKS_PER_MILLISECOND));
  const readEvent = new streams.ReadResp.ReadEvent().setEvent(recorded).setCommitPosition(position);
  return new streams.ReadResp().setEvent(readEvent);
}
