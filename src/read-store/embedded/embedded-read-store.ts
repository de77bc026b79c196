import { mkdir, rename } from 'node:fs/promises';
import { findLmdbDamage, markClean, takeCleanMark } from '../../lmdb/check.js';
import { WriterLock } from '../../lmdb/writer-lock.js';
import { expressionFilter, parseLet } from './aggregate/variables.js';
import { WireServer } from './server.js';
import { Store } from './store/store.js';
import { LmdbStorage } from './store/storage.js';

export interface EmbeddedReadStoreOptions {
  /** Folder of the documents; made if missing. One process at a time may use it: a second one is refused. */
  readonly dir: string;
  /** 0 for any free port. */
  readonly port: number;
}

export interface EmbeddedReadStore {
  /** `mongodb://127.0.0.1:<port>` */
  readonly url: string;
  /** Set when what was on disk was damaged: it was moved aside and the store began empty. */
  readonly rebuilt?: { readonly reason: string; readonly movedTo: string };
  close(): Promise<void>;
}

/**
 * Opens the documents in `dir` and serves them over the MongoDB wire protocol on 127.0.0.1.
 * Rejects when the port is taken or the folder cannot be used.
 */
export async function openEmbeddedReadStore({ dir, port }: EmbeddedReadStoreOptions): Promise<EmbeddedReadStore> {
  const { store, rebuilt, lock } = await openLocked(dir);
  const server = new WireServer(store);
  const close = async (): Promise<void> => {
    await server.close();
    await store.storage.close();
    await markClean(dir);
    await lock.release();
  };
  try {
    const url = `mongodb://127.0.0.1:${await server.listen(port)}`;
    let closing: Promise<void> | undefined;
    return { url, ...(rebuilt ? { rebuilt } : {}), close: () => (closing ??= close()) };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openLocked(dir: string) {
  await mkdir(dir, { recursive: true });
  let lock = await WriterLock.acquire(dir, 'read store');
  try {
    const opened = await openStore(dir);
    if (opened.rebuilt) {
      // The lock went aside with the damaged files.
      await lock.release();
      lock = await WriterLock.acquire(dir, 'read store');
    }
    return { ...opened, lock };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function openStore(dir: string): Promise<{ store: Store; rebuilt?: { reason: string; movedTo: string } }> {
  // A file that was closed properly and not touched since needs no check.
  const damage = (await takeCleanMark(dir)) ? undefined : await findLmdbDamage(dir);
  if (damage === undefined) {
    const opened = await tryLoad(dir);
    if (opened instanceof Store) return { store: opened };
    return startEmpty(dir, opened.reason);
  }
  return startEmpty(dir, damage);
}

/** The documents are checked one by one as they are read. */
async function tryLoad(dir: string): Promise<Store | { reason: string }> {
  const storage = LmdbStorage.open(dir);
  try {
    return Store.load(storage, expressionFilter(parseLet(undefined)));
  } catch (error) {
    await storage.close();
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

/** The log can build everything again, so a damaged store is kept for inspection and left behind. */
async function startEmpty(
  dir: string,
  reason: string,
): Promise<{ store: Store; rebuilt: { reason: string; movedTo: string } }> {
  const movedTo = `${dir}.damaged-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`;
  await rename(dir, movedTo);
  await mkdir(dir, { recursive: true });
  const storage = LmdbStorage.open(dir);
  return { store: new Store(storage, expressionFilter(parseLet(undefined))), rebuilt: { reason, movedTo } };
}
