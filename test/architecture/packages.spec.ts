import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { repository } from './support/copy.js';

interface Package {
  readonly version?: string;
  readonly dev?: boolean;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
  readonly optional?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly engines?: { readonly node?: string };
}

interface Manifest {
  readonly scripts?: Readonly<Record<string, string>>;
}

/** The oldest Node the program promises to run on. */
const oldestNode = '20.19.0';

/** They declare a newer Node and work on Node 20: the tests run with them there. */
const runtimeExceptions = ['cookie', 'file-type'];
const developmentExceptions = [
  '@angular-devkit/core',
  '@angular-devkit/schematics',
  '@angular-devkit/schematics-cli',
  '@nestjs/cli/node_modules/commander',
  '@nestjs/schematics',
];

/** Steps that run at installation, and why each may: none fetches anything where a ready-made binary fits. */
const installSteps: Readonly<Record<string, { readonly step: string; readonly why: string }>> = {
  lmdb: {
    step: 'node-gyp-build-optional-packages',
    why: 'tries to load the binary that came as an optional package, compiles its own sources when there is none',
  },
  'msgpackr-extract': {
    step: 'node-gyp-build-optional-packages',
    why: 'as lmdb; optional, msgpackr works without it',
  },
  '@swc/core': {
    step: 'node postinstall.js',
    why: 'tries to load the binary that came as an optional package, asks npm for @swc/wasm if none can be loaded; development only',
  },
  protobufjs: {
    step: 'node scripts/postinstall',
    why: 'only warns when a package.json asks for it by an unusual version range',
  },
  '@parcel/watcher': {
    step: 'node scripts/build-from-source.js',
    why: 'does nothing unless asked by npm_config_build_from_source; development only',
  },
};

const { satisfies }: { satisfies(version: string, range: string): boolean } = createRequire(
  join(repository, 'package.json'),
)('semver');

const json = async <T>(path: string): Promise<T> => JSON.parse(await readFile(join(repository, path), 'utf8'));

describe('the lockfile', () => {
  /** Path below node_modules → package; without the program itself. */
  let packages: [string, Package][];

  beforeAll(async () => {
    const lock = await json<{ packages: Record<string, Package> }>('package-lock.json');
    packages = Object.entries(lock.packages).flatMap(([path, one]) =>
      path === '' ? [] : [[path.replace(/^node_modules\//, ''), one] satisfies [string, Package]],
    );
  });

  const names = (wanted: (one: Package) => boolean): string[] =>
    packages.flatMap(([path, one]) => (wanted(one) ? [path] : [])).toSorted();

  const refusesOldest = ({ engines }: Package): boolean =>
    engines?.node !== undefined && !satisfies(oldestNode, engines.node);

  it('has packages that accept the oldest Node, with known exceptions', async () => {
    const { engines } = await json<{ engines: { node: string } }>('package.json');
    expect(engines.node).toBe('>=20.19');
    expect(satisfies(oldestNode, engines.node)).toBe(true);
    expect(names((one) => !one.dev && refusesOldest(one))).toEqual(runtimeExceptions);
    expect(names((one) => one.dev === true && refusesOldest(one))).toEqual(developmentExceptions);
  });

  it('has the known installation steps and no other', async () => {
    expect(names(({ hasInstallScript }) => hasInstallScript === true)).toEqual(Object.keys(installSteps).toSorted());
    for (const [name, { step }] of Object.entries(installSteps)) {
      const { scripts = {} } = await json<Manifest>(`node_modules/${name}/package.json`);
      const steps = ['preinstall', 'install', 'postinstall'].flatMap((when) => scripts[when] ?? []);
      expect([name, ...steps]).toEqual([name, step]);
    }
  });

  it('records what was installed, but not from where', () => {
    expect(names(({ resolved }) => resolved !== undefined)).toEqual([]);
    // Binaries for a platform may be known by version alone, where the registry at hand did not have them.
    const isBinary = ({ optional, os, cpu }: Package): boolean =>
      optional === true && os !== undefined && cpu !== undefined;
    expect(names((one) => one.integrity === undefined && !isBinary(one))).toEqual([]);
  });

  it('has the binaries of every platform, without which npm ci refuses it', () => {
    const present = new Set(packages.map(([path]) => path.split('node_modules/').at(-1)));
    const optional = packages.flatMap(([, one]) => Object.keys(one.optionalDependencies ?? {}));
    expect(optional.length).toBeGreaterThan(20);
    expect(optional.filter((name) => !present.has(name))).toEqual([]);
  });

  it('is exact: package.json names versions, not ranges', async () => {
    const { dependencies, devDependencies } = await json<{
      dependencies: Record<string, string>;
      devDependencies: Record<string, string>;
    }>('package.json');
    const locked = new Map(packages);
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
      expect([name, version]).toEqual([name, locked.get(name)?.version]);
    }
  });

  it('switches off the report of @scarf/scarf', async () => {
    const { scarfSettings } = await json<{ scarfSettings: unknown }>('package.json');
    expect(scarfSettings).toEqual({ enabled: false });
  });
});
