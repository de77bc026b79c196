import { describe, expect, it } from '@jest/globals';
import type { Decider } from '../../src/eventsourcing/decider.js';
import { CommandLoop } from '../../src/eventsourcing/handle.js';
import { EventRegistry } from '../../src/eventsourcing/registry.js';
import { collect, someEvents } from '../contract/event-store-helpers.js';
import { quick, serveLog, urlTo } from '../contract/eventstoredb.js';
import { alice } from '../spec/decider-spec.js';

interface Add {
  readonly counter: string;
  readonly by: number;
}
type Counted = { readonly type: 'Counted'; readonly data: { readonly by: number } };

/** Every second command makes two events. */
const counters: Decider<number, Add, Counted> = {
  category: 'counter',
  events: { Counted: { schema: 1 } },
  streamOf: ({ counter }) => counter,
  initial: 0,
  evolve: (total, { data }) => total + data.by,
  decide: ({ by }) => Array.from({ length: 1 + (by % 2) }, () => ({ type: 'Counted', data: { by } })),
};

describe('appends whose answers are lost', () => {
  it('take effect exactly once: 200 of 200 commands', async () => {
    const { log, open, port, proxy, close } = await serveLog();
    try {
      const store = await open({ projectorUrl: urlTo(port) });
      const loop = new CommandLoop(store, new EventRegistry(counters.events));
      let pieces = 0;
      let lost = 0;
      proxy.loses = () => ++pieces % 7 === 0 && ++lost > 0;
      const startedAt = performance.now();
      const worker = async (n: number): Promise<void> => {
        for (let i = 0; i < 10; i++) {
          const by = n * 10 + i + 1;
          await loop.handle(counters, { counter: `${n % 10}`, by }, { ...alice, commandId: `add ${by}` });
        }
      };
      await Promise.all(Array.from({ length: 20 }, (_, n) => worker(n)));
      expect(performance.now() - startedAt).toBeLessThan(15_000);
      expect(lost).toBeGreaterThan(10);
      const done = await collect(log.readAll());
      const commands = new Map<string, number>();
      for (const { metadata } of done) {
        commands.set(metadata.commandId, (commands.get(metadata.commandId) ?? 0) + 1);
      }
      const expected = Array.from({ length: 200 }, (_, n) => [`add ${n + 1}`, 1 + ((n + 1) % 2)] as const);
      expect(new Map([...commands].toSorted())).toEqual(new Map(expected.toSorted()));
    } finally {
      await close();
    }
  });

  // A rejection that nobody handles fails a test by itself.
  it('do not end the process when hundreds are under way as the connection breaks', async () => {
    const { log, open, proxy, close } = await serveLog();
    try {
      // How long it takes is not the question here.
      const store = await open({ timings: { ...quick, budgetMs: 25_000 } });
      const appends = Array.from({ length: 600 }, (_, n) => store.append(`room-${n}`, 'no_stream', someEvents(3)));
      for (let drops = 0; drops < 5; drops++) {
        await Promise.race(appends.slice(drops * 100));
        proxy.reset();
      }
      for (const { revision } of await Promise.all(appends)) expect(revision).toBe(2n);
      expect(await collect(log.readAll())).toHaveLength(1_800);
    } finally {
      await close();
    }
  });
});
