import { crc32 } from 'node:zlib';
import type { Metadata, NewEvent, RecordedEvent, JsonObject } from '../../eventsourcing/events.js';
import { CorruptEvent, EventTooLarge } from '../event-store.js';

/**
 * A record as stored in the log:
 *
 *   0  checksum       uint32  CRC-32 of everything after it
 *   4  position       uint64
 *  12  revision       uint64
 *  20  stream length  uint16
 *  22  type length    uint16
 *  24  stream, type (UTF-8), then {"id","data","metadata"} as JSON
 *
 * Integers are big-endian. Position, stream and type stand before the JSON so that a filter can drop an event unparsed.
 */
const HEADER = 24;

/** An event's record may have so many bytes: 1 MiB of data always fits, whatever its metadata. */
export const MAX_EVENT_BYTES = 2 * 1024 * 1024;
/** LMDB keys hold 1,978 bytes; real stream names are far shorter. */
export const MAX_STREAM_BYTES = 1024;
const MAX_TYPE_BYTES = 1024;

/**
 * Type of a record that stands in for an event whose time was over: position, stream and revision, without JSON. Readers pass
 * over it; a record that is missing stays damage.
 */
const SCAVENGED = '$scavenged';

/** UTF-8 bytes of a name. @throws RangeError when it is empty, too long, or would not come back as it went in. */
function nameBytes(what: string, name: string, max: number): number {
  const bytes = Buffer.byteLength(name);
  if (bytes === 0 || bytes > max) throw new RangeError(`${what} must have 1 to ${max} bytes, this one has ${bytes}`);
  if (/[\ud800-\udfff]/.test(name) && Buffer.from(name).toString() !== name) {
    throw new RangeError(`${what} holds half a surrogate pair`);
  }
  return bytes;
}

/** @throws RangeError */
export function checkStreamName(stream: string): void {
  nameBytes('a stream name', stream, MAX_STREAM_BYTES);
}

/** An event serialised once, waiting for its place in the log. */
export interface PreparedEvent {
  readonly id: string;
  readonly type: string;
  readonly json: string;
  /** Bytes of the whole record. */
  readonly size: number;
}

/** @throws EventTooLarge, RangeError (a bad type name) */
export function prepareEvent(stream: string, event: NewEvent): PreparedEvent {
  const json = JSON.stringify({ id: event.id, data: event.data, metadata: event.metadata });
  const typeBytes = nameBytes('an event type', event.type, MAX_TYPE_BYTES);
  if (event.type === SCAVENGED) throw new RangeError(`${SCAVENGED} is a name of the log's own`);
  const size = HEADER + Buffer.byteLength(stream) + typeBytes + Buffer.byteLength(json);
  if (size > MAX_EVENT_BYTES) {
    throw new EventTooLarge(`event ${event.type} has ${size} bytes, the limit is ${MAX_EVENT_BYTES}`);
  }
  return { id: event.id, type: event.type, json, size };
}

/** An event with its place in the log. */
export interface PlacedEvent {
  readonly stream: string;
  readonly revision: bigint;
  readonly position: bigint;
  readonly event: PreparedEvent;
}

/** A record with the keys it is stored under. */
export interface EncodedRecord {
  readonly bytes: Buffer;
  /** Key in the log, and value in the stream index. */
  readonly key: Buffer;
  readonly indexKey: Buffer;
}

/** The records of a commit, in one piece of memory. */
export function encodeRecords(events: readonly PlacedEvent[]): EncodedRecord[] {
  let size = 0;
  for (const { event } of events) size += event.size;
  const memory = Buffer.allocUnsafeSlow(size);
  let end = 0;
  return events.map((placed) => {
    const start = end;
    end += placed.event.size;
    writeRecord(memory, start, end, placed);
    const indexKey = streamKey(placed.stream, placed.revision);
    return { bytes: memory.subarray(start, end), key: memory.subarray(start + 4, start + 12), indexKey };
  });
}

function writeRecord(
  target: Buffer,
  start: number,
  end: number,
  { stream, event, position, revision }: PlacedEvent,
): void {
  target.writeBigUInt64BE(position, start + 4);
  target.writeBigUInt64BE(revision, start + 12);
  const streamBytes = target.write(stream, start + HEADER);
  const typeBytes = target.write(event.type, start + HEADER + streamBytes);
  target.writeUInt16BE(streamBytes, start + 20);
  target.writeUInt16BE(typeBytes, start + 22);
  target.write(event.json, start + HEADER + streamBytes + typeBytes);
  target.writeUInt32BE(crc32(target.subarray(start + 4, end)), start);
}

/** A record whose checksum held; its JSON is still unparsed. */
export interface CheckedRecord {
  readonly position: bigint;
  readonly revision: bigint;
  readonly stream: string;
  readonly type: string;
  readonly json: string;
}

/** Reads the record found at `position`. @throws CorruptEvent */
export function readRecord(position: bigint, bytes: Buffer): CheckedRecord {
  if (bytes.length < HEADER) throw new CorruptEvent(position, `its record has only ${bytes.length} bytes`);
  if (crc32(bytes.subarray(4)) !== bytes.readUInt32BE(0)) throw new CorruptEvent(position, 'its checksum differs');
  const own = bytes.readBigUInt64BE(4);
  if (own !== position) throw new CorruptEvent(position, `the record stored there belongs at position ${own}`);
  const typeAt = HEADER + bytes.readUInt16BE(20);
  const jsonAt = typeAt + bytes.readUInt16BE(22);
  return {
    position,
    revision: bytes.readBigUInt64BE(12),
    stream: bytes.toString('utf8', HEADER, typeAt),
    type: bytes.toString('utf8', typeAt, jsonAt),
    json: bytes.toString('utf8', jsonAt, bytes.length),
  };
}

export const isScavenged = ({ type }: CheckedRecord): boolean => type === SCAVENGED;

/** What is left of an event, for its place in the log. */
export function scavenged({ stream, revision, position }: CheckedRecord): PlacedEvent {
  const size = HEADER + Buffer.byteLength(stream) + Buffer.byteLength(SCAVENGED);
  return { stream, revision, position, event: { id: '', type: SCAVENGED, json: '', size } };
}

/** Not for what `isScavenged`. The checksum vouches that the JSON is what `prepareEvent` made. */
export function parseRecord(record: CheckedRecord): RecordedEvent {
  const { id, data, metadata }: { id: string; data: JsonObject; metadata: Metadata } = JSON.parse(record.json);
  const { stream, type, revision, position } = record;
  return { id, type, data, metadata, stream, revision, position };
}

/** Keys of the log: the position, 8 bytes big-endian, so that LMDB's order is the log's order. */
export function positionKey(position: bigint): Buffer {
  const key = Buffer.allocUnsafe(8);
  key.writeBigUInt64BE(position);
  return key;
}

/**
 * Keys of the stream index: the name's length (uint16), the name, the revision (uint64).
 * The length in front keeps all entries of a stream together, whatever bytes names hold.
 */
export function streamKey(stream: string, revision: bigint): Buffer {
  const nameLength = Buffer.byteLength(stream);
  const key = Buffer.allocUnsafe(nameLength + 10);
  key.writeUInt16BE(nameLength);
  key.write(stream, 2);
  key.writeBigUInt64BE(revision, nameLength + 2);
  return key;
}

/** Takes a stream index key apart again. */
export function readStreamKey(key: Buffer): { stream: string; revision: bigint } {
  const revisionAt = key.length - 8;
  return { stream: key.toString('utf8', 2, revisionAt), revision: key.readBigUInt64BE(revisionAt) };
}
