import { expect, it } from '@jest/globals';
import { found, type Fresh } from '../../src/read-store/caught-up.js';

/** Looks for a row that is there once the rows are as new as this; answers how current they were asked to be. */
async function looked(newest: bigint | undefined, thereFrom: bigint): Promise<[string | null, Fresh[]]> {
  const asked: Fresh[] = [];
  const row = await found({ after: 3n, ...(newest !== undefined && { newest }) }, (fresh) => {
    asked.push(fresh);
    return Promise.resolve(fresh.after >= thereFrom ? 'row' : null);
  });
  return [row, asked];
}

it('what a slow store does not show yet is waited for before it is said to be unknown', async () => {
  // There at the first look.
  expect(await looked(7n, 2n)).toEqual(['row', [{ after: 3n, newest: 7n }]]);
  // Heard of, and not yet written: looked for once more in rows that must be as new.
  expect(await looked(7n, 7n)).toEqual(['row', [{ after: 3n, newest: 7n }, { after: 7n }]]);
  expect((await looked(7n, 8n))[0]).toBe(null);
  // Nothing newer was told to anybody: one look is enough.
  expect((await looked(undefined, 8n))[1]).toHaveLength(1);
});
