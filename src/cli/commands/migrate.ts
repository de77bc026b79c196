import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { esdbUrl, toEsdbUrl } from '../../config/esdb-url.js';
import { openEmbeddedEventStore, type EmbeddedEventStore } from '../../event-store/embedded/embedded-event-store.js';
import { openEventStoreDb } from '../../event-store/eventstoredb/eventstoredb-event-store.js';
import { migrate, type MigrateOptions } from '../../event-store/migrate.js';
import { progressBar } from '../bar.js';
import { dataDirOf, dataDirOption } from '../data-dir.js';
import { Failure, listing, plural } from '../failure.js';

interface Arguments {
  readonly to: string;
  readonly dataDir?: string;
}

/** `convoke migrate`: the embedded log of a stopped server into EventStoreDB. */
export function addMigrate(program: Command): void {
  program
    .command('migrate')
    .description('copy the event log of a stopped server to EventStoreDB; run it again after an interruption')
    .requiredOption('--to <url>', 'esdb://… of an empty server, or of one an earlier run was copying to')
    .addOption(dataDirOption())
    .action(run);
}

async function run({ to, ...folder }: Arguments): Promise<void> {
  if (toEsdbUrl(to) === undefined) throw new Failure(`--to must be ${esdbUrl}`, 2);
  const dir = join(dataDirOf(folder), 'log');
  if (!existsSync(dir)) throw new Failure(`there is no event log in ${dir}`);
  // Opened for writing, so that no server can: what it added behind our back would be missing.
  const source = await openEmbeddedEventStore({ dir });
  try {
    const target = await openEventStoreDb({ url: to });
    const bars = { copying: progressBar('Copying'), verifying: progressBar('Verifying') };
    try {
      const { copied, events, digest, leftBehind } = await migrate(source, target, {
        staysBehind: staysBehind(source),
        onProgress: (phase, position, head) => bars[phase].show(Number(position) + 1, Number(head) + 1),
      });
      process.stdout.write(
        `${plural(copied, 'event')} copied, ${plural(events, 'event')} in both logs, with the same hash ${digest}\n`,
      );
      if (leftBehind.size > 0) {
        const lines = [...leftBehind].map(([stream, reason]) => `${stream}: ${reason}`);
        process.stdout.write(`${listing(`${plural(leftBehind.size, 'stream')} left behind:`, lines)}\n`);
      }
      process.stdout.write(
        'Start the servers with EVENTSTORE_URL now. The embedded log was not changed; keep it as a backup.\n',
      );
    } finally {
      bars.copying.stop();
      bars.verifying.stop();
      await target.close();
    }
  } finally {
    await source.close();
  }
}

function staysBehind({ streams }: EmbeddedEventStore): MigrateOptions['staysBehind'] {
  return ({ stream, metadata: { hash } }) => {
    const { metadata, deletedTo, tombstone } = streams.get(stream);
    if (tombstone === true || deletedTo !== undefined) return 'deleted';
    if (metadata && ('$maxCount' in metadata.data || '$maxAge' in metadata.data)) return 'kept for a while only';
    return hash === undefined ? 'write-only, without a hash chain' : undefined;
  };
}
