import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Server } from 'socket.io';
import { WebSocketServer } from 'ws';
import { Broadcast } from '../../src/gateway/broadcast.js';
import { arrayDialect } from '../../src/gateway/dialects/array.js';
import type { SocketHandler } from '../../src/gateway/handler.js';
import { defaultLimits } from '../../src/gateway/limits.js';
import { SocketServer } from '../../src/gateway/socket-server.js';
import type { Session } from '../../src/identity/session.js';

/** Sends one event to everyone who is connected. */
type Publish = (body: object) => void;

const http = createServer();
/** Milliseconds, longer than a run: listeners that only count do not answer a ping. */
const withoutHeartbeat = 600_000;
const name = 'room.schedule';
const bodies = Array.from({ length: 8 }, (_, n) => ({
  room: '0b3b6f5e-5a52-5b0f-9c39-8a5a3d2f3a11',
  schedule_data: { session: 1000 + n, title: `What everyone in the hall is told of session ${1000 + n}` },
}));
const text = (body: object): string => JSON.stringify([name, body]);

const permitted = ({ world }: Session): boolean => world === 'demo';

/** The program's sockets and broadcast; who may hear is asked for each connection, as the live log does. */
function ours(): Publish {
  const log = { warn: () => undefined, error: () => undefined };
  const broadcast = new Broadcast(log);
  const session: Session = { userId: 'listener', world: 'demo', traits: [], profile: {} };
  const handler: SocketHandler = {
    signIn: async () => session,
    signInByToken: async () => session,
    welcome: async (connection) => broadcast.join(connection, 'room:1'),
    call: async () => ({ body: undefined }),
    closed: () => undefined,
  };
  const { rate: _none, ...others } = defaultLimits;
  const limits = { ...others, pingEveryMs: withoutHeartbeat };
  const routes = new Map([['/ws/world/', arrayDialect]]);
  const server = new SocketServer({ handler, broadcast, log, limits, routes, origins: [] });
  server.onConnection((connection) => connection.start());
  server.attach(http);
  return (body) => broadcast.publish('room:1', name, body, permitted);
}

/** A plain loop over the sockets of `ws`; the event is encoded once. */
function loop(): Publish {
  const server = new WebSocketServer({ server: http, perMessageDeflate: false });
  return (body) => {
    const frame = text(body);
    for (const ws of server.clients) ws.send(frame);
  };
}

function socketIo(): Publish {
  const io = new Server(http, { transports: ['websocket'], pingInterval: withoutHeartbeat });
  return (body) => io.emit(name, body);
}

const [kind] = process.argv.slice(2);
const publish = kind === 'ours' ? ours() : kind === 'loop' ? loop() : socketIo();
const prefix = kind === 'socket.io' ? 2 : 0;

process.on('message', async ({ ticks, perTick }: { ticks?: number; perTick?: number }) => {
  if (ticks === undefined || perTick === undefined) return;
  for (let tick = 0; tick < ticks; tick++) {
    for (const body of bodies.slice(0, perTick)) publish(body);
    await nextTurn();
  }
});
http.listen(0, '127.0.0.1');
await once(http, 'listening');
// A text of 126 to 65,535 bytes has a frame header of 4.
const frameBytes = bodies.map((body) => 4 + prefix + Buffer.byteLength(text(body)));
process.send?.({ ready: { port: (http.address() as AddressInfo).port, frameBytes } });
