import { ANY, EventStoreDBClient, excludeSystemEvents, jsonEvent, NO_STREAM, START } from '@eventstore/db-client';
import { openEventStoreDb } from '../src/event-store/eventstoredb/eventstoredb-event-store.js';
import type { EventStore } from '../src/event-store/event-store.js';
import { Child } from './child.js';
import { intoStore, keepInFlight, ready, Turns } from './durable.js';
import { inTurns, perSecond } from './measure.js';
import { row, type Part } from './report.js';

const inFlight = 64;

/** The same appends by the bare client. */
function intoClient(client: EventStoreDBClient): (n: number) => Promise<unknown> {
  const turns = new Turns();
  return (n) => {
    const { stream, before, events } = turns.next(n);
    const made = events.map(({ id, type, data, metadata }) =>
      jsonEvent({ id, type, data: { ...data }, metadata: { ...metadata } }),
    );
    return client.appendToStream(stream, made, { expectedRevision: before < 0n ? NO_STREAM : before });
  };
}

/** Events read by a subscription from the beginning until it has seen so many. */
async function catchUp(store: EventStore, count: number): Promise<number> {
  let seen = 0;
  for await (const message of store.subscribeToAll()) {
    if (message.type === 'events') seen += message.events.length;
    if (seen >= count) break;
  }
  return seen;
}

async function bareCatchUp(client: EventStoreDBClient, count: number): Promise<number> {
  const subscription = client.subscribeToAll({ fromPosition: START, filter: excludeSystemEvents() });
  let seen = 0;
  for await (const { event } of subscription) if (event && ++seen >= count) break;
  await subscription.unsubscribe();
  return seen;
}

/** The adapter on a log served over the EventStoreDB protocol, beside the bare client doing the same. */
export const eventstoredb: Part = async ({ folder, quick }) => {
  const [ms, rounds, history] = quick ? [500, 3, 5_000] : [1_500, 5, 20_000];
  const place = await folder();
  const start = async (): Promise<{ child: Child; url: string }> => {
    const child = Child.start('./servers/served-log.ts', { args: [place] });
    return { child, url: `esdb://127.0.0.1:${await child.next<number>('port')}?tls=false` };
  };
  const [ours, theirs, filled] = [await start(), await start(), await start()];
  const store = await openEventStoreDb({ url: ours.url });
  const client = EventStoreDBClient.connectionString`${theirs.url}`;
  const [reading, bare] = [
    await openEventStoreDb({ url: filled.url }),
    EventStoreDBClient.connectionString`${filled.url}`,
  ];
  for (let n = 0; n < history; n += 500) {
    const one = ready[(n / 500) % ready.length];
    if (!one) throw new Error('there is no event');
    const events = Array.from({ length: 500 }, () => ({ ...one.events[0], id: crypto.randomUUID() }));
    await bare.appendToStream(
      one.stream,
      events.map(({ id, type = '', data, metadata }) =>
        jsonEvent({ id, type, data: { ...data }, metadata: { ...metadata } }),
      ),
      { expectedRevision: ANY },
    );
  }
  const [append, appendBare] = [intoStore(store), intoClient(client)];
  let [done, doneBare] = [0, 0];
  const samples = await inTurns(
    {
      append: () => perSecond(() => keepInFlight(inFlight, ms, () => append(done++)), { server: ours.child }),
      bareAppend: () =>
        perSecond(() => keepInFlight(inFlight, ms, () => appendBare(doneBare++)), { server: theirs.child }),
      catchUp: () => perSecond(() => catchUp(reading, history), { server: filled.child }),
      bareCatchUp: () => perSecond(() => bareCatchUp(bare, history), { server: filled.child }),
    },
    rounds,
  );
  await Promise.all([store.close(), reading.close(), client.dispose(), bare.dispose()]);
  await Promise.all([ours.child.stop(), theirs.child.stop(), filled.child.stop()]);
  const beside = { unit: 'events/s', peer: 'bare client' };
  return [
    row({ ...beside, figure: `append, ${inFlight} in flight`, ours: samples.append, theirs: samples.bareAppend }),
    row({
      ...beside,
      figure: `catch-up, ${history.toLocaleString('en')} events`,
      ours: samples.catchUp,
      theirs: samples.bareCatchUp,
    }),
  ];
};
