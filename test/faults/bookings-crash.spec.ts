import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { openEmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import { connectAs, temporaryServers, type ServerProcess, type SocketClient } from '../e2e/support/server.js';
import { expectWhole } from '../meetings/whole.js';
import { scale } from './scale.js';
import { randomFrom, type Random } from './workload.js';

const people = Array.from({ length: 12 }, (_one, index) => `person-${index}`);
const hour = 3_600_000;
const first = Date.UTC(2027, 0, 1);
const seed = Number(process.env.FAULT_SEED ?? 1 + Math.floor(Math.random() * 1e9));

/** Books, moves, deletes and answers until the connection is lost. Few hours and many people: most of it meets. */
async function work(client: SocketClient, ids: string[], random: Random, acknowledged: () => void): Promise<void> {
  while (client.open) {
    const startDate = first + random(60) * hour;
    const times = { startDate, endDate: startDate + (1 + random(3)) * hour };
    const meetingId = ids[random(ids.length)] ?? 'none';
    const dice = random(10);
    const call =
      dice < 4
        ? client
            .call<{ meeting: { meetingId: string } }>('meeting:createMeeting', {
              ...times,
              sourceType: 'group',
              sourceIds: ['g-1'],
              subject: 'One to one',
              invitedUserIds: [people[random(12)], people[random(12)]],
              bufferAfter: random(30),
            })
            .then(({ meeting }) => ids.push(meeting.meetingId))
        : dice < 6
          ? client.call('meeting:updateMeeting', { meetingId, ...times })
          : dice < 7
            ? client.call('meeting:deleteMeeting', { meetingId })
            : client.call(`meeting:${dice < 9 ? 'accept' : 'decline'}MeetingRequest`, { meetingId });
    await call.then(acknowledged, () => undefined);
  }
}

it(
  `leaves every meeting whole, wherever the server is killed (FAULT_SEED=${seed})`,
  async () => {
    const servers = await temporaryServers();
    const random = randomFrom(seed);
    const ids: string[] = [];
    const startUp = async (): Promise<ServerProcess> => {
      const server = await servers.start({ env: { RATE_LIMIT: 'off' } });
      await server.ready();
      return server;
    };
    try {
      for (let round = 0; round < scale.bookingKills; round++) {
        const server = await startUp();
        const clients = await Promise.all(people.map((person) => connectAs(server, person)));
        let left = 20 + random(150);
        await new Promise<void>((enough) => {
          const acknowledged = (): void => {
            if (--left === 0) enough();
          };
          for (const client of clients) void work(client, ids, random, acknowledged);
        });
        await server.kill9();
      }
      const server = await startUp();
      expect(await server.stop()).toBe(0);
      const log = await openEmbeddedEventStore({ dir: join(servers.dataDir, 'log'), readOnly: true });
      expect(await expectWhole(log, 'demo')).toBeGreaterThanOrEqual(ids.length);
      await log.close();
    } finally {
      await servers.remove();
    }
  },
  30_000 + 15_000 * scale.bookingKills,
);
