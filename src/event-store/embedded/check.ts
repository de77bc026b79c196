import { runCheck } from '../../lmdb/check.js';
import { StoreUnavailable } from '../event-store.js';
import { dataFile } from './database.js';
import type { LogDatabase } from './database.js';
import { dataFileStat } from './log-state.js';
import type { LogState } from './log-state.js';

/**
 * Walks every page of the databases (not the records: their checksums are looked at when they are read). Run in a
 * process of its own, because reading a structurally damaged LMDB file can end the process by a signal.
 * Arguments: path of the lmdb package, dir.
 */
const WALK = `
const [, lmdb, path] = process.argv;
const binary = { encoding: 'binary', keyEncoding: 'binary' };
const root = require(lmdb).open(path, { ...binary, readOnly: true });
const fail = (problem) => { process.stdout.write(problem); process.exit(1); };
const [log, streams] = ['log', 'streams'].map((name) => root.openDB({ ...binary, name }));
if (!log || !streams) process.exit(0);
const metas = root.openDB({ ...binary, name: 'stream-metas' });
if (metas && metas.getKeysCount() !== metas.getStats().entryCount) fail('what it keeps of streams does not add up');
const counts = [log, streams].map((db) => [db.getKeysCount(), db.getStats().entryCount]);
const [events] = counts[0];
if (counts.some((pair) => pair.some((count) => count !== events))) fail('its entries do not add up: ' + JSON.stringify(counts));
for (const key of log.getKeys({ reverse: true, limit: 1 })) {
  if (key.readBigUInt64BE() !== BigInt(events - 1)) fail('positions are missing before ' + key.readBigUInt64BE());
}
process.exit(0);
`;

/** What is wrong with the structure of the log in `dir`, undefined when nothing is. Never crashes the caller. */
export const structuralProblem = (dir: string): Promise<string | undefined> => runCheck(WALK, dir);

/** How to go on with a file that is in order, only not the one `log.json` tells of. */
const ACCEPT = ' To go on with what is there, as a log with a new epoch, delete log.json beside it.';

function refuse(dir: string, problem: string, accept = ACCEPT): StoreUnavailable {
  return new StoreUnavailable(
    `refusing to open the event log: ${dataFile(dir)} ${problem}. Restore it from a backup, or look at it with ` +
      `"convoke log verify".${accept}`,
  );
}

/**
 * Checks a log that is about to be opened against what is known of it. Whoever closed the log cleanly and finds the file
 * untouched pays next to nothing; in all other cases the structure is walked first. @throws StoreUnavailable
 */
export async function checkBeforeOpening(dir: string, known: LogState | undefined): Promise<void> {
  const file = await dataFileStat(dir);
  if (file === undefined || file.bytes === 0) {
    if (known === undefined) return;
    throw refuse(dir, `is ${file === undefined ? 'missing' : 'empty'}, it held ${knownEvents(known)}`);
  }
  if (known !== undefined && file.bytes < known.bytes) {
    throw refuse(dir, `has ${file.bytes} bytes, it had ${known.bytes}: its end is missing`, '');
  }
  if (known?.closedAt === file.modifiedAt && known.bytes === file.bytes) return;
  const problem = await structuralProblem(dir);
  if (problem !== undefined) throw refuse(dir, `is damaged: ${problem}`, '');
}

/** Checks the log just opened against what is known of it. @throws StoreUnavailable */
export function checkOpened(dir: string, known: LogState, database: LogDatabase): void {
  const epoch = database.readEpoch();
  if (epoch !== known.epoch) throw refuse(dir, `is another log (epoch ${epoch}), log.json knows epoch ${known.epoch}`);
  const head = database.head();
  if (head < known.head) throw refuse(dir, `ends at position ${head}, it held ${knownEvents(known)}`);
}

function knownEvents({ head }: LogState): string {
  return head < 0n ? 'an empty log' : `events up to position ${head} at least`;
}
