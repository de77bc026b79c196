import { MongoBulkWriteError } from 'mongodb';
import type { AnyBulkWriteOperation, Collection } from 'mongodb';
import { buildId } from './collections.js';
import type { Build, Collections, ParkedDocument } from './collections.js';
import type { Lease } from './lease.js';
import type { Parked } from './parked-streams.js';
import type { ReadModel } from './read-model.js';
import type { Sink } from './sink.js';
import { encodePosition, fromStored, toStored } from './stored-row.js';
import type { RowVersion, StoredRow } from './stored-row.js';

const DUPLICATE_KEY = 11000;
const IDS_PER_QUERY = 10_000;

/** Keeps one build in MongoDB, as long as the lease is held. */
export class MongoSink implements Sink {
  readonly #rows: Collection<StoredRow>;
  readonly #id: string;

  constructor(
    private readonly collections: Collections,
    private readonly model: ReadModel,
    build: Build,
    private readonly lease: Lease,
  ) {
    this.#id = buildId(model.name, build);
    this.#rows = collections.rows(this.#id);
  }

  /** Makes the collection's indexes, and answers the streams parked so far. */
  async open(): Promise<Parked[]> {
    const { indexes } = this.model;
    if (indexes.length > 0) await this.#rows.createIndexes(indexes.map((key) => ({ key: { ...key } })));
    const documents = await this.collections.parked.find({ build: this.#id }).toArray();
    return documents.map(fromDocument);
  }

  async loadRows(keys: readonly string[]): Promise<ReadonlyMap<string, RowVersion>> {
    const found = new Map<string, RowVersion>();
    for (let start = 0; start < keys.length; start += IDS_PER_QUERY) {
      const ids = keys.slice(start, start + IDS_PER_QUERY);
      for (const stored of await this.#rows.find({ _id: { $in: ids } }).toArray()) {
        const { _id: key } = stored;
        found.set(key, fromStored(stored));
      }
    }
    return found;
  }

  async writeRows(rows: ReadonlyMap<string, RowVersion>): Promise<void> {
    this.lease.assertHeld();
    const writes: AnyBulkWriteOperation<StoredRow>[] = [];
    for (const [key, { row, position }] of rows) {
      if (!row) continue;
      const { _id, ...replacement } = toStored(key, row, position);
      const older = { _id, position: { $lt: replacement.position } };
      writes.push({ replaceOne: { filter: older, replacement, upsert: true } });
    }
    if (writes.length === 0) return;
    try {
      await this.#rows.bulkWrite(writes, { ordered: false });
    } catch (error) {
      // The filter found no older row and the upsert ran into the row that is as new.
      if (!isOnlyDuplicateKeys(error)) throw error;
    }
  }

  async overwriteRows(rows: ReadonlyMap<string, RowVersion>): Promise<void> {
    this.lease.assertHeld();
    const writes: AnyBulkWriteOperation<StoredRow>[] = [];
    for (const [key, { row, position }] of rows) {
      if (!row) {
        writes.push({ deleteOne: { filter: { _id: key } } });
        continue;
      }
      const { _id, ...replacement } = toStored(key, row, position);
      writes.push({ replaceOne: { filter: { _id }, replacement, upsert: true } });
    }
    if (writes.length > 0) await this.#rows.bulkWrite(writes, { ordered: false });
  }

  async saveParked(parked: readonly Parked[]): Promise<void> {
    this.lease.assertHeld();
    if (parked.length === 0) return;
    const writes = parked.map((one) => {
      const { _id, ...replacement } = this.#toDocument(one);
      return { replaceOne: { filter: { _id }, replacement, upsert: true } };
    });
    await this.collections.parked.bulkWrite(writes, { ordered: false });
  }

  async unpark(stream: string): Promise<void> {
    this.lease.assertHeld();
    await this.collections.parked.deleteOne({ _id: this.#parkedId(stream) });
  }

  saveCheckpoint(position: bigint): Promise<void> {
    return this.lease.saveCheckpoint(position);
  }

  #parkedId(stream: string): string {
    return `${this.#id}:${stream}`;
  }

  #toDocument(parked: Parked): ParkedDocument {
    return {
      ...parked,
      _id: this.#parkedId(parked.stream),
      model: this.model.name,
      build: this.#id,
      position: encodePosition(parked.position),
      revision: encodePosition(parked.revision),
      heldUpTo: encodePosition(parked.heldUpTo),
    };
  }
}

export function fromDocument(document: ParkedDocument): Parked {
  const { stream, eventType, error, heldBack } = document;
  return {
    stream,
    eventType,
    error,
    heldBack,
    position: BigInt(document.position),
    revision: BigInt(document.revision),
    heldUpTo: BigInt(document.heldUpTo),
  };
}

function isOnlyDuplicateKeys(error: unknown): boolean {
  if (!(error instanceof MongoBulkWriteError) || error.result.getWriteConcernError()) return false;
  const failures = [error.writeErrors].flat();
  return failures.length > 0 && failures.every(({ code }) => code === DUPLICATE_KEY);
}
