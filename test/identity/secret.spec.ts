import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { secretOf } from '../../src/identity/secret.js';

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'convoke-secret-'));
});

afterEach(() => rm(dir, { recursive: true, force: true }));

it('the secret is made once, by whoever comes first, and is for its owner’s eyes only', async () => {
  const dataDir = join(dir, 'not', 'yet');
  const many = await Promise.all(Array.from({ length: 8 }, () => secretOf(dataDir)));
  expect(new Set(many).size).toBe(1);
  const [secret = ''] = many;
  expect(Buffer.from(secret, 'base64url')).toHaveLength(32);
  expect(await secretOf(dataDir)).toBe(secret);
  expect((await stat(join(dataDir, 'auth-secret'))).mode & 0o777).toBe(0o600);
  expect(await readdir(dataDir)).toEqual(['auth-secret']);
  expect(await secretOf(join(dir, 'other'))).not.toBe(secret);
});

it('one that is damaged is neither used nor replaced', async () => {
  const file = join(dir, 'auth-secret');
  await writeFile(file, 'short');
  await expect(secretOf(dir)).rejects.toThrow(/damaged/);
  await chmod(file, 0o600);
  await expect(secretOf(dir)).rejects.toThrow(/damaged/);
});
