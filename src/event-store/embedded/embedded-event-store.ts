import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { StoreUnavailable } from '../event-store.js';
import { checkBeforeOpening, checkOpened } from './check.js';
import { LogDatabase } from './database.js';
import { EmbeddedEventStore } from './store.js';
import { dataFileStat, readState, syncDirectory, writeState } from './log-state.js';
import { WriterLock } from '../../lmdb/writer-lock.js';

export { EmbeddedEventStore } from './store.js';

/** How often the position reached is noted beside the log while it grows, in milliseconds. */
const NOTE_INTERVAL = 5_000;
/** How often the space of events whose time is over is given back, in milliseconds. */
const SCAVENGE_INTERVAL = 10 * 60_000;

export interface EmbeddedEventStoreOptions {
  /** Directory of the log, e.g. `<DATA_DIR>/log`; made when missing, unless `readOnly`. */
  readonly dir: string;
  /** Reads beside a writing process (or none); appends are refused. Default false. */
  readonly readOnly?: boolean;
}

/**
 * Opens the log, for writing by one process at a time or for reading by any number.
 * @throws StoreUnavailable when the log is damaged, shorter or another than it was, of an unknown format, or (for a
 * writer) open for writing already, or (for a reader) missing.
 */
export async function openEmbeddedEventStore(options: EmbeddedEventStoreOptions): Promise<EmbeddedEventStore> {
  const { dir, readOnly = false } = options;
  return readOnly ? openForReading(dir) : openForWriting(dir);
}

async function openForReading(dir: string): Promise<EmbeddedEventStore> {
  const known = await readState(dir);
  if (known === undefined) throw new StoreUnavailable(`there is no event log in ${dir}`);
  const file = await dataFileStat(dir);
  if (file === undefined || file.bytes < known.bytes) {
    throw new StoreUnavailable(
      `the event log in ${dir} is shorter than it was; a writing process refuses it with details`,
    );
  }
  const database = LogDatabase.open(dir, { readOnly: true });
  try {
    checkOpened(dir, known, database);
  } catch (error) {
    await database.close();
    throw error;
  }
  return new EmbeddedEventStore(database, known.epoch, { readOnly: true, onClosed: async () => {} });
}

async function openForWriting(dir: string): Promise<EmbeddedEventStore> {
  await mkdir(dir, { recursive: true });
  const lock = await WriterLock.acquire(dir, 'event log');
  let database: LogDatabase | undefined;
  try {
    const known = await readState(dir);
    await checkBeforeOpening(dir, known);
    database = LogDatabase.open(dir, { readOnly: false });
    if (known !== undefined) checkOpened(dir, known, database);
    // A file without its state may come from anywhere: positions known of an earlier log must not be taken for its own.
    const epoch = known?.epoch ?? randomUUID();
    if (known === undefined) {
      await database.writeEpoch(epoch);
      await syncDirectory(dirname(resolve(dir)));
    }
    const notes = new Notes(dir, epoch);
    await notes.write(database.head());
    const store = new EmbeddedEventStore(database, epoch, {
      readOnly: false,
      onClosed: async (head) => {
        clearInterval(scavenger);
        try {
          await notes.stop(head);
        } finally {
          await lock.release();
        }
      },
    });
    notes.start(() => store.head());
    // What could not be done now (disk full, closing) is done the next time.
    const scavenger = setInterval(() => void store.scavenge().catch(() => undefined), SCAVENGE_INTERVAL).unref();
    return store;
  } catch (error) {
    await database?.close();
    await lock.release();
    throw error;
  }
}

/** Keeps `log.json` up to date; one write at a time. */
class Notes {
  private timer: NodeJS.Timeout | undefined;
  private noted = -1n;
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly dir: string,
    private readonly epoch: string,
  ) {}

  start(head: () => Promise<bigint>): void {
    this.timer = setInterval(() => {
      // A note that cannot be written now (disk full) is written next time: the old one stays true.
      this.writing = this.noteGrowth(head).catch(() => {});
    }, NOTE_INTERVAL);
    this.timer.unref();
  }

  async write(head: bigint, closed = false): Promise<void> {
    const file = await dataFileStat(this.dir);
    if (file === undefined) throw new StoreUnavailable(`the data file of the event log in ${this.dir} has disappeared`);
    const closedAt = closed ? { closedAt: file.modifiedAt } : {};
    await writeState(this.dir, { epoch: this.epoch, head, bytes: file.bytes, ...closedAt });
    this.noted = head;
  }

  /** Marks the log as cleanly closed at `head`. */
  async stop(head: bigint): Promise<void> {
    clearInterval(this.timer);
    await this.writing;
    await this.write(head, true);
  }

  private async noteGrowth(head: () => Promise<bigint>): Promise<void> {
    const reached = await head();
    if (reached > this.noted) await this.write(reached);
  }
}
