import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Characters of lines that are put together before they are written. */
const chunkCharacters = 65_536;

export const ndjson = 'application/x-ndjson';

/** Whether the caller asked for lines by its Accept header. */
export const acceptsNdjson = ({ headers }: FastifyRequest): boolean =>
  headers.accept?.split(',').some((one) => one.split(';', 1)[0]?.trim() === ndjson) === true;

/**
 * One JSON value a line, written no faster than the reader takes them; empty lists only keep the stream going. When
 * `batches` throws, the connection is cut: the answer is then not complete, and the reader can tell. Return it from the
 * route's handler.
 */
export function linesOf(reply: FastifyReply, batches: AsyncIterable<readonly object[]>): Readable {
  void reply.type(`${ndjson}; charset=utf-8`).header('cache-control', 'no-store');
  return Readable.from(chunksOf(batches), { objectMode: false });
}

/** Lines of JSON in pieces of a bounded size. */
export async function* chunksOf(batches: AsyncIterable<readonly object[]>): AsyncGenerator<string, void> {
  for await (const batch of batches) {
    let lines = '';
    for (const value of batch) {
      lines += `${JSON.stringify(value)}\n`;
      if (lines.length < chunkCharacters) continue;
      yield lines;
      lines = '';
    }
    if (lines !== '') yield lines;
  }
}

/** Aborts when the one who asked has hung up. */
export function hangUp(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return gone.signal;
}
