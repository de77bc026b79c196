import { once } from 'node:events';
import { WebSocket } from 'ws';
import { Child, type Usage } from './child.js';
import type { Sample } from './measure.js';
import { row, type Part } from './report.js';
import { answers, Server } from './server.js';

const nodeArgs = ['--expose-gc'];

interface PerSocket {
  readonly rss: Sample;
  readonly heap: Sample;
}

/** Opens so many sockets one after the other, a few at a time. */
async function open(count: number, connect: (n: number) => Promise<WebSocket>): Promise<WebSocket[]> {
  const sockets: WebSocket[] = [];
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(50, count - sockets.length) }, (_, n) => connect(sockets.length + n));
    sockets.push(...(await Promise.all(some)));
  }
  return sockets;
}

/** KiB that each idle socket adds, after garbage collection. What the first sockets bring into being once is not counted. */
async function perSocket(server: Child, count: number, connect: (n: number) => Promise<WebSocket>): Promise<PerSocket> {
  const first = await open(200, (n) => connect(count + n));
  const before = await server.usage(true);
  const own = process.cpuUsage();
  const begin = performance.now();
  const sockets = await open(count, connect);
  const ms = performance.now() - begin;
  const { user, system } = process.cpuUsage(own);
  const after = await server.usage(true);
  for (const ws of [...first, ...sockets]) ws.terminate();
  const sample = (field: keyof Usage): Sample => ({
    value: (after[field] - before[field]) / count / 1024,
    generatorCores: (user + system) / 1000 / ms,
    serverCores: (after.cpuMs - before.cpuMs) / ms,
  });
  return { rss: sample('rss'), heap: sample('heap') };
}

async function ofOurs(dir: string, count: number): Promise<PerSocket> {
  const server = await Server.start(dir, nodeArgs);
  await server.ready();
  const result = await perSocket(server.child, count, (n) => server.connect(`user-${n}`));
  await server.child.stop();
  return result;
}

async function ofBareWs(count: number): Promise<PerSocket> {
  const server = Child.start('./servers/echo.ts', { nodeArgs });
  const port = await server.next<number>('port');
  const result = await perSocket(server, count, async () => {
    const ws = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
    await once(ws, 'open');
    return ws;
  });
  await server.stop();
  return result;
}

/** Each socket is in the default namespace, as a client of Socket.IO's own would be. */
async function ofSocketIo(count: number): Promise<PerSocket> {
  const server = Child.start('./servers/socket-io-echo.ts', { nodeArgs });
  const port = await server.next<number>('port');
  const url = `ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`;
  const result = await perSocket(server, count, async () => {
    const ws = new WebSocket(url, { perMessageDeflate: false });
    // Engine.IO's own ping.
    ws.on('message', (data: Buffer) => String(data) === '2' && ws.send('3'));
    await answers(ws, 1);
    ws.send('40');
    await answers(ws, 1);
    return ws;
  });
  await server.stop();
  return result;
}

/** Memory of an idle socket that signed in, beside those of bare `ws` and Socket.IO that did not have to. */
export const memory: Part = async ({ folder, quick }) => {
  const [count, rounds] = quick ? [1_000, 1] : [2_000, 3];
  const dir = await folder();
  const [ours, bare, socketIo]: [PerSocket[], PerSocket[], PerSocket[]] = [[], [], []];
  for (let round = 0; round < rounds; round++) {
    ours.push(await ofOurs(dir, count));
    bare.push(await ofBareWs(count));
    socketIo.push(await ofSocketIo(count));
  }
  const compare = (figure: string, field: keyof PerSocket) => {
    const of = (all: readonly PerSocket[]): Sample[] => all.map((one) => one[field]);
    const measured = { figure, unit: 'KiB', ours: of(ours) };
    return [
      row({ ...measured, peer: 'bare ws', theirs: of(bare), atMost: 1.5 }),
      row({ ...measured, peer: 'Socket.IO', theirs: of(socketIo) }),
    ];
  };
  return [
    ...compare('resident memory of an idle socket', 'rss'),
    ...compare('heap and buffers of an idle socket', 'heap'),
  ];
};
