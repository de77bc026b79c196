import { Long } from 'bson';
import { encode } from '../bson/values.js';
import type { Doc } from '../bson/values.js';

/** Keeps a reply under the 16 MiB limit of a document, its envelope included. */
const maxBatchBytes = 16 * 1024 * 1024;

/** Documents of one batch, encoded one by one so that the batch can stop at the size limit. */
export interface Batch {
  readonly documents: readonly Uint8Array[];
  readonly size: number;
}

/** Takes documents until `limit` or the size limit, at least one. */
export function takeBatch(
  source: Iterator<Doc>,
  limit: number,
  waiting: Uint8Array | undefined,
): Batch & { next: Uint8Array | undefined } {
  const documents: Uint8Array[] = [];
  let size = 0;
  let bytes = waiting;
  while (documents.length < limit) {
    if (bytes === undefined) {
      const { value, done } = source.next();
      if (done === true) break;
      bytes = encode(value);
    }
    if (documents.length > 0 && size + bytes.length + 16 > maxBatchBytes) return { documents, size, next: bytes };
    documents.push(bytes);
    size += bytes.length;
    bytes = undefined;
  }
  if (bytes === undefined) {
    const { value, done } = source.next();
    bytes = done === true ? undefined : encode(value);
  }
  return { documents, size, next: bytes };
}

/** The BSON of `{ cursor: { <name>: [documents], id, ns }, ok: 1 }`, with the documents copied in as they are. */
export function cursorReply(
  name: 'firstBatch' | 'nextBatch',
  documents: readonly Uint8Array[],
  id: bigint,
  namespace: string,
): Uint8Array {
  const array: Uint8Array[] = [];
  for (const [i, document] of documents.entries()) array.push(Buffer.from(`\x03${i}\0`, 'latin1'), document);
  // An encoded document ends in a zero byte and begins with its length: both are taken off and put around the whole.
  const tail = encode({ id: Long.fromBigInt(id), ns: namespace });
  const cursor = wrap([Buffer.from(`\x04${name}\0`, 'latin1'), wrap(array), tail.subarray(4, -1)]);
  return wrap([Buffer.from('\x03cursor\0', 'latin1'), cursor, encode({ ok: 1 }).subarray(4, -1)]);
}

function wrap(parts: readonly Uint8Array[]): Buffer {
  const size = parts.reduce((sum, part) => sum + part.length, 5);
  const length = Buffer.alloc(4);
  length.writeInt32LE(size);
  return Buffer.concat([length, ...parts, Buffer.alloc(1)], size);
}
