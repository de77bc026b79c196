import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JWK } from 'jose';
import { AuditKey } from '../../audit/audit-key.js';
import { HeadsRefused, readHeads, signHeads, type SignedHeads } from '../../audit/heads.js';
import { verifyChain, type ChainProblem, type ChainReport, type VerifyOptions } from '../../audit/verify-chain.js';
import type { EventStore } from '../../event-store/event-store.js';
import type { RecordedEvent } from '../../eventsourcing/events.js';
import { Failure, plural } from '../failure.js';
import { writeOutput } from './output.js';

/** Checks the chains; says what is fine. @throws Failure naming the first event that does not fit */
export async function verifyOrFail(
  events: AsyncIterable<RecordedEvent>,
  options: VerifyOptions,
  signed?: SignedHeads,
): Promise<{ readonly report: ChainReport; readonly summary: string }> {
  const report = await verifyChain(events, { ...options, ...(signed && { known: signed.heads }) });
  if (report.problem) throw new Failure(`${said(report)} before the first problem\n  ${toLine(report.problem)}`);
  const known = signed ? `; all ${plural(signed.heads.length, 'head')} signed at ${signed.at} are there` : '';
  return { report, summary: `${said(report)}, every hash chain is intact${known}\n` };
}

const said = ({ events, streams }: ChainReport): string => `${plural(events, 'event')} in ${plural(streams, 'stream')}`;

function toLine({ line, position, stream, revision, id, reason }: ChainProblem): string {
  const where = [
    line === undefined ? [] : `line ${line}`,
    position === undefined ? [] : `position ${position}`,
    stream === undefined ? [] : `stream ${stream}`,
    revision === undefined ? [] : `revision ${revision}`,
    id === undefined ? [] : `event ${id}`,
  ];
  return `${where.flat().join(', ')}: ${reason}`;
}

/** The key of a data folder that has a log: none is made elsewhere by mistake. @throws Failure */
export async function keyOf(dataDir: string): Promise<AuditKey> {
  if (!existsSync(join(dataDir, 'log'))) throw new Failure(`there is no event log in ${dataDir}`);
  return AuditKey.of(dataDir);
}

/** Heads signed earlier, checked with a public key kept elsewhere, or else with the data folder's. @throws Failure */
export async function signedHeads(file: string, dataDir: string, keyFile: string | undefined): Promise<SignedHeads> {
  const jws = await textOf(file);
  const jwk = keyFile === undefined ? (await keyOf(dataDir)).publicJwk : parsedKey(await textOf(keyFile), keyFile);
  return readHeads(jws, jwk).catch((error: unknown) => {
    throw error instanceof HeadsRefused ? new Failure(`${file}: ${error.message}`) : error;
  });
}

export async function writeHeads(out: string, dataDir: string, store: EventStore, report: ChainReport): Promise<void> {
  const key = await keyOf(dataDir);
  await writeOutput([`${await signHeads(key, report, store.epoch)}\n`], out);
}

function parsedKey(text: string, file: string): JWK {
  try {
    const jwk: unknown = JSON.parse(text);
    if (typeof jwk === 'object' && jwk !== null) return jwk;
  } catch {
    // Said below.
  }
  throw new Failure(`${file} is not a public key as "convoke audit key" prints it`, 2);
}

async function textOf(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Failure(`${file} cannot be read: ${error.code ?? error.message}`, 2);
  });
}
