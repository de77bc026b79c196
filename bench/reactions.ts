import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { openEmbeddedEventStore } from '../src/event-store/embedded/embedded-event-store.js';
import { Child } from './child.js';
import { perSecond, type Sample } from './measure.js';
import { row, type Part } from './report.js';
import { answers, Server } from './server.js';

interface Counts {
  readonly answered: number;
  readonly failed: number;
  readonly lost: number;
}

/** One who is in the room as the others, and adds up what it hears. */
class Observer {
  total = 0;
  readonly heardAt: number[] = [];

  constructor(readonly ws: WebSocket) {
    ws.on('message', (data: Buffer) => {
      const [name, body] = JSON.parse(String(data)) as [string, { reactions: Record<string, number> }];
      if (name !== 'room.reaction') return;
      this.heardAt.push(performance.now());
      for (const count of Object.values(body.reactions)) this.total += count;
    });
  }
}

async function enterRoom(server: Server): Promise<{ observer: Observer; room: string }> {
  const ws = await server.connect('observer');
  ws.send(JSON.stringify(['room.create', 1, { name: 'Hall' }]));
  let room: string | undefined;
  while (room === undefined) {
    const [answer = ''] = await answers(ws, 1);
    const [kind, , body] = JSON.parse(answer) as [string, number, { room: string }];
    if (kind === 'success') ({ room } = body);
  }
  ws.terminate();
  // As everyone else, without the rights of an admin: those hear of each person who comes.
  const plain = await server.connect('watcher', []);
  plain.send(JSON.stringify(['room.enter', 1, { room }]));
  await answers(plain, 1);
  return { observer: new Observer(plain), room };
}

async function countedIn(dataDir: string, room: string): Promise<number> {
  const log = await openEmbeddedEventStore({ dir: join(dataDir, 'log'), readOnly: true });
  let count = 0;
  for await (const { data } of log.readAll({ filter: { types: ['ReactionAdded'] } }))
    if (data['roomId'] === room) count++;
  await log.close();
  return count;
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(`reactions: ${what}`);
}

/** A hall that reacts. The server's delay is asked for; what was told has to be what is in the log. */
export const reactions: Part = async ({ folder, quick }) => {
  const [count, seconds] = quick ? [500, 5] : [5_000, 30];
  const dir = await folder();
  const server = await Server.start(dir);
  await server.ready();
  const { observer, room } = await enterRoom(server);
  const args = [new URL(server.url).port, '/ws/world/demo', room];
  const people = Child.start('./servers/reactors.ts', { args });
  await people.next('started');
  const tokens = await Promise.all(Array.from({ length: count }, (_, n) => Server.token(`person-${n}`, [])));
  const entered = await people.ask<Counts>({ tokens }, 'open', 300_000);
  check(
    entered.answered === count && entered.failed + entered.lost === 0,
    `not all could enter: ${JSON.stringify(entered)}`,
  );

  await server.child.watchDelay();
  const begin = performance.now();
  const load = async (): Promise<number> => {
    const { answered, failed, lost } = await people.ask<Counts>({ seconds }, 'reacted', seconds * 10_000);
    check(failed + lost === 0, `${failed} reactions were refused, ${lost} sockets were cut off`);
    return answered;
  };
  const sample = await perSecond(load, { server: server.child, generator: people });
  // The last tick, and time for one too many.
  await delay(2_500);
  const { p99, max } = await server.child.delay();
  const tookSeconds = (performance.now() - begin) / 1_000;
  const heard = await people.ask<number[]>({ ask: 'heard' }, 'heard');
  const ticks = observer.heardAt.length;
  await people.stop();
  observer.ws.terminate();
  await server.child.stop();

  const counted = await countedIn(dir, room);
  check(counted === count * seconds, `${counted} are in the log, ${count * seconds} were answered`);
  check(observer.total === counted, `${observer.total} were told, ${counted} are in the log`);
  check(
    heard.every((one) => one === ticks),
    `some heard ${Math.min(...heard)} to ${Math.max(...heard)}, not ${ticks}`,
  );
  check(ticks >= 1 && ticks <= tookSeconds, `${ticks} ticks in ${tookSeconds} s`);

  const of = (value: number): Sample[] => [{ ...sample, value }];
  const hall = `${count.toLocaleString('en')} people, one reaction a second each`;
  return [
    row({ figure: `${hall}: p99 of the event loop's delay`, unit: 'ms', ours: of(p99), valueAtMost: 50 }),
    row({ figure: 'longest delay', unit: 'ms', ours: of(max) }),
    row({ figure: 'reactions on disk and answered', unit: 'a second', ours: of(sample.value) }),
    row({ figure: 'room.reaction heard by each', unit: 'frames', ours: of(ticks) }),
  ];
};
