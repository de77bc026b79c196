import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { readConfig } from '../../src/config/config.js';
import { repository } from './support/copy.js';

interface Service {
  readonly image: string;
  readonly build?: { readonly dockerfile: string };
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

interface Compose {
  readonly services: Readonly<Record<'api' | 'worker' | 'eventstore' | 'mongodb', Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const read = (file: string): Promise<string> => readFile(join(repository, 'docker', file), 'utf8');

/** The source of a built file. */
const sourceOf = (built: string): string => built.replace(/^dist\//, '').replace(/\.js$/, '.ts');

describe('the docker files', () => {
  let compose: Compose;
  let dockerfile: string;
  let variables: Map<string, string>;

  beforeAll(async () => {
    dockerfile = await read('Dockerfile');
    const names = [...(await read('.env.example')).matchAll(/^([A-Z_]+)=(.*)$/gm)];
    variables = new Map(names.map(([, name = '', value]) => [name, value || 'x'.repeat(32)]));
    // As compose does it: a variable that is not set stops it, unless there is a default.
    const text = (await read('compose.yaml')).replace(
      /(?<!\$)\$\{([A-Z_]+)(?::([?-])([^}]*))?\}/g,
      (_all, name: string, kind: string, fallback: string) => {
        const value = variables.get(name) ?? (kind === '-' ? fallback : undefined);
        if (value === undefined) throw new Error(`.env.example lacks ${name}`);
        return value;
      },
    );
    compose = parse(text, { merge: true }) as Compose;
  });

  it('give the server and the worker settings that they accept', () => {
    const { api, worker } = compose.services;
    const settings = readConfig(api.environment);
    expect(settings).toMatchObject({
      projections: 'external',
      eventStore: { url: 'esdb://eventstore:2113?tls=false' },
    });
    expect(new URL(settings.mongodbUrl?.replace(/^mongodb:/, 'http:') ?? '')).toMatchObject({
      hostname: 'mongodb',
      username: 'convoke',
      pathname: '/convoke',
    });
    expect(readConfig(worker.environment)).toMatchObject({
      eventStore: settings.eventStore,
      mongodbUrl: settings.mongodbUrl,
    });
  });

  it('run what there is, as nobody special, on a root that cannot be written', () => {
    const stages = dockerfile.split(/^FROM /m).slice(1);
    expect(stages).toHaveLength(2);
    for (const stage of stages) expect(stage).toMatch(/^node:22-/);
    expect(stages.at(-1)).toMatch(/^USER node$/m);
    for (const [, source = ''] of dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)) {
      for (const one of source.split(' ')) expect([one, existsSync(join(repository, one))]).toEqual([one, true]);
    }
    const { api, worker } = compose.services;
    const built = [...dockerfile.matchAll(/dist\/\S+\.js/g)].map(([path]) => path);
    const named = [...built, ...(worker.command ?? []), ...(worker.healthcheck?.test ?? [])];
    for (const path of named.filter((one) => one.startsWith('dist/'))) {
      expect([path, existsSync(join(repository, sourceOf(path)))]).toEqual([path, true]);
    }
    for (const service of [api, worker]) {
      expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], build: { dockerfile: 'docker/Dockerfile' } });
      const healthy = { condition: 'service_healthy' };
      expect(service.depends_on).toEqual({ eventstore: healthy, mongodb: healthy });
    }
  });

  it('listen to this machine only, look after every service, and keep what is the truth', () => {
    const { api: _api, ...others } = compose.services;
    for (const { healthcheck } of Object.values(others)) expect(healthcheck?.test.length).toBeGreaterThan(1);
    expect(dockerfile).toMatch(/^HEALTHCHECK /m);
    for (const { ports = [] } of Object.values(compose.services)) {
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    }
    const named = Object.values(compose.services).flatMap(({ volumes = [] }) =>
      volumes.map((one) => one.split(':')[0] ?? ''),
    );
    expect(named.filter((name) => !name.startsWith('./')).toSorted()).toEqual(Object.keys(compose.volumes).toSorted());
  });

  it('make an account for analysts that can only read', async () => {
    const accounts: { user: string; pwd: string; roles: { role: string; db: string }[] }[] = [];
    const db = { getSiblingDB: () => ({ createUser: (account: (typeof accounts)[number]) => accounts.push(account) }) };
    const env = { CONVOKE_DB_PASSWORD: 'of convoke', ANALYST_PASSWORD: 'of analysts' };
    new Function('db', 'process', await read('mongo-accounts.js'))(db, { env });
    expect(accounts).toEqual([
      { user: 'convoke', pwd: 'of convoke', roles: [{ role: 'readWrite', db: 'convoke' }] },
      { user: 'analyst', pwd: 'of analysts', roles: [{ role: 'read', db: 'convoke' }] },
    ]);
  });
});
