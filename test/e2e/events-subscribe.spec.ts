import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import { mayFollow, type Follower } from '../gateway/event-oracle.js';
import { openGatedWorld } from './hearing.js';
import { codeOf } from './outcomes.js';
import { outOfOrder, Resuming, type Got } from './resuming.js';
import { eventsOf } from './stored-log.js';
import {
  connectAs,
  temporaryServers,
  tokenFor,
  type ServerProcess,
  type SocketClient,
  type SocketEvent,
} from './support/server.js';

const sockets = 200;
const cutsEach = 10;
const eventsWritten = 5_000;
const writers = 8;

let servers: Awaited<ReturnType<typeof temporaryServers>>;
let server: ServerProcess;

beforeAll(async () => {
  servers = await temporaryServers();
  for (const world of ['gated', 'beside']) await openGatedWorld(servers.dataDir, world);
  server = await servers.start({ env: { RATE_LIMIT: 'off' } });
});

afterAll(() => servers.remove());

type Caught = { readonly position: string };
const nameIs =
  (name: string) =>
  (event: SocketEvent): boolean =>
    event.name === name;

async function roomsIn(world: string, count: number): Promise<{ admin: SocketClient; rooms: string[] }> {
  const admin = await connectAs(server, 'root', ['admin'], { world });
  const rooms: string[] = [];
  for (let n = 0; n < count; n++) {
    // Every other one can be viewed by everyone.
    const grants = n % 2 === 0 ? { trait_grants: { viewer: [] } } : {};
    rooms.push((await admin.call<{ room: string }>('room.create', { name: `Room ${n}`, ...grants })).room);
  }
  return { admin, rooms };
}

interface Cut {
  /** Events written before the cut. */
  readonly at: number;
  /** Events written until it resumes. */
  readonly away: number;
}

interface Kind {
  readonly who: (user: string) => Follower;
  readonly traits: readonly string[];
  readonly topics: (user: string) => string[];
}

describe('200 sockets, each cut 10 times while 5,000 events are written', () => {
  it('end with exactly the events they may see, in the order of each stream', async () => {
    const { admin, rooms } = await roomsIn('gated', 10);
    const beside = await roomsIn('beside', 2);
    const [open = '', hidden = '', open2 = '', hidden2 = ''] = rooms;
    const isOpen = rooms.filter((_room, n) => n % 2 === 0);
    const start = (await follow(admin, ['world'])).position;
    const world = 'gated';
    const kinds: Kind[] = [
      { who: (user) => ({ user, world, rooms: isOpen }), traits: [], topics: () => ['world', `room:${open}`] },
      { who: (user) => ({ user, world, isAdmin: true }), traits: ['admin'], topics: () => ['world', `room:${hidden}`] },
      {
        who: (user) => ({ user, world, rooms: [...isOpen, hidden2] }),
        traits: [],
        topics: (user) => ['world', `room:${hidden2}`, `room:${open2}`, `user:${user}`],
      },
      { who: (user) => ({ user, world, rooms: isOpen }), traits: [], topics: () => [`room:${open2}`, `room:${open}`] },
      {
        who: (user) => ({ user, world: 'beside', isAdmin: true }),
        traits: ['admin'],
        topics: () => ['world', `room:${beside.rooms[1]}`],
      },
    ];
    const granted = kinds[2];
    const followers = await Promise.all(
      Array.from({ length: sockets }, async (_none, n) => {
        const kind = kinds[n % kinds.length] as Kind;
        const user = `user-${n}`;
        const who = kind.who(user);
        if (kind === granted) await admin.call('room.grant', { room: hidden2, user, role: 'viewer' });
        const token = await tokenFor(user, kind.traits, { world: who.world });
        const topics = kind.topics(user);
        return { kind, who, topics, client: new Resuming({ url: server.url, world: who.world, token }, topics, start) };
      }),
    );
    // One who stays, and one who comes and goes, lose the hidden room halfway.
    const losing = followers.filter(({ kind }) => kind === granted).slice(0, 2);
    const lost = new Set(losing.map(({ who }) => who.user));
    const [staying] = losing;

    let written = 0;
    let done = 0;
    const progress = new Map<number, (() => void)[]>();
    const reached = (count: number): Promise<void> =>
      written >= count
        ? Promise.resolve()
        : new Promise((resolve) => progress.set(count, [...(progress.get(count) ?? []), resolve]));

    const write = async (): Promise<void> => {
      for (let n = written++; n < eventsWritten; n = written++) {
        for (const resolve of progress.get(n) ?? []) resolve();
        const [at, all] = n % 11 === 0 ? [beside.admin, beside.rooms] : [admin, rooms];
        const room = all[n % all.length];
        if (n % 250 === 1) await at.call('room.config.patch', { room, description: `${n}` });
        else await at.call('room.schedule', { room, schedule_data: { session: n } });
        done++;
        if (n === eventsWritten / 2) {
          for (const user of lost) await admin.call('room.revoke', { room: hidden2, user, role: 'viewer' });
        }
      }
      for (const all of progress.values()) for (const resolve of all) resolve();
    };
    const cut = fc.record({ at: fc.noBias(fc.nat({ max: eventsWritten })), away: fc.noBias(fc.nat({ max: 400 })) });
    const cuts = fc.sample(fc.array(cut, { minLength: cutsEach, maxLength: cutsEach }), sockets);
    const comeAndGo = async ({ client }: { readonly client: Resuming }, times: readonly Cut[]): Promise<void> => {
      // Not waited for: a connection may be cut while it still catches up.
      let resumed = client.resume();
      for (const { at, away } of times.toSorted((a, b) => a.at - b.at)) {
        await reached(at);
        client.cut();
        await Promise.all([resumed.catch(() => {}), reached(Math.min(at + away, eventsWritten))]);
        resumed = client.resume();
      }
      await resumed;
    };
    await Promise.all([
      ...Array.from({ length: writers }, write),
      ...followers.map((one, n) => comeAndGo(one, one === staying ? [] : (cuts[n] ?? []))),
    ]);
    expect(done).toBe(eventsWritten);
    // Everything is written: who resumes now and catches up has all.
    await Promise.all(
      followers.map(async (one) => {
        if (one === staying) return;
        one.client.cut();
        await one.client.resume();
      }),
    );
    const log = await eventsOf(servers.dataDir, BigInt(start.split('.')[1] ?? '0'));
    expect(log.length).toBeGreaterThan(eventsWritten);
    const isOfHidden = ({ stream, type }: RecordedEvent): boolean =>
      stream === `room-${hidden2}` && !type.startsWith('RoomRole');
    const problems = followers.flatMap(({ who, topics, client }) => {
      const expected = log.filter(mayFollow(who, topics));
      const differs = (want: readonly RecordedEvent[], got: readonly Got[]): string[] => {
        const at = want.findIndex(({ id }, n) => id !== got[n]?.id);
        return at < 0 && want.length === got.length
          ? []
          : [`${who.user}: ${got.length} of ${want.length}, from ${at} on`];
      };
      const unordered = outOfOrder(client.got).map(({ id }) => `${who.user}: ${id} came too late`);
      if (!lost.has(who.user)) return [...unordered, ...client.refused, ...differs(expected, client.got)];
      // Of the room it lost nothing from the revocation on; of everything else all.
      const isOther = (event: RecordedEvent): boolean => !isOfHidden(event);
      const hiddenIds = new Set(log.filter(isOfHidden).map(({ id }) => id));
      const ofHidden = client.got.filter(({ id }) => hiddenIds.has(id));
      const revoked = log.find(({ type, data }) => type === 'RoomRoleRevoked' && data.user === who.user);
      const before = expected.filter((event) => isOfHidden(event) && event.position < (revoked?.position ?? 0n));
      const others = client.got.filter(({ id }) => !hiddenIds.has(id));
      // What is written in one flush with the revocation is told after it.
      const isShort = who.user === staying?.who.user && ofHidden.length < before.length - 2 * writers;
      return [
        ...unordered,
        ...differs(expected.filter(isOther), others),
        ...differs(before.slice(0, ofHidden.length), ofHidden),
        ...(isShort ? [`${who.user}: ${ofHidden.length} of ${before.length} before the revocation`] : []),
      ];
    });
    expect(problems).toEqual([]);
    expect(losing.map(({ client }) => client.refused)).toEqual([[], [`room:${hidden2}`]]);
    const heard = followers.reduce((sum, { client }) => sum + client.got.length, 0);
    const live = followers.reduce((sum, { client }) => sum + client.live, 0);
    // Both ways were taken, each often.
    expect(Math.min(live, heard - live)).toBeGreaterThan(10_000);
    for (const { client } of followers) client.cut();
  }, 120_000);
});

/** Subscribes; the body of its `caught_up`. */
async function follow(client: SocketClient, topics: readonly string[], after?: string): Promise<Caught> {
  await client.call('events.subscribe', after === undefined ? { topics } : { topics, after });
  return (await client.waitFor(nameIs('caught_up'))).body as Caught;
}

describe('a position', () => {
  it('of another log is reset_required, and so is one beyond the end', async () => {
    const client = await connectAs(server, 'ann');
    const { position } = await follow(client, ['world']);
    const elsewhere = await temporaryServers();
    try {
      const other = await connectAs(await elsewhere.start(), 'ann');
      expect(await codeOf(other.call('events.subscribe', { topics: ['world'], after: position }))).toBe(
        'reset_required',
      );
      expect(await codeOf(other.call('events.subscribe', { topics: ['world'], after: 'start' }))).toBe('success');
    } finally {
      await elsewhere.remove();
    }
    const beyond = `${position.split('.')[0]}.${10n ** 15n}`;
    expect(await codeOf(client.call('events.subscribe', { topics: ['world'], after: beyond }))).toBe('reset_required');
  });

  it('serves across a restart of the server', async () => {
    const folder = await temporaryServers();
    try {
      const first = await folder.start();
      const before = await connectAs(first, 'root', ['admin']);
      const { position } = await follow(before, ['world']);
      await before.call('room.create', { name: 'Made before' });
      await first.stop();
      const after = await connectAs(await folder.start(), 'root', ['admin']);
      const events: string[] = [];
      after.onEvent(({ name, body }) => void (name === 'event' && events.push((body as { type: string }).type)));
      await follow(after, ['world'], position);
      expect(events).toEqual(['RoomRegistered', 'RoomCreated']);
    } finally {
      await folder.remove();
    }
  });
});
