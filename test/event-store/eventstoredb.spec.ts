import { EventStoreDBClient } from '@eventstore/db-client';
import { describe, expect, it } from '@jest/globals';
import { StoreUnavailable } from '../../src/event-store/event-store.js';
import { openEventStoreDb } from '../../src/event-store/eventstoredb/eventstoredb-event-store.js';
import {
  collect,
  follow,
  idsOf,
  isCaughtUp,
  revisionsOf,
  someEvent,
  someEvents,
} from '../contract/event-store-helpers.js';
import { quick, urlTo } from '../contract/eventstoredb.js';
import { Proxy } from '../contract/proxy.js';
import { endings, held, scripted, served, until } from './eventstoredb-fixture.js';
import { success } from './scripted-server.js';
import type { Script } from './scripted-server.js';

describe('the event store on EventStoreDB', () => {
  it('gives a log one epoch, whoever opens it first', async () => {
    const { open } = await served();
    const stores = await Promise.all([open(), open(), open()]);
    const { epoch } = await open();
    expect(epoch).toMatch(/^[0-9a-f-]{36}$/);
    expect(stores.map((store) => store.epoch)).toEqual([epoch, epoch, epoch]);
    const { epoch: another } = await (await served()).open();
    expect(another).not.toBe(epoch);
  });

  it('waits with opening for a server that is not there yet, but not for ever', async () => {
    const { proxy, open } = await served();
    proxy.freeze({ coming: true });
    const timings = { ...quick, budgetMs: 300, openMs: 600 };
    await expect(openEventStoreDb({ url: urlTo(proxy.port), timings })).rejects.toThrow(StoreUnavailable);
    const waiting = open({ timings: { ...quick, budgetMs: 300, openMs: 20_000 } });
    const before = proxy.connections;
    await until(() => proxy.connections > before + 1);
    proxy.thaw();
    expect(await (await waiting).head()).toBe(-1n);
    const nobody = await Proxy.to(1);
    endings.push(() => nobody.close());
    await expect(openEventStoreDb({ url: urlTo(nobody.port), timings })).rejects.toThrow(StoreUnavailable);
  });

  it('stores an append of several messages as one', async () => {
    const store = await (await served()).open();
    const events = Array.from({ length: 9 }, (_, n) => someEvent('Large', { n, text: 'x'.repeat(400_000) }));
    const [{ revision }, { revision: between }] = await Promise.all([
      store.append('room-1', 'no_stream', events),
      store.append('room-2', 'no_stream', someEvents(1)),
    ]);
    expect([revision, between]).toEqual([8n, 0n]);
    expect(idsOf(await collect(store.readStream('room-1')))).toEqual(idsOf(events));
  });

  it('reads a truncated stream from its first event that is left', async () => {
    const { open, port } = await served();
    const store = await open();
    await store.append('room-1', 'no_stream', someEvents(700));
    const client = EventStoreDBClient.connectionString(urlTo(port));
    endings.push(() => client.dispose());
    await client.setStreamMetadata('room-1', { maxCount: 3 });
    expect(revisionsOf(await collect(store.readStream('room-1')))).toEqual([697n, 698n, 699n]);
    expect(revisionsOf(await collect(store.readStream('room-1', { from: 2n, limit: 2 })))).toEqual([697n, 698n]);
    const backwards = await collect(store.readStream('room-1', { direction: 'backwards' }));
    expect(revisionsOf(backwards)).toEqual([699n, 698n, 697n]);
    expect((await store.append('room-1', 699n, someEvents(1))).revision).toBe(700n);
  });

  it('looks up the position that a server does not give', async () => {
    const append: Script['append'] = (call, request) => call.write(success(request, 1n));
    const { store } = await scripted({ events: [held(0), held(1)], append });
    expect(await store.append('room-1', 0n, someEvents(1))).toEqual({ revision: 1n, position: held(1).position });
  });

  it('reads all there is, however often the connection breaks meanwhile', async () => {
    const { open, proxy, log } = await served();
    const sent = someEvents(4_000);
    await log.append('room-1', 'no_stream', sent);
    const store = await open();
    for (const kind of ['reset', 'end'] as const) {
      let pieces = 0;
      let breaks = 0;
      proxy.loses = () => {
        if (++pieces % 11 !== 0 || ++breaks > 8) return false;
        proxy[kind]();
        return true;
      };
      expect(idsOf(await collect(store.readAll()))).toEqual(idsOf(sent));
      expect(idsOf(await collect(store.readStream('room-1', { direction: 'backwards' })))).toEqual(
        idsOf(sent).toReversed(),
      );
      expect(breaks).toBeGreaterThan(5);
    }
  });

  it('leaves nothing open: no subscription on the server, no connection', async () => {
    const { open, log, proxy } = await served();
    const store = await open();
    await store.append('room-1', 'no_stream', someEvents(2_000));
    const stopping = new AbortController();
    const ended = collect(store.subscribeToAll(stopping));
    for (let n = 0; n < 5; n++) await follow(store, {}, isCaughtUp);
    for await (const event of store.readAll()) if (event.revision === 5n) break;
    stopping.abort();
    await ended;
    await until(() => log['subscriptions'].size === 0);
    const closed = collect(store.subscribeToAll());
    await until(() => log['subscriptions'].size === 1);
    await store.close();
    await expect(closed).rejects.toThrow(StoreUnavailable);
    await expect(store.append('room-1', 'any', someEvents(1))).rejects.toThrow(StoreUnavailable);
    await until(() => proxy.openConnections === 0 && log['subscriptions'].size === 0);
  });
});
