import { failure } from './errors.js';
import type { Doc } from './bson/values.js';
import { cursorReply, takeBatch } from './wire/cursor-reply.js';

const defaultFirstBatch = 101;
/** MongoDB's default; a forgotten cursor only holds references to documents. */
const idleLimitMs = 10 * 60_000;

interface Cursor {
  readonly namespace: string;
  readonly source: Iterator<Doc>;
  waiting: Uint8Array;
  usedAt: number;
}

/** Open cursors. What a cursor will return was decided when it was opened. */
export class Cursors {
  private readonly open = new Map<bigint, Cursor>();
  private lastId = 1000n;

  get count(): number {
    return this.open.size;
  }

  /** Answers a query with its first batch, and keeps a cursor when there is more. */
  first(namespace: string, documents: Iterable<Doc>, batchSize: number | undefined, single: boolean): Uint8Array {
    this.forgetIdle();
    const source = documents[Symbol.iterator]();
    const batch = takeBatch(source, batchSize ?? defaultFirstBatch, undefined);
    let id = 0n;
    if (batch.next !== undefined && !single) {
      id = ++this.lastId;
      this.open.set(id, { namespace, source, waiting: batch.next, usedAt: Date.now() });
    } else {
      source.return?.();
    }
    return cursorReply('firstBatch', batch.documents, id, namespace);
  }

  /** @throws CursorNotFound */
  more(id: bigint, namespace: string, batchSize: number | undefined): Uint8Array {
    const cursor = this.open.get(id);
    if (!cursor) throw failure(43, `cursor id ${id} not found`);
    if (cursor.namespace !== namespace) {
      throw failure(
        13,
        `Requested getMore on namespace '${namespace}', but cursor belongs to a different namespace ${cursor.namespace}`,
      );
    }
    const batch = takeBatch(cursor.source, batchSize ?? Number.POSITIVE_INFINITY, cursor.waiting);
    if (batch.next === undefined) {
      this.open.delete(id);
      return cursorReply('nextBatch', batch.documents, 0n, namespace);
    }
    cursor.waiting = batch.next;
    cursor.usedAt = Date.now();
    return cursorReply('nextBatch', batch.documents, id, namespace);
  }

  /** Returns whether there was such a cursor. */
  kill(id: bigint): boolean {
    this.open.get(id)?.source.return?.();
    return this.open.delete(id);
  }

  /** A dropped collection takes its cursors with it. */
  killIn(namespace: string): void {
    for (const [id, cursor] of this.open) if (cursor.namespace === namespace) this.kill(id);
  }

  private forgetIdle(): void {
    const limit = Date.now() - idleLimitMs;
    for (const [id, cursor] of this.open) if (cursor.usedAt < limit) this.kill(id);
  }
}
