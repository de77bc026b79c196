import { crc32 } from 'node:zlib';
import type { RecordedEvent } from '../../eventsourcing/events.js';
import { StoreUnavailable } from '../event-store.js';
import type { LogDatabase } from './database.js';
import { checkStreamName } from './record.js';

/** What is kept of a stream beside its events. It depends on revisions only, so it holds whatever the log's epoch is. */
export interface StreamMeta {
  /** The event that last set the stream's metadata; `position` is where the log ended then. */
  readonly metadata?: RecordedEvent;
  /** The stream was deleted when this was its last revision; later events bring it back without the earlier ones. */
  readonly deletedTo?: bigint;
  /** The stream was deleted for good. */
  readonly tombstone?: true;
}

/**
 * Metadata and deletions of streams, outside the log: its readers and subscribers never see them, and they change
 * nothing of what the port answers. For whoever serves the log to others.
 */
export interface StreamMetas {
  /** Revision of the stream's last event on disk, -1n for an unknown stream. @throws StoreUnavailable */
  lastRevision(stream: string): bigint;
  /** Revision of the first event that was not scavenged; beyond the last one when all were. @throws CorruptEvent, StoreUnavailable */
  firstRevision(stream: string): bigint;
  /** @throws StoreUnavailable when it is damaged. */
  get(stream: string): StreamMeta;
  /** Resolves when it is on disk. @throws StoreUnavailable, RangeError (a bad stream name) */
  set(stream: string, meta: StreamMeta): Promise<void>;
}

/** As JSON: revisions and positions are decimal strings. */
interface Written {
  readonly metadata?: Omit<RecordedEvent, 'revision' | 'position'> & { revision: string; position: string };
  readonly deletedTo?: string;
  readonly tombstone?: true;
}

/** Keeps them in a database of their own in the log's file: a checksum (CRC-32, big-endian), then JSON, per stream. */
export class StoredStreamMetas implements StreamMetas {
  constructor(
    private readonly database: () => LogDatabase,
    private readonly readOnly: boolean,
  ) {}

  lastRevision(stream: string): bigint {
    return this.database().streamHead(stream);
  }

  firstRevision(stream: string): bigint {
    return this.database().firstKept(stream);
  }

  get(stream: string): StreamMeta {
    const bytes = this.database().streamMeta(stream);
    if (bytes === undefined) return {};
    if (bytes.length < 4 || crc32(bytes.subarray(4)) !== bytes.readUInt32BE(0)) {
      throw new StoreUnavailable(`what the log keeps of stream ${stream} beside its events is damaged`);
    }
    const { metadata, deletedTo, tombstone }: Written = JSON.parse(bytes.toString('utf8', 4));
    const { revision = '', position = '' } = metadata ?? {};
    return {
      ...(metadata && { metadata: { ...metadata, revision: BigInt(revision), position: BigInt(position) } }),
      ...(deletedTo !== undefined && { deletedTo: BigInt(deletedTo) }),
      ...(tombstone && { tombstone }),
    };
  }

  async set(stream: string, meta: StreamMeta): Promise<void> {
    checkStreamName(stream);
    if (this.readOnly) throw new StoreUnavailable('this event store was opened read-only');
    const json = JSON.stringify(meta, (_key, value) => (typeof value === 'bigint' ? String(value) : value));
    const bytes = Buffer.from(`\0\0\0\0${json}`);
    bytes.writeUInt32BE(crc32(bytes.subarray(4)));
    await this.database().putStreamMeta(stream, bytes);
  }
}
