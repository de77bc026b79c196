import { setTimeout as delay } from 'node:timers/promises';
import { afterEach } from '@jest/globals';
import { openEventStoreDb } from '../../src/event-store/eventstoredb/eventstoredb-event-store.js';
import type { EventStoreDb } from '../../src/event-store/eventstoredb/eventstoredb-event-store.js';
import type { Timings } from '../../src/event-store/eventstoredb/settings.js';
import { quick, serveLog, urlTo } from '../contract/eventstoredb.js';
import type { ServedLog } from '../contract/eventstoredb.js';
import { Proxy } from '../contract/proxy.js';
import { scriptedServer } from './scripted-server.js';
import type { Held, Script } from './scripted-server.js';

/** What must be closed after the test, last first. */
export const endings: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end();
});

/** The embedded log behind its own server, gone after the test. */
export async function served(): Promise<ServedLog> {
  const log = await serveLog();
  endings.push(() => log.close());
  return log;
}

/** The adapter over a scripted server. */
export async function scripted(
  script: Script,
  timings: Partial<Timings> = {},
): Promise<{ store: EventStoreDb; proxy: Proxy }> {
  const server = await scriptedServer(script);
  endings.push(() => server.close());
  const proxy = await Proxy.to(server.port);
  endings.push(() => proxy.close());
  const store = await openEventStoreDb({ url: urlTo(proxy.port), timings: { ...quick, ...timings } });
  endings.push(() => store.close());
  return { store, proxy };
}

/** The n-th event of a stream; positions have gaps. */
export const held = (n: number, more: Partial<Held> = {}): Held => ({
  stream: 'room-1',
  revision: BigInt(n),
  position: BigInt(n) * 137n + 5n,
  id: `4c5f2a3e-0000-4000-8000-${String(n).padStart(12, '0')}`,
  metadata: '{}',
  ...more,
});

/** Waits until it is so, for 15 s at the longest. */
export async function until(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`not so within 15 s: ${isSo}`);
    await delay(5);
  }
}
