import type { Parked } from '../../projections/engine/parked-streams.js';
import type { Sink } from '../../projections/engine/sink.js';
import { BEFORE_ALL } from '../../projections/engine/stored-row.js';
import type { RowVersion } from '../../projections/engine/stored-row.js';

export class Crash extends Error {
  override readonly name = 'Crash';
}

/** What outlives a crash. */
export class Disk {
  readonly rows = new Map<string, RowVersion>();
  readonly parked = new Map<string, Parked>();
  checkpoint = BEFORE_ALL;

  get boxes(): Map<string, object> {
    return new Map([...this.rows].flatMap(([key, { row }]) => (row ? [[key, row] as const] : [])));
  }
}

export interface Trouble {
  /** Writes that succeed before one fails. */
  readonly after: number;
  /** The process is gone: everything after the failure fails too. */
  readonly isFatal: boolean;
}

/** Writes one thing per step, as a database does in the worst case, and fails after the given number of steps. */
export function crashingSink(disk: Disk, loadTurns: number, trouble?: Trouble): Sink {
  let left = trouble?.after ?? Infinity;
  const step = async (write: () => void) => {
    await Promise.resolve();
    const fails = left === 0 || (left < 0 && trouble?.isFatal === true);
    left -= 1;
    if (fails) throw new Crash();
    write();
  };
  return {
    async loadRows(keys) {
      for (let turn = 0; turn < loadTurns; turn += 1) await Promise.resolve();
      return new Map([...disk.rows].filter(([key]) => keys.includes(key)));
    },
    async writeRows(rows) {
      for (const [key, version] of rows) {
        await step(() => {
          if (version.position > (disk.rows.get(key)?.position ?? BEFORE_ALL)) disk.rows.set(key, version);
        });
      }
    },
    async overwriteRows(rows) {
      for (const [key, version] of rows) {
        await step(() => (version.row ? disk.rows.set(key, version) : disk.rows.delete(key)));
      }
    },
    async saveParked(parked) {
      for (const one of parked) await step(() => disk.parked.set(one.stream, one));
    },
    unpark: (stream) => step(() => disk.parked.delete(stream)),
    saveCheckpoint: (position) => step(() => (disk.checkpoint = position)),
  };
}

/** Lets a number of calls through to a real sink, then fails every one. */
export function crashAfter(sink: Sink, writes: number): Sink {
  let left = writes;
  const step = <Result>(write: () => Promise<Result>): Promise<Result> => {
    left -= 1;
    return left < 0 ? Promise.reject(new Crash()) : write();
  };
  return {
    loadRows: (keys) => sink.loadRows(keys),
    async writeRows(rows) {
      for (const row of rows) await step(() => sink.writeRows(new Map([row])));
    },
    overwriteRows: (rows) => step(() => sink.overwriteRows(rows)),
    saveParked: (parked) => step(() => sink.saveParked(parked)),
    unpark: (stream) => step(() => sink.unpark(stream)),
    saveCheckpoint: (position) => step(() => sink.saveCheckpoint(position)),
  };
}
