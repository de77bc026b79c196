import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bundled, problemsOf, small } from './schedules.js';

describe('any damaged file', () => {
  const placed = /^(schedule(\.\w+|\[\d+\]|\["(?:[^"\\]|\\.)*"\])*|line \d+, column \d+): ./;

  it('is read or refused with a place for every problem', () => {
    const paths = pathsIn(small());
    // Made anew for each use: a file that holds one list twice could be made to hold it in itself.
    const texts = ['"__proto__"', '""', '" "', '-1', '1e300', 'null', '[]', '{}', '"10:00"'];
    const values = fc.oneof(fc.json(), fc.constantFrom(...texts));
    const damage = fc.array(fc.tuple(fc.constantFrom(...paths), fc.option(values)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(damage, (changes) => {
        const file = small();
        for (const [path, json] of changes) change(file, path, json);
        for (const problem of problemsOf(JSON.stringify(file))) expect(problem).toMatch(placed);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is refused with line and column exactly when it is not JSON', () => {
    const text = JSON.stringify(bundled(), null, 1);
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(3), fc.string({ maxLength: 3 }), (at, cut, added) => {
        const damaged = text.slice(0, at) + added + text.slice(at + cut);
        const [first = ''] = problemsOf(damaged);
        expect(first.startsWith('line ')).toBe(!isJson(damaged));
      }),
      { numRuns: 500 },
    );
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Every place of a JSON value, as lists of keys. */
function pathsIn(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, member]) => pathsIn(member, [...path, key]))].filter(
    ({ length }) => length > 0,
  );
}

/** Null deletes. Earlier damage may have removed the place. */
function change(file: unknown, path: readonly string[], json: string | null): void {
  let at: unknown = file;
  for (const key of path.slice(0, -1)) at = typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined;
  if (typeof at !== 'object' || at === null) return;
  const key = path.at(-1) ?? '';
  if (json === null) Reflect.deleteProperty(at, key);
  else Reflect.set(at, key, JSON.parse(json));
}
