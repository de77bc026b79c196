import { crc32 } from 'node:zlib';
import { open } from 'lmdb';
import type { RootDatabase } from 'lmdb';
import { failure } from '../errors.js';

/** Where changes go: rows are put and removed, then `committed` says when all of it is on disk. */
export interface Storage {
  put(collection: number, seq: number, bytes: Uint8Array): void;
  remove(collection: number, seq: number): void;
}

export interface StoredRow {
  readonly collection: number;
  readonly seq: number;
  /** BSON. */
  readonly bytes: Uint8Array;
}

/** A stored row is not what was written. */
export class DamagedRow extends Error {
  override readonly name = 'DamagedRow';
}

/** Collection number of the catalog, which is one row. */
export const catalogCollection = 0;

function keyOf(collection: number, seq: number): Buffer {
  const key = Buffer.allocUnsafe(10);
  key.writeUInt32BE(collection);
  key.writeUIntBE(seq, 4, 6);
  return key;
}

/** A checksum over key and document, then the document. */
function withChecksum(key: Buffer, bytes: Uint8Array): Buffer {
  const value = Buffer.allocUnsafe(4 + bytes.length);
  value.set(bytes, 4);
  value.writeUInt32BE(crc32(bytes, crc32(key)));
  return value;
}

/**
 * The documents on disk, in LMDB. Writes are gathered while a commit is under way and go out together in the next one
 * (group commit), in order: what was committed before is never lost when something later is there.
 */
export class LmdbStorage implements Storage {
  private pending = new Map<string, { key: Buffer; bytes: Uint8Array | undefined }>();
  private current: Promise<void> | undefined;
  private next: Promise<void> | undefined;
  private failed: Error | undefined;

  private constructor(private readonly root: RootDatabase<Buffer, Buffer>) {}

  static open(dir: string): LmdbStorage {
    return new LmdbStorage(
      open<Buffer, Buffer>(dir, {
        encoding: 'binary',
        keyEncoding: 'binary',
        compression: false,
        // A commit resolves only when it is flushed; with overlapping sync it could still be lost by a power cut.
        overlappingSync: false,
        // A commit is one explicit batch; waiting for the end of the event turn would only add latency.
        eventTurnBatching: false,
      }),
    );
  }

  /** All rows in natural order, the catalog first. @throws DamagedRow */
  *rows(): Generator<StoredRow> {
    for (const { key, value } of this.root.getRange({})) {
      const bytes = Uint8Array.from(value.subarray(4));
      if (key.length !== 10 || value.readUInt32BE() !== crc32(bytes, crc32(key))) {
        throw new DamagedRow(`the row ${key.toString('hex')} does not match its checksum`);
      }
      yield { collection: key.readUInt32BE(), seq: key.readUIntBE(4, 6), bytes };
    }
  }

  put(collection: number, seq: number, bytes: Uint8Array): void {
    this.pending.set(`${collection}/${seq}`, { key: keyOf(collection, seq), bytes });
  }

  remove(collection: number, seq: number): void {
    this.pending.set(`${collection}/${seq}`, { key: keyOf(collection, seq), bytes: undefined });
  }

  /**
   * Resolves when everything put and removed so far is on disk.
   * @throws MongoFailure when it could not be written: the store then refuses everything, as memory is ahead of the disk
   */
  async committed(): Promise<void> {
    this.assertWorking();
    if (this.pending.size > 0) {
      // Without a pause for the commit under way there would be one flush per command.
      this.next ??= (this.current ?? Promise.resolve()).then(() => this.commit());
      await this.next;
    } else {
      await this.current;
    }
    this.assertWorking();
  }

  assertWorking(): void {
    if (this.failed) throw failure(91, `the read store cannot write: ${this.failed.message}`);
  }

  private commit(): Promise<void> {
    const writes = this.pending;
    this.pending = new Map();
    this.next = undefined;
    this.current = this.write(writes);
    return this.current;
  }

  private async write(writes: Map<string, { key: Buffer; bytes: Uint8Array | undefined }>): Promise<void> {
    if (this.failed) return;
    try {
      await this.root.batch(() => {
        for (const { key, bytes } of writes.values()) {
          void (bytes === undefined ? this.root.remove(key) : this.root.put(key, withChecksum(key, bytes)));
        }
      });
    } catch (error) {
      this.failed = error instanceof Error ? error : new Error(String(error));
    }
  }

  async close(): Promise<void> {
    if (!this.failed) await this.committed();
    await this.root.close();
  }
}
