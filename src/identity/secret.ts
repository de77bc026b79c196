import { randomBytes } from 'node:crypto';
import { mkdir, link, readFile, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const name = 'auth-secret';

/** The HS256 secret of a data folder, generated once. */
export async function secretOf(dataDir: string): Promise<string> {
  const file = join(dataDir, name);
  const secret = await madeOnce(file, () => randomBytes(32).toString('base64url'));
  if (secret.length < 32)
    throw new Error(`${file} is damaged: restore it, or remove it to get a new secret (tokens signed so far end)`);
  return secret;
}

/** The text of a file that is generated once: readable by its owner only, and complete before it has its name. */
export async function madeOnce(file: string, make: () => string): Promise<string> {
  const existing = await textOf(file);
  if (existing !== undefined) return existing;
  await mkdir(dirname(file), { recursive: true });
  // Not the process id: two containers on one volume may have the same.
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  await writeFile(draft, make(), { mode: 0o600 });
  // Linking fails when another process was first: then its text is the one.
  await link(draft, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await unlink(draft);
  const made = await textOf(file);
  if (made === undefined) throw new Error(`${file} cannot be read`);
  return made;
}

async function textOf(file: string): Promise<string | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  return text?.trim();
}
