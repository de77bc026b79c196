import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { clusterStage } from '../faults/cluster-stage.js';
import { connectAs, type ServerProcess, type SocketClient } from './support/server.js';

let stage: Awaited<ReturnType<typeof clusterStage>>;
let nodes: [ServerProcess, ServerProcess];
let room: string;

beforeAll(async () => {
  stage = await clusterStage();
  await stage.startWorker();
  nodes = await Promise.all([stage.startApi(), stage.startApi()]);
  const admin = await connectAs(nodes[0], 'admin', ['admin']);
  ({ room } = await admin.call<{ room: string }>('room.create', { name: 'Hall' }));
});

afterAll(async () => {
  await stage.close();
  await stage.remove();
});

/** Everyone's `room.reaction`s from now on, added up. */
function totals(client: SocketClient): Record<string, number> {
  const sum: Record<string, number> = {};
  client.onEvent(({ name, body }) => {
    if (name !== 'room.reaction') return;
    const { reactions } = body as { reactions: Record<string, number> };
    for (const [emoji, count] of Object.entries(reactions)) sum[emoji] = (sum[emoji] ?? 0) + count;
  });
  return sum;
}

/** The streams of all reactions in the log. */
async function stored(): Promise<string[]> {
  const found: string[] = [];
  for await (const { stream } of stage.log.readAll({ filter: { types: ['ReactionAdded'] } })) found.push(stream);
  return found;
}

async function until(holds: () => boolean): Promise<void> {
  for (const end = Date.now() + 15_000; !holds();) {
    if (Date.now() > end) throw new Error('the condition never held');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('people on two nodes', () => {
  it('hear the same totals, those of the log; each node writes to a stream of its own', async () => {
    const people = await Promise.all(Array.from({ length: 20 }, (_, n) => connectAs(nodes[n % 2 ? 1 : 0], `p${n}`)));
    for (const one of people) await one.call('room.enter', { room });
    const heard = people.map(totals);
    const react = (one: SocketClient, reaction: string) => one.call('room.react', { room, reaction });
    await Promise.all(people.flatMap((one, n) => ['👏', n % 2 ? '👍' : '😮'].map((emoji) => react(one, emoji))));
    await until(() => heard.every((sum) => Object.values(sum).reduce((all, count) => all + count, 0) >= 40));
    // One more, so that nothing is on its way any more that should not have been sent.
    const [last] = people;
    if (last) await react(last, '🤣');
    await until(() => heard.every((sum) => sum['🤣'] === 1));
    for (const sum of heard) expect(sum).toEqual({ '👏': 20, '👍': 10, '😮': 10, '🤣': 1 });
    expect(await stored()).toHaveLength(41);
    const streams = new Set(await stored());
    expect(streams.size).toBe(2);
    for (const stream of streams) {
      expect(stream.startsWith(`reactions-${room}-`)).toBe(true);
      expect(stage.log.streams.get(stream).metadata?.data).toEqual({ $maxAge: 90 * 24 * 60 * 60 });
    }
  });
});
