import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import type { PresenceEvent } from '../../src/presence/presence.js';
import { connectAs, temporaryServers, type ServerProcess, type SocketClient } from '../e2e/support/server.js';
import { logProblems, readLog, readModelProblems } from './oracle.js';
import { scale } from './scale.js';
import { randomFrom, type Random } from './workload.js';

const seed = Number(process.env.FAULT_SEED ?? Date.now() % 2 ** 32);
const env = { RATE_LIMIT: 'off' };
const roomCount = 3;
/** Fewer people than connections: everybody has several tabs. */
const people = Math.ceil(scale.stormSockets / 3);

/** One connection of a person, with the rooms it should be in; undefined while it is gone. */
interface Tab {
  readonly user: string;
  client: SocketClient | undefined;
  readonly inside: Set<string>;
}

type Viewer = { readonly id: string };
const isLost = (error: unknown): boolean => error instanceof Error && error.name === 'ConnectionLost';

/** Does one thing at random with one connection. A server that goes away meanwhile ends it. */
async function oneStep(server: ServerProcess, tab: Tab, rooms: readonly string[], random: Random): Promise<void> {
  const room = rooms[random(rooms.length)] ?? '';
  try {
    if (!tab.client?.open) {
      tab.inside.clear();
      tab.client = await connectAs(server, tab.user, [], { timeoutMs: 60_000 });
    } else if (random(10) < 5) {
      // First, so that it counts as entered when the answer is lost: then the connection is lost, too.
      tab.inside.add(room);
      await tab.client.call('room.enter', { room });
    } else if (random(10) < 7) {
      await tab.client.call('room.leave', { room });
      tab.inside.delete(room);
    } else {
      const { client } = tab;
      tab.client = undefined;
      tab.inside.clear();
      if (random(2) === 0) client.ws.terminate();
      else await client.close();
    }
  } catch (error) {
    if (!isLost(error)) throw error;
    tab.client = undefined;
    tab.inside.clear();
  }
}

/** Everyone does something at random until the time is over. */
async function storm(
  server: ServerProcess,
  tabs: readonly Tab[],
  rooms: readonly string[],
  random: Random,
  ms: number,
) {
  const until = performance.now() + ms;
  await Promise.all(
    tabs.map(async (tab) => {
      while (performance.now() < until) {
        // oxlint-disable-next-line no-await-in-loop -- one connection does one thing after the other
        await oneStep(server, tab, rooms, random);
        // oxlint-disable-next-line no-await-in-loop
        await delay(random(scale.stormPauseMs));
      }
    }),
  );
}

/** In the log everyone entered before they left, in turns, per room and node; those who did not leave are given back. */
function stillInside(events: readonly RecordedEvent[]): string[] {
  const inside = new Set<string>();
  for (const event of events) {
    if (!event.stream.startsWith('presence-')) continue;
    const { type, data } = event as typeof event & PresenceEvent;
    const key = `${data.roomId} ${data.userId}`;
    expect([event.position, inside.has(key)]).toEqual([event.position, type === 'ViewerLeft']);
    if (type === 'ViewerLeft') inside.delete(key);
    else inside.add(key);
  }
  return [...inside];
}

describe('people who come and go in a storm', () => {
  it(
    `are in the rooms where their open sockets are, after two kills of the server (FAULT_SEED=${seed})`,
    async () => {
      const servers = await temporaryServers();
      const random = randomFrom(seed);
      try {
        let server = await servers.start({ env });
        const admin = await connectAs(server, 'admin', ['admin']);
        const rooms: string[] = [];
        for (let n = 0; n < roomCount; n++) {
          rooms.push((await admin.call<{ room: string }>('room.create', { name: `Hall ${n}` })).room);
        }
        const tabs: Tab[] = Array.from({ length: scale.stormSockets }, (_one, n) => {
          return { user: `p${n % people}`, client: undefined, inside: new Set() };
        });
        for (let kills = 0; kills < 2; kills++) {
          await storm(server, tabs, rooms, random, scale.stormMs / 3);
          const storming = storm(server, tabs, rooms, random, 500);
          await delay(250);
          await server.kill9();
          await storming;
          server = await servers.start({ env });
        }
        await storm(server, tabs, rooms, random, scale.stormMs / 3);

        const watcher = await connectAs(server, 'watcher', ['admin']);
        for (const room of rooms) {
          const wanted = new Set(
            tabs.flatMap(({ user, client, inside }) => (client?.open && inside.has(room) ? [user] : [])),
          );
          // Who just hung up is noticed and recorded in its time; the list then stays.
          const seen = new Set<string>();
          watcher.onEvent(({ name, body }) => {
            if (name === 'room.viewer.added') seen.add((body as { user: Viewer }).user.id);
            if (name === 'room.viewer.removed') seen.delete((body as { user_id: string }).user_id);
          });
          const { viewers } = await watcher.call<{ viewers: Viewer[] }>('room.enter', { room });
          for (const { id } of viewers) if (id !== 'watcher') seen.add(id);
          const deadline = performance.now() + 10_000;
          while (performance.now() < deadline && [...seen].toSorted().join() !== [...wanted].toSorted().join()) {
            await delay(20);
          }
          expect([...seen].toSorted()).toEqual([...wanted].toSorted());
          await watcher.call('room.leave', { room });
        }
        await Promise.all(tabs.map(({ client }) => client?.close()));
        expect(await server.stop()).toBe(0);
        const events = await readLog(servers.dataDir);
        expect(stillInside(events)).toEqual([]);
        expect(events.filter(({ type }) => type === 'ViewerEntered').length).toBeGreaterThan(scale.stormSockets);
        expect(await logProblems(servers.dataDir, events)).toEqual([]);
        expect(await readModelProblems(servers.dataDir, events)).toEqual([]);
      } finally {
        await servers.remove();
      }
    },
    60_000 + 4 * scale.stormMs,
  );
});
