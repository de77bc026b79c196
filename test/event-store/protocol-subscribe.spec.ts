import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import eventStoreDb from '@eventstore/db-client';
import type { Position, SubscribeToAllOptions } from '@eventstore/db-client';
import { someEvent } from '../contract/event-store-helpers.js';
import { anEvent, commits, connect, events, revisions, serve, take } from './protocol-fixture.js';

const { eventTypeFilter, excludeSystemEvents, streamNameFilter } = eventStoreDb;

const at = (commit: bigint): Position => ({ commit, prepare: commit });

describe('subscribing to $all', () => {
  it('is confirmed, goes through history, is told when it has caught up, then hears what is new', async () => {
    const { client } = await serve();
    await client.appendToStream('room-1', events(2));
    const heard: unknown[] = [];
    const subscription = client.subscribeToAll();
    subscription.on('confirmation', () => heard.push('confirmation'));
    subscription.on('data', ({ event }) => heard.push(event?.position.commit));
    subscription.on('caughtUp', () => heard.push('caughtUp'));
    await once(subscription, 'caughtUp');
    expect(heard.filter((what) => typeof what === 'string')).toEqual(['confirmation', 'caughtUp']);
    const third = once(subscription, 'data');
    await client.appendToStream('room-2', anEvent());
    await third;
    expect(heard.filter((what) => typeof what === 'bigint')).toEqual([1n, 2n, 3n]);
    await subscription.unsubscribe();
  });

  it('goes on after a position, from the start before the first event', async () => {
    const { client } = await serve();
    await client.appendToStream('room-1', events(4));
    expect(commits(await take(client.subscribeToAll({ fromPosition: at(2n) }), 2))).toEqual([3n, 4n]);
    expect(commits(await take(client.subscribeToAll({ fromPosition: at(0n) }), 1))).toEqual([1n]);
  });

  it('from the end hears only what is new', async () => {
    const { client } = await serve();
    await client.appendToStream('room-1', events(3));
    const subscription = client.subscribeToAll({ fromPosition: 'end' });
    await once(subscription, 'caughtUp');
    const next = take(subscription, 1);
    await client.appendToStream('room-1', anEvent());
    expect(commits(await next)).toEqual([4n]);
  });

  it('refuses a position beyond the end: it is of another log', async () => {
    const { client } = await serve();
    await client.appendToStream('room-1', anEvent());
    const [error] = await once(client.subscribeToAll({ fromPosition: at(3n) }), 'error').catch((thrown) => [thrown]);
    expect(error).toMatchObject({ message: expect.stringMatching(/position 3 is beyond the end of this log/) });
  });

  it.each([
    [streamNameFilter({ prefixes: ['room-'] }), ['room-1', 'room-22']],
    [streamNameFilter({ prefixes: ['user', 'room-2'] }), ['user-1', 'room-22']],
    [streamNameFilter({ regex: '^\\w+-1$' }), ['room-1', 'user-1']],
    [eventTypeFilter({ prefixes: ['Made'] }), ['room-1', 'room-22']],
    [eventTypeFilter({ regex: 'Left$' }), ['user-1']],
    [excludeSystemEvents(), ['room-1', 'user-1', 'room-22']],
  ])('filters by %o', async (filter, expected) => {
    const { client } = await serve();
    await client.appendToStream('room-1', anEvent('MadeRoom'));
    await client.appendToStream('user-1', anEvent('UserLeft'));
    await client.appendToStream('room-22', anEvent('MadeRoom'));
    const streams: string[] = [];
    const subscription = client.subscribeToAll({ filter });
    subscription.on('data', ({ event }) => streams.push(event?.streamId ?? ''));
    await once(subscription, 'caughtUp');
    expect(streams).toEqual(expected);
    await subscription.unsubscribe();
  });

  it('refuses a filter that is no regular expression', async () => {
    const { client } = await serve();
    const subscription = client.subscribeToAll({ filter: streamNameFilter({ regex: '(' }) });
    const [error] = await once(subscription, 'error').catch((thrown) => [thrown]);
    expect(error).toMatchObject({ message: expect.stringMatching(/regular expression \(/) });
  });

  it('gives a checkpoint per interval of events looked at, in history and live', async () => {
    const { client } = await serve();
    await client.appendToStream('room-1', events(25));
    const reached: bigint[] = [];
    let third: () => void;
    const atThird = new Promise<void>((resolve) => (third = resolve));
    const filter: SubscribeToAllOptions['filter'] = streamNameFilter({
      prefixes: ['other'],
      maxSearchWindow: 5,
      checkpointInterval: 2,
      checkpointReached: async (_subscription, { commit }) => {
        if (reached.push(commit) === 3) third();
      },
    });
    const subscription = client.subscribeToAll({ filter });
    subscription.resume();
    await once(subscription, 'caughtUp');
    expect(reached).toEqual([10n, 20n]);
    await client.appendToStream('room-1', events(7));
    await atThird;
    expect(reached).toEqual([10n, 20n, 30n]);
    await subscription.unsubscribe();
  });

  it('serves many subscribers from history into live without gap or repetition', async () => {
    const { client } = await serve();
    const appending = Promise.all(
      Array.from({ length: 300 }, (_, n) => client.appendToStream(`room-${n % 7}`, anEvent())),
    );
    const subscribed = Array.from({ length: 5 }, () => take(client.subscribeToAll(), 300));
    await appending;
    const all = Array.from({ length: 300 }, (_, n) => BigInt(n + 1));
    for (const heard of subscribed) expect(commits(await heard)).toEqual(all);
  });
});

describe('subscribing to a stream', () => {
  it('goes through history, then hears what is new, of this stream only', async () => {
    const { client } = await serve();
    await client.appendToStream('room-1', events(3));
    await client.appendToStream('room-11', events(5));
    const subscription = client.subscribeToStream('room-1', { fromRevision: 0n });
    const heard = take(subscription, 4);
    await once(subscription, 'caughtUp');
    await client.appendToStream('room-11', anEvent());
    await client.appendToStream('room-1', events(2));
    expect(revisions(await heard)).toEqual([1n, 2n, 3n, 4n]);
  });

  it('from the end hears only what is new', async () => {
    const { client } = await serve();
    await client.appendToStream('room-1', events(3));
    const subscription = client.subscribeToStream('room-1', { fromRevision: 'end' });
    await once(subscription, 'caughtUp');
    const next = take(subscription, 1);
    await client.appendToStream('room-1', anEvent());
    expect(revisions(await next)).toEqual([3n]);
  });

  it('hears once what is appended while it starts', async () => {
    const { client, store } = await serve();
    await client.appendToStream('room-1', anEvent());
    const head = store.head.bind(store);
    store.head = async () => {
      const before = await head();
      await store.append('room-1', 'any', [someEvent()]);
      return before;
    };
    const subscription = client.subscribeToStream('room-1');
    const heard = take(subscription, 3);
    await once(subscription, 'caughtUp');
    await client.appendToStream('room-1', anEvent());
    expect(revisions(await heard)).toEqual([0n, 1n, 2n]);
  });

  it('waits for a stream that does not exist yet', async () => {
    const { client } = await serve();
    const subscription = client.subscribeToStream('room-1');
    const heard = take(subscription, 1);
    await once(subscription, 'confirmation');
    await client.appendToStream('room-1', anEvent());
    expect(revisions(await heard)).toEqual([0n]);
  });

  it('ends when the stream is deleted for good', async () => {
    const { client } = await serve();
    await client.appendToStream('room-1', anEvent());
    const subscription = client.subscribeToStream('room-1');
    const failed = new Promise((resolve) => subscription.on('error', resolve));
    subscription.resume();
    await once(subscription, 'caughtUp');
    await client.tombstoneStream('room-1');
    expect(await failed).toMatchObject({ type: 'stream-deleted', streamName: 'room-1' });
    await expect(once(client.subscribeToStream('room-1'), 'data')).rejects.toMatchObject({ type: 'stream-deleted' });
  });
});

describe('a subscription', () => {
  it('ends with the server, and goes on with the next one', async () => {
    const served = await serve();
    await served.client.appendToStream('room-1', anEvent());
    const subscription = served.client.subscribeToAll();
    const failed = new Promise((resolve) => subscription.on('error', resolve));
    const [{ event }] = await once(subscription, 'data');
    const again = served.restart();
    expect(await failed).toMatchObject({ type: 'unavailable' });
    const { client } = await again;
    await client.appendToStream('room-1', anEvent());
    expect(commits(await take(client.subscribeToAll({ fromPosition: event.position }), 1))).toEqual([2n]);
  });

  it('leaves nothing behind when its client goes', async () => {
    const { client, server, store } = await serve();
    const signals: AbortSignal[] = [];
    const subscribeToAll = store.subscribeToAll.bind(store);
    store.subscribeToAll = (options = {}) => {
      if (options.signal) signals.push(options.signal);
      return subscribeToAll(options);
    };
    const other = connect(server.port);
    await once(other.subscribeToAll().resume(), 'caughtUp');
    await once(other.subscribeToStream('room-1').resume(), 'caughtUp');
    const ended = signals.map((signal) => once(signal, 'abort'));
    await other.dispose();
    await Promise.all(ended);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    await client.appendToStream('room-1', anEvent());
  });
});
