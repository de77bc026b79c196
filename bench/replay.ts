import { join } from 'node:path';
import { startProjections } from '../projections/engine/engine.js';
import { readModels } from '../projections/read-models.js';
import { eventRegistry } from '../src/event-registry.js';
import { openEmbeddedEventStore } from '../src/event-store/embedded/embedded-event-store.js';
import type { EventStore } from '../src/event-store/event-store.js';
import { connectReadStore } from '../src/read-store/connect.js';
import { fillLog } from './events.js';
import { inTurns, perSecond } from './measure.js';
import { row, type Part } from './report.js';

/** The whole log into every read model of the program, from nothing; rows and checkpoints on disk at the end. */
async function project(store: EventStore, dir: string): Promise<number> {
  const { db, close } = await connectReadStore({ dir, port: 0 });
  try {
    const events = Number(await store.head()) + 1;
    const upcast = eventRegistry.read.bind(eventRegistry);
    const projections = startProjections({ store, db, models: readModels, exclusive: true, upcast });
    await projections.caughtUp(120_000);
    await projections.stop();
    return events;
  } finally {
    await close();
  }
}

/** What a fold cannot be faster than: reading, checking and parsing every event once. */
async function read(store: EventStore): Promise<number> {
  let events = 0;
  for await (const message of store.subscribeToAll()) {
    if (message.type === 'events') events += message.events.length;
    if (message.type === 'caughtUp') break;
  }
  return events;
}

export const replay: Part = async ({ folder, quick }) => {
  const [count, rounds] = quick ? [100_000, 2] : [200_000, 5];
  const dir = await folder();
  const store = await openEmbeddedEventStore({ dir: join(dir, 'log') });
  await fillLog(store, count, count / 100);
  let round = 0;
  const samples = await inTurns(
    {
      ours: () => perSecond(() => project(store, join(dir, `read-${round++}`))),
      read: () => perSecond(() => read(store)),
    },
    rounds,
  );
  await store.close();
  return [
    row({
      figure: `${count.toLocaleString('en')} events into all read models`,
      unit: 'events/s',
      ours: samples.ours,
      peer: 'reading the log alone',
      theirs: samples.read,
      valueAtLeast: 100_000,
    }),
  ];
};
