import { open, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { StoreUnavailable } from '../event-store.js';
import { dataFile } from './database.js';
import { isMissing, text } from './errors.js';

const FILE = 'log.json';

/** What is known about a log without opening it, kept beside it in `log.json`. */
export interface LogState {
  readonly epoch: string;
  /** A position that was on disk when this was written: the log must reach at least so far. */
  readonly head: bigint;
  /** Size of the data file then, in bytes; it never shrinks. */
  readonly bytes: number;
  /** Set by a clean close: the data file's modification time. Absent while the log is open and after a crash. */
  readonly closedAt?: number;
}

/** Size and modification time of the data file, undefined when there is none. */
export async function dataFileStat(dir: string): Promise<{ bytes: number; modifiedAt: number } | undefined> {
  try {
    const { size, mtimeMs } = await stat(dataFile(dir));
    return { bytes: size, modifiedAt: mtimeMs };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** The state kept for a log, undefined when there is none. @throws StoreUnavailable when it is unreadable. */
export async function readState(dir: string): Promise<LogState | undefined> {
  const file = join(dir, FILE);
  try {
    const { head, ...rest }: Omit<LogState, 'head'> & { head: string } = JSON.parse(await readFile(file, 'utf8'));
    return { ...rest, head: BigInt(head) };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new StoreUnavailable(`cannot read ${file}: ${text(error)}`, { cause: error });
  }
}

/** Replaces the state; after a crash either the old or the new one is there. */
export async function writeState(dir: string, state: LogState): Promise<void> {
  const file = join(dir, FILE);
  const temporary = `${file}.new`;
  const handle = await open(temporary, 'w');
  try {
    await handle.writeFile(`${JSON.stringify({ ...state, head: String(state.head) })}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  await syncDirectory(dir);
}

/** Puts the names of the files in a directory on disk. */
export async function syncDirectory(dir: string): Promise<void> {
  const folder = await open(dir, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
