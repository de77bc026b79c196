import { readdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { copyOf, repository, type Copy } from './support/copy.js';
import { apply, diffsIn, type Diff } from './support/diffs.js';
import { runNode } from './support/run.js';

const folders = ['src', 'projections', 'test/spec', 'test/contexts', 'test/architecture/handlers.spec.ts'];
const settings = ['.prettierrc.json', 'package.json', 'tsconfig.json', 'tsconfig.test.json', 'jest.config.js'];
const examples = { command: 'Add a command and its event: four files', readModel: 'Add a read model: three files' };

/** Paths of all files of the copy with what is in them. */
async function filesOf({ dir }: Copy): Promise<Map<string, string>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const paths = entries.flatMap((entry) => (entry.isFile() ? [join(entry.parentPath, entry.name)] : []));
  return new Map(await Promise.all(paths.map(async (path) => [path, await readFile(path, 'utf8')] as const)));
}

/** Applies the diffs; the paths of the files that are other ones afterwards. */
async function touchedBy(diffs: readonly Diff[], copy: Copy): Promise<string[]> {
  const before = await filesOf(copy);
  for (const diff of diffs) await apply(diff, copy.dir);
  const after = await filesOf(copy);
  const changed = [...after].flatMap(([path, text]) => (before.get(path) === text ? [] : [path]));
  return changed.map((path) => path.slice(copy.dir.length + 1)).toSorted();
}

describe('the examples of CONTRIBUTING.md', () => {
  let copy: Copy;
  let markdown: string;

  beforeAll(async () => {
    markdown = await readFile(join(repository, 'CONTRIBUTING.md'), 'utf8');
    copy = await copyOf([...folders, ...settings]);
  });

  afterAll(() => copy.remove());

  it('add a command with four files: commands, decider, wire table, spec', async () => {
    expect(await touchedBy(diffsIn(markdown, examples.command), copy)).toEqual([
      'src/gateway/wire/rooms.ts',
      'src/rooms/rooms.commands.ts',
      'src/rooms/rooms.ts',
      'test/contexts/rooms.spec.ts',
    ]);
  });

  it('add a read model with three files: the model, the list, its spec', async () => {
    expect(await touchedBy(diffsIn(markdown, examples.readModel), copy)).toEqual([
      'projections/read-models.ts',
      'projections/room-count.ts',
      'test/projections/room-count.spec.ts',
    ]);
  });

  it('fit the types, keep the format and pass their tests', async () => {
    await symlink(join(repository, 'node_modules'), join(copy.dir, 'node_modules'), 'dir');
    const tool = (path: string): string => join(copy.dir, 'node_modules', path);
    const specs = ['test/contexts/rooms.spec.ts', 'test/projections/room-count.spec.ts'];
    const handlers = 'test/architecture/handlers.spec.ts';
    const touched = Object.values(examples).flatMap((heading) => diffsIn(markdown, heading).map(({ path }) => path));
    const [format, types, tests] = await Promise.all([
      runNode([tool('prettier/bin/prettier.cjs'), '--check', ...touched], copy.dir),
      runNode([tool('typescript/bin/tsc'), '--noEmit', '-p', 'tsconfig.test.json'], copy.dir),
      runNode(
        ['--experimental-vm-modules', tool('jest/bin/jest.js'), '--runInBand', '--verbose', ...specs, handlers],
        copy.dir,
      ),
    ]);
    expect(format.output).toContain('All matched files use Prettier code style!');
    expect(types).toMatchObject({ code: 0, output: '' });
    expect(tests.output).toMatch(/Test Suites: 3 passed, 3 total/);
    expect(tests.output).toContain('pins a message, but not the one that is pinned');
    expect(tests.output).toContain('still reads RoomMessagePinned of schema 1');
    expect(tests.output).toContain('counts the rooms of a world, each event once');
    expect(tests.code).toBe(0);
  });
});
