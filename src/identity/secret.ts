import { randomBytes } from 'node:crypto';
import { mkdir, link, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const name = 'auth-secret';

/** The HS256 secret of a data folder, generated once: readable by its owner only, and complete before it has its name. */
export async function secretOf(dataDir: string): Promise<string> {
  const file = join(dataDir, name);
  const existing = await readSecret(file);
  if (existing) return existing;
  await mkdir(dataDir, { recursive: true });
  // Not the process id: two containers on one volume may have the same.
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  await writeFile(draft, randomBytes(32).toString('base64url'), { mode: 0o600 });
  // Linking fails when another process was first: then its secret is the one.
  await link(draft, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await unlink(draft);
  const made = await readSecret(file);
  if (!made) throw new Error(`${file} cannot be read`);
  return made;
}

async function readSecret(file: string): Promise<string | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const secret = text.trim();
  if (secret.length < 32)
    throw new Error(`${file} is damaged: restore it, or remove it to get a new secret (tokens signed so far end)`);
  return secret;
}
