import { setTimeout as delay } from 'node:timers/promises';
import { Child } from './child.js';
import { inTurns, perSecond, type Sample } from './measure.js';
import { row, type Part } from './report.js';

const subscribers = 1_000;

/** A server with its thousand listeners. */
class Hall {
  private constructor(
    private readonly server: Child,
    private readonly listeners: Child,
    private readonly frameBytes: readonly number[],
  ) {}

  static async open(kind: 'ours' | 'loop' | 'socket.io', path: string): Promise<Hall> {
    const server = Child.start('./servers/fanout.ts', { args: [kind] });
    const { port, frameBytes } = await server.next<{ port: number; frameBytes: number[] }>('ready');
    const listeners = Child.start('./servers/listeners.ts', { args: [String(port), path, String(subscribers)] });
    await listeners.next('open');
    // Greetings, which nobody counts.
    await delay(300);
    return new Hall(server, listeners, frameBytes);
  }

  /** Events to everyone, tick after tick, until all were heard. The listeners are the generator. */
  async round(ticks: number, perTick: number): Promise<Sample> {
    const bytes = this.frameBytes.slice(0, perTick).reduce((sum, one) => sum + one, 0);
    await this.listeners.ask({ expect: bytes * ticks * subscribers }, 'expecting');
    const publish = async (): Promise<number> => {
      const heard = this.listeners.next('heard', 30_000);
      this.server.process.send({ ticks, perTick });
      await heard;
      return ticks * perTick * subscribers;
    };
    return perSecond(publish, { server: this.server, generator: this.listeners });
  }

  async close(): Promise<void> {
    await this.listeners.stop();
    await this.server.stop('SIGKILL');
  }
}

/** One event to 1,000 subscribers, and 8 of one tick, beside a loop of `ws.send` and Socket.IO. */
export const fanout: Part = async ({ quick }) => {
  const [factor, rounds] = quick ? [1, 2] : [2, 5];
  const ours = await Hall.open('ours', '/ws/world/demo');
  const loop = await Hall.open('loop', '/');
  const socketIo = await Hall.open('socket.io', '/socket.io/?EIO=4&transport=websocket');
  const one = (hall: Hall) => () => hall.round(100 * factor, 1);
  const eight = (hall: Hall) => () => hall.round(25 * factor, 8);
  const samples = await inTurns(
    {
      ours1: one(ours),
      loop1: one(loop),
      socketIo1: one(socketIo),
      ours8: eight(ours),
      loop8: eight(loop),
      socketIo8: eight(socketIo),
    },
    rounds,
  );
  await Promise.all([ours.close(), loop.close(), socketIo.close()]);
  const unit = 'deliveries/s';
  const [figure1, figure8] = ['1 event a tick to 1,000', '8 events a tick to 1,000'];
  return [
    row({ figure: figure1, unit, ours: samples.ours1, peer: 'ws.send loop', theirs: samples.loop1, atLeast: 1.3 }),
    row({ figure: figure1, unit, ours: samples.ours1, peer: 'Socket.IO', theirs: samples.socketIo1 }),
    row({ figure: figure8, unit, ours: samples.ours8, peer: 'ws.send loop', theirs: samples.loop8, atLeast: 5 }),
    row({ figure: figure8, unit, ours: samples.ours8, peer: 'Socket.IO', theirs: samples.socketIo8 }),
  ];
};
