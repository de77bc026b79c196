import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from '@jest/globals';
import eventStoreDb from '@eventstore/db-client';
import type { AllStreamResolvedEvent, EventStoreDBClient, JSONEventType, ResolvedEvent } from '@eventstore/db-client';
import { openEmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import type { EmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import { serveProtocol } from '../../src/event-store/protocol/serve-protocol.js';
import type { ProtocolServer, ServeProtocolOptions } from '../../src/event-store/protocol/serve-protocol.js';

export interface Served {
  readonly store: EmbeddedEventStore;
  readonly server: ProtocolServer;
  /** The official client, as anybody would connect it. */
  readonly client: EventStoreDBClient;
  /** Stops everything and serves the same log again. */
  restart(): Promise<Served>;
}

const running: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of running.splice(0)) await stop();
});

/** Serves a new log to a client; all of it is gone after the test. */
export async function serve(options: Partial<ServeProtocolOptions> = {}): Promise<Served> {
  const dir = await mkdtemp(join(tmpdir(), 'protocol-'));
  const served = await serveFrom(dir, options);
  running.push(() => rm(dir, { recursive: true }));
  return served;
}

async function serveFrom(dir: string, options: Partial<ServeProtocolOptions>): Promise<Served> {
  const store = await openEmbeddedEventStore({ dir });
  const server = await serveProtocol(store, { port: 0, host: '127.0.0.1', ...options });
  const client = connect(server.port);
  const stop = async (): Promise<void> => {
    await server.close();
    await client.dispose();
    await store.close();
  };
  running.unshift(stop);
  const restart = async (): Promise<Served> => {
    running.splice(running.indexOf(stop), 1);
    await stop();
    return serveFrom(dir, options);
  };
  return { store, server, client, restart };
}

export const connect = (port: number): EventStoreDBClient =>
  eventStoreDb.EventStoreDBClient.connectionString(`esdb://127.0.0.1:${port}?tls=false`);

/** A JSON event of a client that knows nothing of our metadata. */
export const anEvent = (type = 'Happened', data: JSONEventType['data'] = {}) => eventStoreDb.jsonEvent({ type, data });

export const events = (count: number, type?: string) => Array.from({ length: count }, (_, n) => anEvent(type, { n }));

/** Sends credentials, which makes the client use Append instead of BatchAppend. */
export const unbatched = { credentials: { username: 'admin', password: 'changeit' } };

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

export async function take<T>(items: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of items) {
    taken.push(item);
    if (taken.length >= count) break;
  }
  return taken;
}

export const revisions = (read: readonly ResolvedEvent[]) => read.map(({ event }) => event?.revision);
export const commits = (read: readonly AllStreamResolvedEvent[]) => read.map(({ event }) => event?.position.commit);
