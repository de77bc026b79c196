import { mkdtemp, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { playDemo } from '../demo/demo.js';
import { Show } from '../demo/show.js';
import { Stage } from '../demo/stage.js';
import { Failure, listing, plural } from '../failure.js';
import type { Schedule } from '../import/schedule.js';
import { readSchedule } from './import.js';

const bundled = new URL('../../../../examples/schedule.json', import.meta.url);

/** `convoke demo`: everything in one minute, on a server and a folder of its own. */
export function addDemo(program: Command): void {
  program
    .command('demo')
    .argument('[schedule.json]', 'a schedule as frab and pretalx export it; default: a small invented one')
    .description('show a server at work: import, live sockets, a crash, the recovery')
    .action(async (file?: string) => runDemo(await readSchedule(file ?? bundled)));
}

/** Leaves neither a process nor a folder behind, also when it fails or is interrupted. */
async function runDemo(schedule: Schedule): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'convoke-demo-'));
  const stop = new AbortController();
  const stage = new Stage(dataDir, stop.signal);
  const cleanUp = async (): Promise<void> => {
    stop.abort();
    await stage.ended();
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
  };
  const interrupted = (signal: NodeJS.Signals): void => {
    process.stderr.write(`convoke: stopped by ${signal}\n`);
    void cleanUp().finally(() => process.exit(128 + constants.signals[signal]));
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  // Nobody reads on, as after `| head`.
  process.stdout.once('error', () => void cleanUp().finally(() => process.exit(1)));
  try {
    const failures = await playDemo(new Show(process.stdout), stage, schedule);
    if (failures.length > 0) {
      throw new Failure(listing(`${plural(failures.length, 'expectation')} did not hold:`, failures));
    }
  } catch (error) {
    // An interruption has been told already, and ends the process.
    if (!stop.signal.aborted) throw error;
    await new Promise(() => undefined);
  } finally {
    if (!stop.signal.aborted) await cleanUp();
  }
}
