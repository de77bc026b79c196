import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { codeOf } from '../e2e/outcomes.js';
import { connectAs, type ServerProcess, type SocketClient } from '../e2e/support/server.js';
import { clusterStage } from './cluster-stage.js';
import { isLong, scale } from './scale.js';

/** One log and one read store; two API processes book on them. */
let stage: Awaited<ReturnType<typeof clusterStage>>;
let servers: ServerProcess[];
/** One person's connections, in turns to the one server and to the other. */
let connections: SocketClient[];

beforeAll(async () => {
  stage = await clusterStage();
  await stage.startWorker();
  servers = await Promise.all([stage.startApi(), stage.startApi()]);
  connections = await Promise.all(
    Array.from({ length: 20 }, (_one, index) => connectAs(servers[index % 2] ?? fail(), 'alice')),
  );
});

afterAll(async () => {
  await stage.close();
  await stage.remove();
});

const fail = (): never => {
  throw new Error('there is no such server');
};
const hour = 3_600_000;
const first = Date.UTC(2027, 0, 1);
const slot = (number: number) => {
  const [startDate, endDate] = [first + number * hour, first + (number + 1) * hour];
  return { sourceType: 'group', sourceIds: ['g-1'], subject: 'One to one', startDate, endDate };
};

/** What each of 200 people who want it at once is told. */
const outcomes = (call: (client: SocketClient) => Promise<unknown>): Promise<string[]> =>
  Promise.all(
    Array.from({ length: 200 }, (_one, index) => codeOf(call(connections[index % connections.length] ?? fail()))),
  );

it(
  `lets exactly one of 200 parallel bookings of a slot win, on two API processes, ${scale.bookingRounds} times`,
  async () => {
    for (let round = 0; round < scale.bookingRounds; round++) {
      const told = await outcomes((client) => client.call('meeting:createMeeting', slot(round)));
      expect(told.filter((outcome) => outcome === 'success')).toHaveLength(1);
      expect(new Set(told)).toEqual(new Set(['success', 'meeting.conflict']));
    }
  },
  isLong ? 600_000 : 120_000,
);
