import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder for one test; what is moved aside next to `path` is removed with it. */
export async function temporaryFolder(): Promise<{ path: string; parent: string; remove(): Promise<void> }> {
  const parent = await mkdtemp(join(tmpdir(), 'convoke-read-store-'));
  return { path: join(parent, 'read-store'), parent, remove: () => rm(parent, { recursive: true, force: true }) };
}
