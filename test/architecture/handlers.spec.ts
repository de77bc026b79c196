import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { AppModule } from '../../src/app.module.js';
import { wireTable } from '../../src/gateway/wire/index.js';

type Class = new (...args: never[]) => unknown;

const isClass = (value: unknown): value is Class => typeof value === 'function';

const metadata = (key: string, target: Class): unknown => Reflect.getMetadata(key, target);

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** The module and all it imports, as declared. */
function modulesFrom(root: Class, seen = new Set<Class>()): Set<Class> {
  if (seen.has(root)) return seen;
  seen.add(root);
  for (const imported of listOf(metadata('imports', root))) if (isClass(imported)) modulesFrom(imported, seen);
  return seen;
}

/** What the providers of the program handle: the command or query class of each handler, by @nestjs/cqrs's own mark. */
function handled(mark: '__commandHandler__' | '__queryHandler__'): unknown[] {
  const providers = [...modulesFrom(AppModule)].flatMap((one) => listOf(metadata('providers', one))).filter(isClass);
  return providers.flatMap((provider) => metadata(mark, provider) ?? []);
}

describe('the wire tables', () => {
  const actions = Object.entries(wireTable.actions);
  it.each([
    ['command', '__commandHandler__'],
    ['query', '__queryHandler__'],
  ] as const)('have one handler for every %s', (kind, mark) => {
    const classes = handled(mark);
    const found = actions.flatMap(([name, action]) => {
      if (action.kind !== kind) return [];
      return [[name, classes.filter((one) => one === action.shape).length]];
    });
    expect(found.length).toBeGreaterThan(0);
    expect(found).toEqual(found.map(([name]) => [name, 1]));
  });
});
