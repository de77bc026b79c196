import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { StoreUnavailable, type EventStore } from '../../src/event-store/event-store.js';
import { GatheredAppends } from '../../src/reactions/gathered-appends.js';
import { idsOf, someEvent, someEvents } from '../contract/event-store-helpers.js';
import { ReactionLog } from './nodes.js';

let log: ReactionLog;
let calls: { kind: string; stream: string; events: number }[];
let store: Pick<EventStore, 'append' | 'retain'>;
let failing: boolean;

beforeEach(async () => {
  log = await ReactionLog.open();
  calls = [];
  failing = false;
  store = {
    append: async (stream, expected, events) => {
      calls.push({ kind: 'append', stream, events: events.length });
      if (failing) throw new StoreUnavailable('away');
      return log.store.append(stream, expected, events);
    },
    retain: async (stream, retention) => {
      calls.push({ kind: 'retain', stream, events: 0 });
      await log.store.retain(stream, retention);
    },
  };
});

afterEach(() => log.close());

const appendsTo = (stream: string): number[] =>
  calls.filter((call) => call.kind === 'append' && call.stream === stream).map(({ events }) => events);

describe('gathered appends', () => {
  it('take together what came while one was under way, in the order in which it came', async () => {
    const appends = new GatheredAppends(store, 60);
    const events = someEvents(300);
    const answers = await Promise.all(events.map((event) => appends.append('reactions-1', event)));
    expect(appendsTo('reactions-1')).toEqual([1, 128, 128, 43]);
    const stored = await log.events();
    expect(idsOf(stored)).toEqual(idsOf(events));
    for (const [n, { position }] of answers.entries())
      expect(position).toBeGreaterThanOrEqual(stored[n]?.position ?? 0n);
    await appends.append('reactions-1', someEvent());
    expect(appendsTo('reactions-1')).toEqual([1, 128, 128, 43, 1]);
  });

  it('of one stream do not wait for those of another', async () => {
    const appends = new GatheredAppends(store, 60);
    await Promise.all(['a', 'b', 'a', 'b', 'a'].map((stream) => appends.append(stream, someEvent())));
    expect([appendsTo('a'), appendsTo('b')]).toEqual([
      [1, 2],
      [1, 1],
    ]);
  });

  it('say once for each stream how long it is kept, before its first event', async () => {
    const appends = new GatheredAppends(store, 60);
    for (let n = 0; n < 3; n++) await appends.append('reactions-1', someEvent());
    expect(calls.map(({ kind }) => kind)).toEqual(['retain', 'append', 'append', 'append']);
    expect(log.store.streams.get('reactions-1').metadata?.data).toEqual({ $maxAge: 60 });
  });

  it('all fail with the one that failed, and work again afterwards', async () => {
    const appends = new GatheredAppends(store, 60);
    failing = true;
    const lost = await Promise.allSettled(someEvents(300).map((event) => appends.append('reactions-1', event)));
    expect(lost.filter(({ status }) => status === 'rejected')).toHaveLength(300);
    expect(appendsTo('reactions-1')).toHaveLength(1);
    failing = false;
    await appends.append('reactions-1', someEvent());
    expect(await log.events()).toHaveLength(1);
  });
});
