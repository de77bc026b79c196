import { createReadStream } from 'node:fs';
import { types } from 'node:util';
import { readAuditEvent } from '../../audit/audit-event.js';
import { DamagedLine } from '../../audit/verify-chain.js';
import type { RecordedEvent } from '../../eventsourcing/events.js';
import { Failure } from '../failure.js';

/** An event has at most 2 MiB as it is stored; its CloudEvent is hardly larger. */
const maxLineBytes = 8 * 1024 * 1024;
const newline = 0x0a;

/** The events of an exported file. @throws DamagedLine for the first line that is not as it was exported, Failure */
export async function* exportedEvents(file: string): AsyncGenerator<RecordedEvent, void> {
  let number = 0;
  let log: string | undefined;
  for await (const line of linesOf(file)) {
    number += 1;
    const read = readAuditEvent(line);
    if (typeof read === 'string') throw new DamagedLine(number, read, idIn(line));
    log ??= read.epoch;
    if (read.epoch !== log) throw new DamagedLine(number, 'it is of another log than the lines before', read.event.id);
    yield read.event;
  }
}

/** Lines as they are, without decoding them. A last line without its end is damaged too. */
async function* linesOf(file: string): AsyncGenerator<Buffer, void> {
  let rest: Buffer = Buffer.alloc(0);
  let number = 0;
  for await (const chunk of chunksOf(file)) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(newline); end >= 0; end = rest.indexOf(newline)) {
      number += 1;
      yield rest.subarray(0, end);
      rest = rest.subarray(end + 1);
    }
    if (rest.length > maxLineBytes) throw new DamagedLine(number + 1, 'it is too long for an event');
  }
  if (rest.length > 0) throw new DamagedLine(number + 1, 'it does not end with a line break', idIn(rest));
}

async function* chunksOf(file: string): AsyncGenerator<Buffer, void> {
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 1_048_576 })) yield chunk as Buffer;
  } catch (error) {
    if (!types.isNativeError(error) || !('code' in error)) throw error;
    throw new Failure(`${file} cannot be read: ${String(error.code)}`, 2);
  }
}

/** The id a damaged line still shows, where it does. */
const idIn = (line: Buffer): string | undefined => /"id":"([^"\\]{1,100})"/.exec(line.toString('utf8', 0, 400))?.[1];
