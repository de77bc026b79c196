import { status } from '@grpc/grpc-js';
import { describe, expect, it } from '@jest/globals';
import { prepare } from '../../projections/engine/fold.js';
import { EventTooLarge, StoreUnavailable, WrongExpectedRevision } from '../../src/event-store/event-store.js';
import { eventRegistry } from '../../src/event-registry.js';
import type { streams } from '../../src/event-store/protocol/definitions.js';
import type { JsonObject } from '../../src/eventsourcing/events.js';
import { worldConfig } from '../../projections/world-config.js';
import {
  collect,
  eventsOf,
  follow,
  idsOf,
  isCaughtUp,
  reached,
  revisionsOf,
  someEvent,
  someEvents,
} from '../contract/event-store-helpers.js';
import { quick, urlTo } from '../contract/eventstoredb.js';
import { Proxy } from '../contract/proxy.js';
import { endings, held, scripted, served, until } from './eventstoredb-fixture.js';
import { response, success, wrongVersion } from './scripted-server.js';
import type { Held, Script } from './scripted-server.js';

const cyclic: Record<string, unknown> = { rooms: [{}] };
cyclic['rooms'] = [{ parent: cyclic }];

describe('hazards of EventStoreDB and its client', () => {
  it.each<[string, unknown, string]>([
    ['a BigInt', { rooms: [{ size: 1n }] }, 'data.rooms[0].size is a bigint'],
    ['undefined', { endsAt: undefined }, 'data.endsAt is undefined'],
    ['a function', { run: () => 1 }, 'data.run is a function'],
    ['a symbol', { tag: Symbol('tag') }, 'data.tag is a symbol'],
    ['no number', { share: Number.NaN }, 'data.share is NaN'],
    ['a date', { at: new Date(0) }, 'data.at is not plain JSON but a Date'],
    ['a cycle', cyclic, 'data.rooms[0].parent contains itself'],
  ])('1: %s in an event is refused by its path, before the client sees it', async (_what, data, reason) => {
    const store = await (await served()).open();
    // What a mistake in a decider would make, past the types.
    const bad = someEvent('SomethingHappened', data as JsonObject);
    await expect(store.append('room-1', 'no_stream', [someEvent(), bad])).rejects.toThrow(
      `event SomethingHappened cannot be stored: ${reason}`,
    );
    expect(await collect(store.readStream('room-1'))).toEqual([]);
  });

  it('1: any JSON passes, whatever its fields are called', async () => {
    const store = await (await served()).open();
    const data = JSON.parse('{"toJSON":"x","__proto__":{"constructor":null},"a":[[],{"":-0.5}]}');
    await store.append('room-1', 'no_stream', [someEvent('SomethingHappened', data)]);
    const [read] = await collect(store.readStream('room-1'));
    expect(JSON.stringify(read?.data)).toBe(JSON.stringify(data));
  });

  it('1: what EventStoreDB takes for its own, too large events and ids that are no UUIDs are refused', async () => {
    const store = await (await served()).open();
    await expect(store.append('$room', 'any', [someEvent()])).rejects.toThrow('system stream');
    await expect(store.append('room-1', 'any', [someEvent('$Odd')])).rejects.toThrow('event type');
    await expect(store.append('room-1', 'any', [someEvent('Odd', {}, 'event-1')])).rejects.toThrow('no UUID');
    const large = someEvent('Large', { text: 'x'.repeat(2 * 1024 * 1024) });
    const tooLarge = store.append('room-1', 'any', [large]);
    await expect(tooLarge).rejects.toThrow(EventTooLarge);
    await expect(tooLarge).rejects.toThrow('event Large has');
  });

  it('2: an append without an answer is sent again over another connection, and takes effect once', async () => {
    const { open, proxy } = await served();
    const store = await open();
    await store.append('room-1', 'no_stream', someEvents(1));
    const sent = someEvents(2);
    proxy.freeze();
    const appended = await store.append('room-1', 0n, sent);
    proxy.thaw();
    expect(appended.revision).toBe(2n);
    expect(revisionsOf(await collect(store.readStream('room-1')))).toEqual([0n, 1n, 2n]);
  });

  it('2: an append that the server forgets while it answers everything else is sent again as it was', async () => {
    const requests: streams.BatchAppendReq[] = [];
    const append: Script['append'] = (call, request) => {
      if (requests.push(request) > 1) call.write(success(request, 1n, 142n));
    };
    const { store } = await scripted({ events: [held(0)], append });
    const sent = someEvents(1);
    expect(await store.append('room-1', 0n, sent)).toEqual({ revision: 1n, position: 142n });
    expect(requests.map((request) => request.getOptions()?.getStreamPosition())).toEqual(['0', '0']);
    const ids = requests.map((request) => request.getProposedMessagesList().map((event) => event.getId()?.getString()));
    expect(ids).toEqual([idsOf(sent), idsOf(sent)]);
  });

  it('2: a server that stays silent is unavailable within the time given, and a resend later takes effect once', async () => {
    const { open, proxy } = await served();
    const store = await open({ timings: { ...quick, budgetMs: 1_000 } });
    proxy.freeze({ coming: true });
    const sent = someEvents(2);
    const startedAt = performance.now();
    const appends = [store.append('room-1', 'no_stream', sent), store.append('room-2', 'no_stream', someEvents(1))];
    for (const { status: outcome } of await Promise.allSettled(appends)) expect(outcome).toBe('rejected');
    await expect(appends[0]).rejects.toThrow(StoreUnavailable);
    await expect(collect(store.readStream('room-1'))).rejects.toThrow(StoreUnavailable);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    proxy.thaw();
    expect((await store.append('room-1', 'no_stream', sent)).revision).toBe(1n);
    expect(idsOf(await collect(store.readStream('room-1')))).toEqual(idsOf(sent));
  });

  it('3: a wrong revision is thrown, whatever the URL says', async () => {
    const { open, proxy } = await served();
    const store = await open({ url: `${urlTo(proxy.port)}&throwOnAppendFailure=false` });
    await store.append('room-1', 'no_stream', someEvents(2));
    await expect(store.append('room-1', 0n, someEvents(1))).rejects.toMatchObject({ expected: 0n, actual: 1n });
  });

  it('3: a wrong revision that is the answer to a resend is answered as the first time', async () => {
    const sent = someEvents(2);
    const events = sent.map(({ id }, n) => held(n, { id }));
    // A server that does not recognise what it has.
    const append: Script['append'] = (call, request) => call.write(wrongVersion(request, 1n));
    const { store } = await scripted({ events, append });
    expect(await store.append('room-1', 'no_stream', sent)).toEqual({ revision: 1n, position: 142n });
    await expect(store.append('room-1', 'no_stream', someEvents(2))).rejects.toThrow(WrongExpectedRevision);
    await expect(store.append('room-1', 0n, sent.slice(1))).resolves.toEqual({ revision: 1n, position: 142n });
  });

  it('4: checkpoints move a subscription on, and a consumer that throws at one stops nobody else', async () => {
    const store = await (await served()).open();
    const filter = { types: ['Opened'] };
    const other = follow(store, { filter }, (messages) => eventsOf(messages).length === 2);
    const failing = async (): Promise<void> => {
      for await (const { type } of store.subscribeToAll({ filter })) if (type === 'checkpoint') throw new Error('mine');
    };
    const ended = new AbortController();
    const failed = failing()
      .catch((error: unknown) => error)
      .finally(() => ended.abort());
    await store.append('room-2', 'any', [someEvent('Opened')]);
    // However late the subscription starts, events it passes over go on coming.
    while (!ended.signal.aborted) await store.append('room-1', 'any', someEvents(100));
    expect(await failed).toEqual(new Error('mine'));
    const { position } = await store.append('room-3', 'any', [someEvent('Opened')]);
    expect(eventsOf(await other).at(-1)?.position).toBe(position);
    const { position: end } = await store.append('room-1', 'any', someEvents(3));
    const messages = await follow(store, { filter }, reached(end));
    expect(eventsOf(messages)).toHaveLength(2);
  });

  it.each(['an error', 'an end', 'a lost connection'])(
    '5: after %s a subscription goes on where it was',
    async (kind) => {
      const events = Array.from({ length: 12 }, (_, n) => held(n));
      const subscribe: Script['subscribe'] = (call, after) => {
        // Three more each time, and the one that was asked after.
        const coming = events.filter(({ position }) => position >= after).slice(0, after < 0n ? 3 : 4);
        for (const event of coming) call.write(response(event));
        if (kind === 'an end') call.end();
        if (kind === 'an error') call.emit('error', { code: status.ABORTED, details: 'dropped' });
      };
      const { store, proxy } = await scripted({ events, subscribe }, { stallMs: 60_000 });
      const messages = await follow(store, {}, (all) => {
        if (kind === 'a lost connection') proxy.reset();
        return eventsOf(all).length >= events.length;
      });
      expect(eventsOf(messages).map(({ position }) => position)).toEqual(events.map(({ position }) => position));
    },
  );

  it('6: a frozen server shows, and when it is back everything goes on', async () => {
    const { open, proxy } = await served();
    const store = await open({ timings: { ...quick, stallMs: 60_000 } });
    await store.append('room-1', 'no_stream', someEvents(3));
    const seen = follow(store, {}, (messages) => eventsOf(messages).length === 5);
    await follow(store, {}, isCaughtUp);
    expect(store.available).toBe(true);
    proxy.freeze({ coming: true });
    const frozenAt = performance.now();
    await until(() => !store.available);
    expect(performance.now() - frozenAt).toBeLessThan(2_000);
    proxy.thaw();
    await until(() => store.available);
    await store.append('room-1', 2n, someEvents(2));
    expect(revisionsOf(eventsOf(await seen))).toEqual([0n, 1n, 2n, 3n, 4n]);
  });

  it('6: a subscription that stands still while the server answers otherwise is seen and started anew', async () => {
    const events: Held[] = [];
    let subscriptions = 0;
    const subscribe: Script['subscribe'] = (call) => {
      if (++subscriptions > 1) for (const event of events) call.write(response(event));
    };
    const { store } = await scripted({ events, subscribe });
    const seen = follow(store, {}, (messages) => eventsOf(messages).length === 1);
    await until(() => subscriptions === 1);
    events.push(held(1));
    await until(() => store.behindMs > 0);
    expect(revisionsOf(eventsOf(await seen))).toEqual([1n]);
    expect(store.behindMs).toBe(0);
  });

  it('7: events that others wrote keep their place, and none can stop or crash a consumer', async () => {
    const ours = JSON.stringify(someEvent().metadata);
    const events: Held[] = [
      held(0, { metadata: '' }),
      held(1, { data: '{"half":', metadata: '{"other":' }),
      held(2, { data: '"text"', metadata: '"text"' }),
      held(3, {
        contentType: 'application/octet-stream',
        data: Buffer.from([0, 255]),
        metadata: Buffer.from([0, 255]),
      }),
      held(4, { data: '[1]', metadata: '[1]' }),
      held(5, { data: 'null', metadata: 'null' }),
      held(6, { type: 'WorldOpened', metadata: '' }),
      held(7, {
        type: 'WorldOpened',
        metadata: ours,
        contentType: 'application/octet-stream',
        data: Buffer.from('{}'),
      }),
    ];
    const subscribe: Script['subscribe'] = (call) => {
      for (const event of events) call.write(response(event));
    };
    const { store } = await scripted({ events, subscribe });
    const all = eventsOf(await follow(store, {}, (messages) => eventsOf(messages).length === events.length));
    expect(await collect(store.readAll())).toEqual(all);
    expect(await collect(store.readStream('room-1'))).toEqual(all);
    for (const event of all) {
      // Consumers may look at the world before they read.
      expect(event.metadata.world).toBe(event.revision === 7n ? 'world' : undefined);
      expect(() => eventRegistry.read(event)).toThrow(expect.objectContaining({ name: 'UnreadableEvent' }));
    }
    const prepared = prepare(worldConfig, all, (event) => eventRegistry.read(event));
    expect(prepared.filter(({ failure }) => failure !== undefined)).toHaveLength(all.length);
  });

  it('8: only `any` goes without an expected revision', async () => {
    const store = await (await served()).open();
    await store.append('reactions-1', 'any', someEvents(1));
    await store.append('reactions-1', 'any', someEvents(1));
    for (const expected of ['no_stream', 0n, 5n] as const) {
      await expect(store.append('reactions-1', expected, someEvents(1))).rejects.toThrow(WrongExpectedRevision);
    }
    expect(await collect(store.readStream('reactions-1'))).toHaveLength(2);
  });

  it('9: positions have gaps, and events of the server itself are passed over', async () => {
    const own = { stream: '$stats-1', type: '$statsCollected' };
    const events = [held(0), held(1, own), held(2), held(3, { type: '$>' }), held(4), held(5, own), held(6, own)];
    const subscribe: Script['subscribe'] = (call, after) => {
      for (const event of events.filter(({ position }) => position > after)) call.write(response(event));
    };
    const { store } = await scripted({ events, subscribe });
    const positions = [held(0), held(2), held(4)].map(({ position }) => position);
    expect(await store.head()).toBe(positions[2]);
    for (const [n, after] of [-1n, ...positions].entries()) {
      const rest = (await collect(store.readAll({ after }))).map(({ position }) => position);
      expect(rest).toEqual(positions.slice(n));
      const messages = await follow(store, { after }, (all) => all.some(({ type }) => type === 'caughtUp'));
      expect(eventsOf(messages).map(({ position }) => position)).toEqual(positions.slice(n));
      // Not beyond what others see as the head: a consumer that tells it to others would seem to come from another log.
      expect(messages.at(-1)).toEqual({ type: 'caughtUp', position: positions[2] });
      const before = await collect(store.readAll({ after, direction: 'backwards' }));
      expect(before.map(({ position }) => position)).toEqual(positions.slice(0, Math.max(n - 1, 0)).toReversed());
    }
    const last = await collect(store.readAll({ direction: 'backwards', limit: 1 }));
    expect(last.map(({ position }) => position)).toEqual(positions.slice(-1));
  });

  it('9: the log is read under the account of the projections, streams under the other', async () => {
    const { open, proxy, port, log } = await served();
    const second = await Proxy.to(port);
    endings.push(() => second.close());
    const store = await open({ projectorUrl: urlTo(second.port) });
    const before = second.connections;
    expect(before).toBeGreaterThan(0);
    proxy.freeze({ coming: true });
    await log.append('room-1', 'no_stream', someEvents(3));
    expect(await collect(store.readAll())).toHaveLength(3);
    expect(eventsOf(await follow(store, {}, isCaughtUp))).toHaveLength(3);
    proxy.thaw();
  });
});
