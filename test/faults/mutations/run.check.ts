import { readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { copyOf, repository, type Copy } from '../../architecture/support/copy.js';
import { runNode } from '../../architecture/support/run.js';
import { mutations, type Mutation } from './table.js';

const parts = ['src', 'projections', 'test', 'dist', 'package.json', 'jest.config.js', 'tsconfig.json'];

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

let copy: Copy;
const tool = (path: string): string => join(copy.dir, 'node_modules', path);
/** One kill under load is enough: what a round does not notice is no guarantee of that test. */
const env = { FAULT_SEED: '1', FAULT_ROUNDS: '1', FAULTS: '' };

async function build(): Promise<void> {
  const { code, output } = await runNode([tool('typescript/bin/tsc'), '-p', 'tsconfig.json'], copy.dir);
  if (code !== 0) throw new Error(output);
}

/** Outcome of the test whose title begins like this: `passed`, `failed`, or `undefined` when there is none. */
async function outcomeOf(spec: string, title: string): Promise<string | undefined> {
  const pattern = title.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
  const jest = ['--experimental-vm-modules', tool('jest/bin/jest.js'), '--json', '--forceExit', '-t', pattern, spec];
  const { stdout, output } = await runNode(jest, copy.dir, env);
  const json = stdout.slice(stdout.indexOf('{"numFailedTestSuites"'));
  if (!json.startsWith('{')) throw new Error(output);
  const { testResults } = JSON.parse(json) as Report;
  return testResults.flatMap((one) => one.assertionResults).find((one) => one.title.startsWith(title))?.status;
}

const specsOf = (all: readonly Mutation[]) => [...new Set(all.flatMap(({ caughtBy }) => caughtBy))];

beforeAll(async () => {
  copy = await copyOf(parts);
  await symlink(join(repository, 'node_modules'), join(copy.dir, 'node_modules'), 'dir');
  await build();
}, 60_000);
afterAll(() => copy.remove());

describe('the program as it is', () => {
  it.each(specsOf(mutations))(
    'passes %s: %s',
    async (spec, title) => {
      expect(await outcomeOf(spec, title)).toBe('passed');
    },
    90_000,
  );
});

describe('the program without the guarantee that', () => {
  it.each(mutations)(
    '$name fails',
    async ({ file, from, to, caughtBy, built }) => {
      const path = join(copy.dir, file);
      const text = await readFile(path, 'utf8');
      // Once, or the table has to follow the code.
      expect(text.split(from)).toHaveLength(2);
      await copy.write(
        file,
        text.replace(from, () => to),
      );
      try {
        if (built) await build();
        for (const [spec, title] of caughtBy) expect([spec, await outcomeOf(spec, title)]).toEqual([spec, 'failed']);
      } finally {
        await copy.write(file, text);
        if (built) await build();
      }
    },
    300_000,
  );
});
