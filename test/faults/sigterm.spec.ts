import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { dataFileStat, readState } from '../../src/event-store/embedded/log-state.js';
import { connectAs, temporaryServers } from '../e2e/support/server.js';
import { Ledger } from './ledger.js';
import { followUpProblems, ledgerProblems, logProblems, readLog, readModelProblems } from './oracle.js';
import { scale } from './scale.js';
import { randomFrom, Workload } from './workload.js';

const env = { RATE_LIMIT: 'off' };

describe('a server stopped by SIGTERM under load', () => {
  it('has everything it acknowledged, nothing half done, and needs no recovery', async () => {
    const { dataDir, start, remove } = await temporaryServers();
    try {
      const server = await start({ env });
      let enough: () => void = () => undefined;
      const reached = new Promise<void>((resolve) => (enough = resolve));
      const ledger = new Ledger((count) => count === 500 && enough());
      const workload = new Workload(ledger, randomFrom(1));
      const clients = await Promise.all(
        Array.from({ length: scale.writers }, (_one, i) => connectAs(server, `writer-${i}`, ['admin'])),
      );
      const writing = clients.map((client, i) => workload.write(client, `writer-${i}`));
      await reached;
      expect(await server.stop()).toBe(0);
      await Promise.all(writing);
      expect((await Promise.all(clients.map(({ closed }) => closed))).map(({ code }) => code)).toEqual(
        clients.map(() => 1012),
      );
      await expectCleanlyClosed(dataDir);

      const events = await readLog(dataDir);
      expect([
        ...ledger.problems,
        ...(await logProblems(dataDir, events)),
        ...followUpProblems(events),
        ...ledgerProblems(ledger.entries, events),
      ]).toEqual([]);

      const again = await start({ env });
      await again.ready();
      expect(await again.stop()).toBe(0);
      // Nothing was left to be done.
      expect((await readLog(dataDir)).length).toBe(events.length);
      expect(await readModelProblems(dataDir, events)).toEqual([]);
    } finally {
      await remove();
    }
  });
});

/** Both stores note that they were closed as they are on disk: the next start opens them without a check. */
async function expectCleanlyClosed(dataDir: string): Promise<void> {
  const log = join(dataDir, 'log');
  const { bytes, modifiedAt } = (await dataFileStat(log)) ?? {};
  expect(await readState(log)).toMatchObject({ bytes, closedAt: modifiedAt });
  await access(join(dataDir, 'read-store', 'clean'));
}
