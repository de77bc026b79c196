import { readFile } from 'node:fs/promises';
import { InvalidArgumentError, type Command } from 'commander';
import { readConfig } from '../../config/config.js';
import { defaultWorld } from '../../identity/tokens.js';
import { progressBar } from '../bar.js';
import { Failure, listing, plural } from '../failure.js';
import { ImportRefused, runImport, type ImportResult } from '../import/run-import.js';
import { parseSchedule, ScheduleInvalid, type Schedule } from '../import/schedule.js';
import { SocketClient } from '../socket-client.js';
import { signToken, toWorld } from './token.js';

interface Options {
  readonly url?: string;
  readonly world: string;
  readonly token?: string;
}

/** `convoke import`: a frab or pretalx schedule into a running server. */
export function addImport(program: Command): void {
  program
    .command('import')
    .argument('<schedule.json>', 'a schedule as frab and pretalx export it')
    .description('make the rooms of a conference schedule in a running server; again to bring changes over')
    .option('--url <url>', 'the server; default: from HOST and PORT', toUrl)
    .option('--world <world>', 'tenant', toWorld, defaultWorld)
    .option('--token <token>', 'whose rights to use; default: one for user "import" with trait admin, signed here')
    .action(importFile);
}

async function importFile(file: string, { url = ownUrl(), world, token }: Options): Promise<void> {
  const schedule = await readSchedule(file);
  const signed = token ?? (await signToken({ user: 'import', trait: ['admin'], world, ttl: '1h' }));
  const bar = progressBar('Importing');
  const result = await runImport(schedule, {
    connect: () => SocketClient.connect({ url, world, token: signed }),
    onProgress: (done, total) => {
      if (total > 0) bar.show(done, total);
    },
    onRetry: (reason) => void process.stderr.write(`convoke: ${reason}; trying again\n`),
  })
    .catch((error: unknown) => {
      throw error instanceof ImportRefused ? new Failure(listing(`${error.message}:`, error.problems)) : error;
    })
    .finally(() => bar.stop());
  process.stderr.write(result.warnings.map((warning) => `convoke: ${warning}\n`).join(''));
  process.stdout.write(summary(schedule, result));
}

/** @throws Failure listing what is wrong with the file */
export async function readSchedule(file: string | URL): Promise<Schedule> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Failure(`${String(file)} cannot be read: ${error.code ?? error.message}`);
  });
  try {
    return parseSchedule(text);
  } catch (error) {
    if (!(error instanceof ScheduleInvalid)) throw error;
    const headline = `${String(file)} is not a schedule that can be imported, nothing was sent:`;
    throw new Failure(listing(headline, error.problems));
  }
}

function summary({ conference, rooms }: Schedule, result: ImportResult): string {
  const { created, changed, unchanged, left, deleted } = result;
  const sessions = rooms.reduce((sum, room) => sum + room.sessions.length, 0);
  const lines = [`${conference.title}: ${plural(rooms.length, 'room')}, ${plural(sessions, 'session')}`];
  lines.push(`created ${created.length}, changed ${changed.length}, unchanged ${unchanged.length}`);
  if (created.length + changed.length === 0) lines.push('nothing had to be changed');
  if (left.length > 0) lines.push(`no longer in the schedule, left as they are: ${left.join(', ')}`);
  if (deleted.length > 0) lines.push(`deleted since an earlier import, not made again: ${deleted.join(', ')}`);
  return lines.map((line) => `${line}\n`).join('');
}

function ownUrl(): string {
  const { host, port } = readConfig(process.env);
  // A server that listens on every address is reached on this machine's own.
  const name = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

function toUrl(value: string): string {
  if (URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)) return value;
  throw new InvalidArgumentError('A server is an http:// or https:// URL.');
}
