import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/**
 * Writes text to standard output, or to a file that has its name only when it is complete. An interruption leaves no file.
 * @throws Error of the source, or of the file system
 */
export async function writeOutput(source: Iterable<string> | AsyncIterable<string>, out?: string): Promise<void> {
  if (out === undefined) return toStandardOutput(source);
  const draft = `${out}.${randomBytes(4).toString('hex')}.part`;
  const stop = new AbortController();
  const interrupted = (signal: NodeJS.Signals): void => stop.abort(new Error(`stopped by ${signal}`));
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    await pipeline(Readable.from(source), createWriteStream(draft, { flush: true }), { signal: stop.signal });
    await rename(draft, out);
  } catch (error) {
    await rm(draft, { force: true });
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
  }
}

async function toStandardOutput(source: Iterable<string> | AsyncIterable<string>): Promise<void> {
  await pipeline(Readable.from(source), process.stdout, { end: false }).catch((error: NodeJS.ErrnoException) => {
    // Nobody reads on, as after `| head`.
    if (error.code !== 'EPIPE') throw error;
  });
}
