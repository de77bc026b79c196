import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { verifyLog, type LogProblem, type LogReport } from '../../event-store/embedded/verify-log.js';
import { chainProblem } from '../../eventsourcing/hash-chain.js';
import { progressBar, type Bar } from '../bar.js';
import { dataDirOf, dataDirOption } from '../data-dir.js';
import { Failure, listing, plural } from '../failure.js';

/** `convoke log verify`: reads the whole log, also beside a running server. */
export function addLog(program: Command): void {
  const log = program.command('log').description('look after the event log');
  log
    .command('verify')
    .description('check every event, every stream and every hash chain of the log')
    .addOption(dataDirOption())
    .action(async (folder: { dataDir?: string }) => {
      const bar = progressBar('Verifying');
      const report = await verifyDataDir(dataDirOf(folder), bar).finally(() => bar.stop());
      const { events, streams, head, problems } = report;
      const summary = `${plural(events, 'event')} in ${plural(streams, 'stream')}, head at position ${head}`;
      if (problems.length > 0) {
        throw new Failure(listing(`${summary}; ${plural(problems.length, 'problem')}:`, problems.map(toLine)));
      }
      process.stdout.write(`${summary}; every checksum and every hash chain is intact\n`);
    });
}

/** The log of a data folder, its hash chains included. @throws StoreUnavailable when there is none */
export function verifyDataDir(dataDir: string, bar?: Bar): Promise<LogReport> {
  return verifyLog(join(resolve(dataDir), 'log'), {
    chainOf: (event, previousHash) => chainProblem(previousHash, event),
    ...(bar && { onProgress: (done: number, total: number) => bar.show(done, total) }),
  });
}

function toLine({ position, stream, problem }: LogProblem): string {
  const where = position === undefined ? 'file' : `position ${position}`;
  return `${where}${stream === undefined ? '' : `, stream ${stream}`}: ${problem}`;
}
