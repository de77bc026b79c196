import { describe, it } from '@jest/globals';
import { openEventStoreDb } from '../../src/event-store/eventstoredb/eventstoredb-event-store.js';
import { eventStoreContract } from './event-store.js';
import { disturb, quick } from './eventstoredb.js';
import { Proxy } from './proxy.js';
import { Scope } from './scoped-store.js';

const url = process.env['EVENTSTORE_URL'];

// Without a server the suite is there, visibly skipped.
if (url === undefined || url === '') {
  describe('event store contract: an EventStoreDB server', () => {
    // oxlint-disable-next-line jest/no-disabled-tests, jest/expect-expect -- says that a server is missing
    it.skip('runs where EVENTSTORE_URL names a server', () => undefined);
  });
} else {
  // `esdb://[user:password@]host[:port]?tls=false`; with TLS a proxy cannot stand in for the host, so nothing is disturbed.
  const [, account = '', host = '', port = '2113'] = /^esdb:\/\/(.*@)?([\w.-]+)(?::(\d+))?/.exec(url) ?? [];
  const isPlain = url.includes('tls=false');
  eventStoreContract('an EventStoreDB server', async () => {
    const proxy = isPlain ? await Proxy.to(Number(port), host) : undefined;
    const over = proxy ? `esdb://${account}127.0.0.1:${proxy.port}?tls=false` : url;
    const open = () => openEventStoreDb({ url: over, timings: quick });
    let store = await open();
    const scope = await Scope.at(store);
    return {
      store: scope.of(store),
      reopen: async () => {
        await store.close();
        store = await open();
        return scope.of(store);
      },
      ...(proxy && { disturb: (kind) => disturb(proxy, kind) }),
      dispose: async () => {
        await store.close();
        await proxy?.close();
      },
    };
  });
}
