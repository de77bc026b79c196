import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import type { EmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import { openEventStoreDb } from '../../src/event-store/eventstoredb/eventstoredb-event-store.js';
import type { EventStoreDb, EventStoreDbOptions } from '../../src/event-store/eventstoredb/eventstoredb-event-store.js';
import type { Timings } from '../../src/event-store/eventstoredb/settings.js';
import { serveProtocol } from '../../src/event-store/protocol/serve-protocol.js';
import type { Disturbance } from './event-store-helpers.js';
import { Proxy } from './proxy.js';

/** Times that make a test quick; what waits for what stays the same. */
export const quick: Partial<Timings> = {
  attemptMs: 400,
  retry: { first: 10, longest: 100 },
  resume: { first: 10, longest: 100 },
  quietMs: 20,
  headMs: 50,
  stallMs: 500,
};

export const urlTo = (port: number): string => `esdb://127.0.0.1:${port}?tls=false`;

/** An embedded log served over the protocol, with a proxy in front. */
export interface ServedLog {
  readonly log: EmbeddedEventStore;
  /** Port of the server itself. */
  readonly port: number;
  readonly proxy: Proxy;
  /** The adapter, over the proxy. Closed with the log. */
  open(options?: Partial<EventStoreDbOptions>): Promise<EventStoreDb>;
  close(): Promise<void>;
}

export async function serveLog(): Promise<ServedLog> {
  const dir = await mkdtemp(join(tmpdir(), 'served-log-'));
  const log = await openEmbeddedEventStore({ dir });
  const server = await serveProtocol(log, { host: '127.0.0.1', port: 0 });
  const proxy = await Proxy.to(server.port);
  const opened: EventStoreDb[] = [];
  return {
    log,
    port: server.port,
    proxy,
    open: async (options = {}) => {
      const store = await openEventStoreDb({ url: urlTo(proxy.port), timings: quick, ...options });
      opened.push(store);
      return store;
    },
    close: async () => {
      for (const store of opened) await store.close();
      await proxy.close();
      await server.close();
      await log.close();
      await rm(dir, { recursive: true });
    },
  };
}

/** Resolves when it has happened; a freeze when the frozen connection was replaced by another. */
export async function disturb(proxy: Proxy, kind: Disturbance): Promise<void> {
  if (kind === 'error') proxy.reset();
  else if (kind === 'end') proxy.end();
  else {
    proxy.freeze();
    await proxy.nextConnection();
    proxy.thaw();
  }
}
