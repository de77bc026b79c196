import { once } from 'node:events';
import { join } from 'node:path';
import { io, type Socket } from 'socket.io-client';
import { WebSocket } from 'ws';
import { Child } from './child.js';
import { intoLmdb, keepInFlight, openBareLmdb } from './durable.js';
import { inTurns, perSecond } from './measure.js';
import { row, type Part } from './report.js';
import { Server } from './server.js';

const connections = 64;
const each = Array.from({ length: connections }, (_, n) => n);

const payload = (room: string, session: number) => ({ room, schedule_data: { session } });

/** One call on the n-th connection; resolves when it is answered. */
type Call = (n: number, id: number) => Promise<void>;

/** Every connection makes its next call when the last one is answered, for so long; answers how many were answered. */
async function closedLoop(call: Call, ms: number): Promise<number> {
  const end = performance.now() + ms;
  let answered = 0;
  await Promise.all(
    each.map(async (n) => {
      for (let id = 1; performance.now() < end; id++) {
        await call(n, id);
        answered += 1;
      }
    }),
  );
  return answered;
}

/** Sends the command as a frame of the array dialect, and takes the next message for its answer: nothing else comes. */
function framesOn(sockets: readonly WebSocket[], rooms: readonly string[]): Call {
  const waiting: ((data: Buffer) => void)[] = [];
  for (const [n, ws] of sockets.entries()) ws.on('message', (data: Buffer) => waiting[n]?.(data));
  return (n, id) =>
    new Promise((resolve, reject) => {
      waiting[n] = (data) => {
        // `["success",…` or the echoed command; `["error",…` is a fault of the benchmark.
        if (data.toString('latin1', 2, 7) === 'error') reject(new Error(String(data)));
        else resolve();
      };
      sockets[n]?.send(JSON.stringify(['room.schedule', id, payload(rooms[n] ?? '', id)]));
    });
}

/** Made by one person who leaves before the others come: nobody else is told of them. */
async function createRooms(server: Server): Promise<string[]> {
  const ws = await server.connect('creator');
  const rooms: string[] = [];
  const made = new Promise<void>((resolve, reject) => {
    ws.on('message', (data: Buffer) => {
      const [kind, id, body] = JSON.parse(String(data)) as [string, number, { room: string }];
      if (kind === 'error') reject(new Error(String(data)));
      if (kind !== 'success') return;
      rooms[id] = body.room;
      if (id === connections - 1) resolve();
    });
  });
  for (const id of each) ws.send(JSON.stringify(['room.create', id, { name: `Room ${id}` }]));
  await made;
  ws.terminate();
  return rooms;
}

async function bare(port: number): Promise<WebSocket> {
  const ws = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
  await once(ws, 'open');
  return ws;
}

async function socketIo(port: number): Promise<Socket> {
  const socket = io(`http://127.0.0.1:${port}`, { transports: ['websocket'], forceNew: true });
  await new Promise<void>((resolve, reject) => socket.on('connect', resolve).on('connect_error', reject));
  return socket;
}

/** Durable commands over 64 sockets, beside servers that keep nothing and beside lmdb that serves nobody. */
export const commands: Part = async ({ folder, quick }) => {
  const [ms, rounds] = quick ? [500, 3] : [1_200, 5];
  const server = await Server.start(await folder());
  await server.ready();
  const rooms = await createRooms(server);
  const echo = Child.start('./servers/echo.ts');
  const echoPort = await echo.next<number>('port');
  const durable = Child.start('./servers/durable-echo.ts', { args: [join(await folder(), 'lmdb')] });
  const durablePort = await durable.next<number>('port');
  const socketIoEcho = Child.start('./servers/socket-io-echo.ts');
  const socketIoPort = await socketIoEcho.next<number>('port');
  const own = await Promise.all(each.map((n) => server.connect(`own-${n}`)));
  const shared = await Promise.all(each.map((n) => server.connect(`shared-${n}`)));
  const echoed = await Promise.all(each.map(() => bare(echoPort)));
  const kept = await Promise.all(each.map(() => bare(durablePort)));
  const sockets = await Promise.all(each.map(() => socketIo(socketIoPort)));
  const root = openBareLmdb(join(await folder(), 'lmdb'));

  const ownRoom = framesOn(own, rooms);
  const oneRoom = framesOn(shared, Array<string>(connections).fill(rooms[0] ?? ''));
  const echoCall = framesOn(echoed, rooms);
  const durableCall = framesOn(kept, rooms);
  const socketIoCall: Call = async (n, id) => sockets[n]?.emitWithAck('call', payload(rooms[n] ?? '', id));
  const put = intoLmdb(root);
  let puts = 0;
  const samples = await inTurns(
    {
      ownRoom: () => perSecond(() => closedLoop(ownRoom, ms), { server: server.child }),
      echo: () => perSecond(() => closedLoop(echoCall, ms), { server: echo }),
      durable: () => perSecond(() => closedLoop(durableCall, ms), { server: durable }),
      oneRoom: () => perSecond(() => closedLoop(oneRoom, ms), { server: server.child }),
      socketIo: () => perSecond(() => closedLoop(socketIoCall, ms), { server: socketIoEcho }),
      lmdb: () => perSecond(() => keepInFlight(connections, ms, () => put(puts++))),
      lmdb1: () => perSecond(() => keepInFlight(1, ms, () => put(puts++))),
    },
    rounds,
  );
  for (const ws of [...own, ...shared, ...echoed, ...kept]) ws.terminate();
  for (const socket of sockets) socket.disconnect();
  await Promise.all([server.child.stop(), echo.stop(), durable.stop(), socketIoEcho.stop(), root.close()]);

  const inOwn = { figure: '64 sockets, each its own room', unit: 'commands/s', ours: samples.ownRoom };
  const inOne = { figure: '64 sockets, all in one room', unit: 'commands/s', ours: samples.oneRoom };
  return [
    row({ ...inOwn, peer: 'bare ws echo', theirs: samples.echo, atLeast: 0.25 }),
    row({ ...inOwn, peer: 'bare ws over lmdb', theirs: samples.durable }),
    row({ ...inOwn, peer: 'Socket.IO echo', theirs: samples.socketIo }),
    row({ ...inOwn, peer: 'lmdb, 64 in flight', theirs: samples.lmdb }),
    row({ ...inOne, peer: 'bare ws echo', theirs: samples.echo }),
    row({ ...inOne, peer: 'lmdb, one flush per event', theirs: samples.lmdb1 }),
  ];
};
