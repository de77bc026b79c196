import { cp, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

export const repository = resolve('.');

/** A temporary copy of parts of the repository, to be changed at will. */
export interface Copy {
  readonly dir: string;
  /** Writes a file of the copy, its folders included. */
  write(path: string, text: string): Promise<void>;
  remove(): Promise<void>;
}

/** `paths` are files and folders relative to the repository. */
export async function copyOf(paths: readonly string[]): Promise<Copy> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'convoke-architecture-')));
  await Promise.all(paths.map((path) => cp(join(repository, path), join(dir, path), { recursive: true })));
  return {
    dir,
    write: async (path, text) => {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), text);
    },
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}
