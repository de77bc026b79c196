import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { openEmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import type { CommandContext, Decider } from '../../src/eventsourcing/decider.js';
import { CommandLoop } from '../../src/eventsourcing/handle.js';
import { EventRegistry } from '../../src/eventsourcing/registry.js';
import { alice } from '../spec/decider-spec.js';

type Added = { type: 'Added'; data: { by: number } };
type Add = { readonly type: 'Add'; readonly times: number };

/** A sum; one command may decide several events. */
const sums: Decider<number, Add, Added> = {
  category: 'sum',
  events: { Added: { schema: 1 } },
  initial: 0,
  streamOf: () => 'a',
  evolve: (total, { data }) => total + data.by,
  decide: ({ times }) => Array.from({ length: times }, (_one, i) => ({ type: 'Added', data: { by: i + 1 } })),
};
const as = (commandId: string): CommandContext => ({ ...alice, commandId });

describe('what a command loop remembers', () => {
  it('answers as the log does, at every position and to every resend', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'convoke-memory-'));
    const store = await openEmbeddedEventStore({ dir });
    try {
      const registry = new EventRegistry(sums.events);
      const warm = new CommandLoop(store, registry);
      const answers = [];
      // Longer than what is remembered; commands of several events near both ends of that, and in between.
      for (let i = 0; i < 200; i++) {
        const times = i === 20 || i === 150 || i === 197 ? 3 : 1;
        answers.push(await warm.handle(sums, { type: 'Add', times }, as(`c${i}`)));
      }
      // This one knows the stream by reading it, the one above by writing it.
      const read = new CommandLoop(store, registry);
      await read.stateOf(sums, 'a');
      const log: { position: bigint; by: number }[] = [];
      for await (const { position, data } of store.readAll()) log.push({ position, by: Number(data.by) });
      for (const loop of [warm, read]) {
        for (let i = 0; i < 200; i++) expect(await loop.resent(sums, 'a', as(`c${i}`))).toEqual(answers[i]);
        for (let at = -1n; at <= (await store.head()); at++) {
          const sum = log.filter(({ position }) => position <= at).reduce((total, { by }) => total + by, 0);
          expect({ at, sum: await loop.stateOf(sums, 'a', at) }).toEqual({ at, sum });
        }
      }
    } finally {
      await store.close();
      await rm(dir, { recursive: true });
    }
  });
});
