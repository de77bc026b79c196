import { join } from 'node:path';
import { types } from 'node:util';
import { open } from 'lmdb';
import type { Database, RootDatabase } from 'lmdb';
import { CorruptEvent, StoreUnavailable } from '../event-store.js';
import { text } from './errors.js';
import { isScavenged, positionKey, readRecord, streamKey } from './record.js';
import type { CheckedRecord, EncodedRecord } from './record.js';

const MAX_REVISION = 0xffff_ffff_ffff_ffffn;
const IDENTITY_KEY = Buffer.from('identity');
/** Version of the record layout and keys; a file of another version is refused. */
const FORMAT = 1;

/** The file LMDB keeps the log in. */
export const dataFile = (dir: string): string => join(dir, 'data.mdb');

/**
 * The LMDB environment: the log (position → record), the stream index (stream, revision → position), and what is kept of
 * streams beside their events. Reading is synchronous.
 */
export class LogDatabase {
  private constructor(
    private readonly root: RootDatabase<Buffer, Buffer>,
    private readonly log: Database<Buffer, Buffer>,
    private readonly streams: Database<Buffer, Buffer>,
    /** Missing where only readers have opened a log of an earlier version. */
    private readonly streamMetas: Database<Buffer, Buffer> | undefined,
  ) {}

  /** @throws StoreUnavailable when there is no log to read (`readOnly`) or the file cannot be opened. */
  static open(dir: string, options: { readOnly: boolean }): LogDatabase {
    const binary = { encoding: 'binary', keyEncoding: 'binary' } as const;
    try {
      const root = open<Buffer, Buffer>(dir, {
        ...binary,
        readOnly: options.readOnly,
        // With overlapping sync, readers may see events that a power cut then takes back.
        overlappingSync: false,
        compression: false,
        // A commit is one explicit batch; waiting for the end of the event turn would only add latency.
        ...(options.readOnly ? {} : { eventTurnBatching: false }),
      });
      const names = ['log', 'streams', 'stream-metas'];
      const [log, streams, streamMetas] = names.map((name) => root.openDB<Buffer, Buffer>({ ...binary, name }));
      if (log === undefined || streams === undefined) throw new Error('it holds no event log');
      return new LogDatabase(root, log, streams, streamMetas);
    } catch (error) {
      throw new StoreUnavailable(`cannot open ${dataFile(dir)}: ${text(error)}`, { cause: error });
    }
  }

  /** The epoch stored with the events; undefined in a new file. @throws StoreUnavailable for an unknown format. */
  readEpoch(): string | undefined {
    const stored = this.root.get(IDENTITY_KEY);
    if (stored === undefined) return undefined;
    const { format, epoch }: { format: number; epoch: string } = JSON.parse(stored.toString());
    if (format !== FORMAT) throw new StoreUnavailable(`the log has format ${format}, this version reads ${FORMAT}`);
    return epoch;
  }

  async writeEpoch(epoch: string): Promise<void> {
    await this.root.put(IDENTITY_KEY, Buffer.from(JSON.stringify({ format: FORMAT, epoch })));
  }

  /** Lets the next read see what other processes have written since. */
  refresh(): void {
    this.root.resetReadTxn();
  }

  /** Position of the last event, -1n for none. */
  head(): bigint {
    for (const key of this.log.getKeys({ reverse: true, limit: 1 })) return key.readBigUInt64BE();
    return -1n;
  }

  /** Revision of the stream's last event, -1n for an unknown stream. */
  streamHead(stream: string): bigint {
    const range = { start: streamKey(stream, MAX_REVISION), end: streamKey(stream, 0n), inclusiveEnd: true };
    for (const key of this.streams.getKeys({ ...range, reverse: true, limit: 1 })) {
      return key.readBigUInt64BE(key.length - 8);
    }
    return -1n;
  }

  /** The checked record at `position`. @throws CorruptEvent when it is missing or damaged. */
  record(position: bigint): CheckedRecord {
    const bytes = this.log.get(positionKey(position));
    if (bytes === undefined) throw new CorruptEvent(position, 'it is missing');
    return readRecord(position, bytes);
  }

  /** Raw records from `start` on towards `end` (inclusive), in that direction; break out early to stop. */
  *records(start: bigint, end: bigint): Generator<{ position: bigint; bytes: Buffer }> {
    const range = { start: positionKey(start), end: positionKey(end), inclusiveEnd: true, reverse: start > end };
    for (const { key, value } of this.log.getRange(range)) yield { position: key.readBigUInt64BE(), bytes: value };
  }

  /** Index entries of one stream from revision `start` on towards `end` (inclusive), in that direction. */
  revisions(stream: string, start: bigint, end: bigint): { revision: bigint; position: bigint }[] {
    const range = { start: streamKey(stream, start), end: streamKey(stream, end), reverse: start > end };
    const entries = this.streams.getRange({ ...range, inclusiveEnd: true });
    return [...entries].map(({ key, value }) => ({
      revision: key.readBigUInt64BE(key.length - 8),
      position: value.readBigUInt64BE(),
    }));
  }

  /** Raw stream index entries after `key` (exclusive; from the first without), in key order. */
  indexEntries(after: Buffer | undefined, limit: number): { key: Buffer; value: Buffer }[] {
    const start = after === undefined ? {} : { start: after, exclusiveStart: true };
    return [...this.streams.getRange({ ...start, limit })];
  }

  /** Where the index says an event is; undefined when it has no entry. */
  positionOf(stream: string, revision: bigint): bigint | undefined {
    return this.streams.get(streamKey(stream, revision))?.readBigUInt64BE();
  }

  /** Revision of the first event of a stream that was not scavenged: those that were are always its first. @throws CorruptEvent */
  firstKept(stream: string): bigint {
    let [low, high] = [0n, this.streamHead(stream) + 1n];
    // Mostly nothing was: then one look at the first event tells.
    for (let middle = low; low < high; middle = (low + high) / 2n) {
      const position = this.positionOf(stream, middle);
      if (position !== undefined && isScavenged(this.record(position))) low = middle + 1n;
      else high = middle;
    }
    return low;
  }

  /** Names of streams of which something is kept beside their events, after `name` (exclusive; from the first without). */
  streamsWithMeta(after: string | undefined, limit: number): string[] {
    const start = after === undefined ? {} : { start: Buffer.from(after), exclusiveStart: true };
    return [...(this.streamMetas?.getKeys({ ...start, limit }) ?? [])].map((key) => key.toString());
  }

  /** What is kept of a stream beside its events. */
  streamMeta(stream: string): Buffer | undefined {
    return this.streamMetas?.get(Buffer.from(stream));
  }

  /** Resolves when it is flushed to disk. */
  putStreamMeta(stream: string, bytes: Buffer): Promise<void> {
    return this.write(() => void this.streamMetas?.put(Buffer.from(stream), bytes));
  }

  /** Stores all records in one transaction; resolves when they are flushed to disk. Rejects when none of them is. */
  commit(records: readonly EncodedRecord[]): Promise<void> {
    return this.write(() => {
      for (const { bytes, key, indexKey } of records) {
        void this.log.put(key, bytes);
        void this.streams.put(indexKey, key);
      }
    });
  }

  /**
   * Puts other records in the place of those at the same positions, in one transaction; resolves when it is flushed to disk.
   * They are taken out first: LMDB joins pages from which records go, but not those whose records get smaller.
   */
  replace(records: readonly EncodedRecord[]): Promise<void> {
    return this.write(() => {
      for (const { key } of records) void this.log.remove(key);
      for (const { key, bytes } of records) void this.log.put(key, bytes);
    });
  }

  private async write(puts: () => void): Promise<void> {
    try {
      await this.root.batch(puts);
    } catch (error) {
      throw new StoreUnavailable(`the commit failed: ${text(await causeOf(error))}`, { cause: error });
    }
  }

  async close(): Promise<void> {
    await this.root.close();
  }
}

/** lmdb rejects a failed commit with a wrapper whose `commitError` is a promise that rejects with the real error. */
async function causeOf(failure: unknown): Promise<unknown> {
  if (!types.isNativeError(failure) || !('commitError' in failure)) return failure;
  try {
    await failure.commitError;
    return failure;
  } catch (cause) {
    return cause;
  }
}
