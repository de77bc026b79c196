import { appendFile, mkdir, readdir, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { copyOf, repository, type Copy } from './support/copy.js';
import { plants } from './support/plants.js';
import { runNode } from './support/run.js';

interface Violation {
  readonly rule: { readonly name: string };
  readonly from: string;
  readonly to: string;
}

const cruiser = join(repository, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');

const packageFile = /^node_modules\/((?:@[^/]+\/)?[^/]+)\/.*$/;

/** All violations in a folder, as `rule: from → to`; a file of a package is told by the package's name. */
async function violationsIn(dir: string): Promise<string[]> {
  // Modules are linked into the copy; they count as what the copy's own node_modules holds.
  const options = ['--config', '.dependency-cruiser.cjs', '--output-type', 'json', '--preserve-symlinks'];
  const { stdout, output } = await runNode([cruiser, 'src', 'projections', ...options], dir);
  if (!stdout.startsWith('{')) throw new Error(`dependency-cruiser failed: ${output}`);
  const { summary }: { summary: { violations: readonly Violation[] } } = JSON.parse(stdout);
  return summary.violations
    .map(({ rule, from, to }) => `${rule.name}: ${from} → ${to.replace(packageFile, '$1')}`)
    .toSorted();
}

/** Links every package. Nothing may be written below these links: it would end up in the packages themselves. */
async function linkPackages({ dir }: Copy): Promise<void> {
  const modules = join(repository, 'node_modules');
  await mkdir(join(dir, 'node_modules'));
  for (const name of await readdir(modules)) await symlink(join(modules, name), join(dir, 'node_modules', name));
}

describe('the import rules', () => {
  let copy: Copy;

  beforeAll(async () => {
    copy = await copyOf(['src', 'projections', 'package.json', 'tsconfig.json', '.dependency-cruiser.cjs']);
    await linkPackages(copy);
    for (const [path, text] of plants.flatMap(({ files }) => Object.entries(files))) {
      await mkdir(dirname(join(copy.dir, path)), { recursive: true });
      await appendFile(join(copy.dir, path), `\n${text}`);
    }
  });

  afterAll(() => copy.remove());

  it('are kept', async () => {
    expect(await violationsIn(repository)).toEqual([]);
  });

  it('each report their planted violations, and nothing else', async () => {
    const expected = plants.flatMap(({ rule, reports }) => reports.map((report) => `${rule}: ${report}`));
    expect(await violationsIn(copy.dir)).toEqual(expected.toSorted());
  });

  it('each have a planted violation', () => {
    const config: { forbidden: readonly { name: string; severity: string; comment: string }[] } = createRequire(
      join(repository, 'package.json'),
    )('./.dependency-cruiser.cjs');
    expect([...new Set(plants.map(({ rule }) => rule))].toSorted()).toEqual(
      config.forbidden.map(({ name }) => name).toSorted(),
    );
    for (const { severity, comment } of config.forbidden)
      expect([severity, comment.endsWith('.')]).toEqual(['error', true]);
  });
});
