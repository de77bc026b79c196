import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { toCloudEvent } from '../../src/event-store/cloud-event.js';
import { formatPosition } from '../../src/event-store/position.js';
import { arrayDialect } from '../../src/gateway/dialects/array.js';
import type { Dialect } from '../../src/gateway/dialects/dialect.js';
import { mayFollow } from './event-oracle.js';
import { call, history, idsOf, Stage, type CloudBody, type Message } from './event-streams-parts.js';
import { type Client, until } from './harness.js';

let stage: Stage;
let open: string;
let hidden: string;
let foreign: string;

beforeAll(async () => {
  stage = await Stage.open();
  open = await stage.room('Open');
  hidden = await stage.room('Hidden', false);
  foreign = await stage.room('Foreign', true, 'other');
  for (let n = 0; n < 3; n++) {
    for (const room of [open, hidden]) await stage.schedule(room, n);
    await stage.schedule(foreign, n, 'other');
  }
});

afterEach(() => stage.stopServing());
afterAll(() => stage.close());

const ok = {};
/** The type of the next message, or of the event it brings. */
const nextType = async (client: Client): Promise<string> => {
  const [name, body] = (await client.next()) as Message;
  return name === 'event' ? (body as CloudBody).type : name;
};
/** Nothing else came: what the server sends it sends before the answer to a later ping. */
const silence = async (client: Client): Promise<void> => {
  client.send(['ping', 'still']);
  expect(await client.next()).toEqual(['pong', 'still']);
};

describe('events.subscribe', () => {
  it('answers, then brings what comes after the position, then caught_up, then what happens', async () => {
    const harness = await stage.serve();
    const client = await harness.client('ann');
    const all = (await stage.events()).filter(
      mayFollow({ user: 'ann', world: 'demo', rooms: [open] }, [`room:${open}`]),
    );
    const [first, ...rest] = all.map((event) => toCloudEvent(event, stage.store.epoch));
    expect(await call(client, 'events.subscribe', { topics: [`room:${open}`], after: first?.position })).toEqual(ok);
    const { events, caughtUp } = await history(client);
    expect(events).toEqual(rest);
    expect(rest.length).toBeGreaterThan(2);
    expect(caughtUp).toEqual({ topics: [`room:${open}`], position: await stage.head() });
    await stage.schedule(open, 10);
    const last = (await stage.events()).at(-1);
    expect(await client.next()).toEqual(['event', last && toCloudEvent(last, stage.store.epoch)]);
  });

  it('begins with the log for "start", and now without a position', async () => {
    const harness = await stage.serve();
    const client = await harness.client('ann+admin');
    await call(client, 'events.subscribe', { topics: ['world'], after: 'start' });
    const expected = (await stage.events()).filter(mayFollow({ user: 'ann', world: 'demo', isAdmin: true }, ['world']));
    expect(idsOf((await history(client)).events)).toEqual(idsOf(expected));
    await call(client, 'events.subscribe', { topics: [`room:${open}`] });
    expect(await history(client)).toEqual({
      events: [],
      caughtUp: { topics: [`room:${open}`], position: await stage.head() },
    });
  });

  it('brings each person what it may see, as history and live, and nothing of another world', async () => {
    const harness = await stage.serve();
    const cases = [
      [{ user: 'ann', world: 'demo', rooms: [open] }, 'ann', ['world', `room:${open}`, 'user:ann']],
      [{ user: 'adm', world: 'demo', isAdmin: true }, 'adm+admin', ['world', `room:${open}`, `room:${hidden}`]],
      [{ user: 'adm', world: 'other', isAdmin: true }, 'adm+admin', ['world', `room:${foreign}`]],
      [{ user: 'adm', world: 'demo', isAdmin: true }, 'adm+admin', [`room:${hidden}`]],
    ] as const;
    const clients: Client[] = [];
    const seen: string[][] = [];
    for (const [who, token, topics] of cases) {
      const client = await harness.client(token, {}, `/ws/world/${who.world}`);
      expect(await call(client, 'events.subscribe', { topics, after: 'start' })).toEqual(ok);
      clients.push(client);
      seen.push(idsOf((await history(client)).events));
    }
    for (const [room, world] of [[open], [hidden], [foreign, 'other']] as const) {
      await stage.schedule(room, 5, world);
      await stage.inRoom({ type: 'PatchRoomConfig', room, force_join: true }, world);
      await stage.inRoom({ type: 'GrantRoomRole', room, user: 'adm', role: 'moderator' }, world);
      await stage.inRoom({ type: 'RevokeRoomRole', room, user: 'ann', role: 'moderator' }, world);
    }
    await stage.inWorld('GrantWorldRole', 'bob', 'viewer');
    await stage.inWorld('RevokeWorldRole', 'ann', 'speaker');
    const events = await stage.events();
    for (const [index, [who, , topics]] of cases.entries()) {
      const expected = idsOf(events.filter(mayFollow(who, topics)));
      const got = seen[index] ?? [];
      expect(got.length).toBeGreaterThan(3);
      expect(expected.length).toBeGreaterThan(got.length + 1);
      const client = clients[index] as Client;
      const live = (await client.take(expected.length - got.length)) as [string, CloudBody][];
      expect([...got, ...idsOf(live.map(([, body]) => body))]).toEqual(expected);
      await silence(client);
    }
  });

  it('asks for permission for each event when it is sent, also for history', async () => {
    const harness = await stage.serve();
    const [ann, admin] = [await harness.client('ann'), await harness.client('adm+admin')];
    const grant = { room: hidden, user: 'ann', role: 'viewer' };
    await stage.inRoom({ type: 'GrantRoomRole', ...grant });
    for (const client of [ann, admin]) {
      await call(client, 'events.subscribe', { topics: [`room:${hidden}`] });
      await history(client);
    }
    await stage.schedule(hidden, 20);
    expect([await nextType(ann), await nextType(admin)]).toEqual(['RoomScheduleChanged', 'RoomScheduleChanged']);
    await stage.inRoom({ type: 'RevokeRoomRole', ...grant });
    await stage.schedule(hidden, 21);
    expect([await nextType(admin), await nextType(admin)]).toEqual(['RoomRoleRevoked', 'RoomScheduleChanged']);
    await silence(ann);
    // What it was told of the room before is no more its own either.
    await call(ann, 'events.subscribe', { topics: ['world', 'user:ann'], after: 'start' });
    const seen = (await history(ann)).events;
    expect(seen.map(({ type }) => type)).toContain('RoomRoleRevoked');
    expect(seen.filter(({ type, data }) => type === 'RoomCreated' && JSON.stringify(data).includes(hidden))).toEqual(
      [],
    );
  });

  it('brings an event once, however many topics and subscriptions have it', async () => {
    const harness = await stage.serve();
    const client = await harness.client('adm+admin');
    await call(client, 'events.subscribe', { topics: ['world', `room:${open}`], after: 'start' });
    const { events } = await history(client);
    expect(new Set(idsOf(events)).size).toBe(events.length);
    await call(client, 'events.subscribe', { topics: ['user:adm', `room:${hidden}`] });
    await history(client);
    await stage.inRoom({ type: 'PatchRoomConfig', room: open, description: 'One' });
    await stage.inRoom({ type: 'PatchRoomConfig', room: hidden, description: 'Two' });
    expect([await nextType(client), await nextType(client)]).toEqual(['RoomConfigPatched', 'RoomConfigPatched']);
    await silence(client);
    // A topic that is followed already starts anew, and is still followed once.
    await call(client, 'events.subscribe', { topics: [`room:${open}`], after: events.at(-1)?.position });
    expect((await history(client)).events.map(({ type }) => type)).toEqual(['RoomConfigPatched']);
    await stage.schedule(open, 30);
    expect(await nextType(client)).toBe('RoomScheduleChanged');
    await silence(client);
  });

  it('encodes an event once per dialect for all who follow it', async () => {
    let encoded = 0;
    const event = (name: string, body: unknown): string => {
      if (name === 'event') encoded++;
      return arrayDialect.event(name, body);
    };
    const counting = (): Dialect => {
      const dialect: Dialect = { ...arrayDialect, event, with: () => dialect };
      return dialect;
    };
    const routes = new Map([
      ['/ws/world/', counting()],
      ['/ws/also/', counting()],
    ]);
    const harness = await stage.serve({ routes });
    const paths = Array.from({ length: 20 }, (_none, n) => (n % 2 === 0 ? '/ws/world/demo' : '/ws/also/demo'));
    const clients = await Promise.all(paths.map((path, n) => harness.client(`user-${n}`, {}, path)));
    const [before] = (await stage.events()).slice(-1);
    const after = formatPosition(stage.store.epoch, before?.position ?? 0n);
    for (let n = 0; n < 5; n++) await stage.schedule(open, 40 + n);
    for (const client of clients) {
      await call(client, 'events.subscribe', { topics: [`room:${open}`], after });
      expect((await history(client)).events).toHaveLength(5);
    }
    await stage.schedule(open, 45);
    for (const client of clients) expect(await nextType(client)).toBe('RoomScheduleChanged');
    expect(encoded).toBe(2 * 6);
  });
});

describe('events.unsubscribe', () => {
  it('ends topics from its reply on, all of them without a list', async () => {
    const harness = await stage.serve();
    const client = await harness.client('adm+admin');
    await call(client, 'events.subscribe', { topics: ['world', `room:${open}`, `room:${hidden}`] });
    await history(client);
    expect(await call(client, 'events.unsubscribe', { topics: [`room:${open}`, 'meeting:m1'] })).toEqual(ok);
    await stage.schedule(open, 50);
    await stage.schedule(hidden, 51);
    expect(await nextType(client)).toBe('RoomScheduleChanged');
    await silence(client);
    expect(await call(client, 'events.unsubscribe', {})).toEqual(ok);
    expect(harness.connectionOf('adm').subscriptions).toBeUndefined();
    await stage.schedule(hidden, 52);
    await silence(client);
  });

  it('also ends what is still catching up', async () => {
    const harness = await stage.serve();
    const client = await harness.client('adm+admin');
    client.send(['events.subscribe', 1, { topics: ['world'], after: 'start' }], ['events.unsubscribe', 2, {}]);
    const names: unknown[] = [];
    for (let id: unknown; id !== 2;) {
      const message = (await client.next()) as Message;
      [, id] = message;
      names.push(message[0]);
    }
    expect(names.filter((name) => name === 'caught_up')).toEqual([]);
    await stage.inWorld('GrantWorldRole', 'bob', 'viewer');
    await silence(client);
  });
});

describe('a slow reader', () => {
  const large = 'x'.repeat(60_000);

  it('gets its history as it reads, with little waiting in the server', async () => {
    const after = await stage.head();
    for (let n = 0; n < 300; n++) await stage.schedule(hidden, n, 'demo', large);
    const harness = await stage.serve();
    const client = await harness.client('adm+admin');
    const connection = harness.connectionOf('adm');
    client.send(['events.subscribe', 1, { topics: [`room:${hidden}`], after }]);
    await client.next();
    client.ws.pause();
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, connection.backlog)), 0);
    // It does not read, and others are served all the same.
    const other = await harness.client('bob');
    await call(other, 'events.subscribe', { topics: [`room:${open}`], after });
    await history(other);
    await until(() => connection.backlog > 200_000);
    client.ws.resume();
    expect((await history(client)).events).toHaveLength(300);
    clearInterval(watch);
    expect(most).toBeLessThan(400_000);
  });

  it('is cut off (4408) when it is live, and goes on where it was', async () => {
    const harness = await stage.serve();
    const client = await harness.client('adm+admin');
    const connection = harness.connectionOf('adm');
    await call(client, 'events.subscribe', { topics: [`room:${hidden}`] });
    const { position } = (await history(client)).caughtUp;
    client.ws.pause();
    let written = 0;
    for (; !connection.closed; written++) await stage.schedule(hidden, written, 'demo', large);
    client.ws.resume();
    expect((await client.closed).code).toBe(4408);
    const again = await harness.client('adm+admin');
    await call(again, 'events.subscribe', { topics: [`room:${hidden}`], after: position });
    expect((await history(again)).events).toHaveLength(written);
  });
});
