import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { ClientOptions } from 'ws';
import { Refused } from '../../src/eventsourcing/refused.js';
import { Broadcast } from '../../src/gateway/broadcast.js';
import type { Connection } from '../../src/gateway/connection.js';
import { arrayDialect } from '../../src/gateway/dialects/array.js';
import type { Call } from '../../src/gateway/dialects/dialect.js';
import { envelopeDialect } from '../../src/gateway/dialects/envelope.js';
import { socketIoDialect } from '../../src/gateway/dialects/socket-io.js';
import type { Answer, SocketHandler } from '../../src/gateway/handler.js';
import { defaultLimits } from '../../src/gateway/limits.js';
import type { SocketLimits } from '../../src/gateway/limits.js';
import { SocketServer } from '../../src/gateway/socket-server.js';
import type { SocketServerOptions } from '../../src/gateway/socket-server.js';
import type { Session } from '../../src/identity/session.js';

/** A token here is `<user>`, `<user>#<room of an invite>` or `<user>@<epoch milliseconds of its expiry>`; `bad` and `down` are refused. */
function sessionOf(token: string, world: string): Session {
  if (token === 'bad') throw new Refused('auth.invalid_token');
  if (token === 'elsewhere') throw new Refused('auth.wrong_world');
  if (token === 'down') throw Object.assign(new Error('no store'), { name: 'StoreUnavailable' });
  const [person = '', expiry] = token.split('@');
  const [userId = '', room] = person.split('#');
  const anonymous = room !== undefined && { anonymous: { room } };
  return { userId, world, traits: [], profile: {}, ...anonymous, ...(expiry && { expiresAt: Number(expiry) }) };
}

const nothing: Answer = { body: undefined };

/** A small real handler: its actions exercise the connection. */
export class TestHandler implements SocketHandler {
  readonly calls: string[] = [];
  readonly gone: string[] = [];
  /** Calls of the action `wait` last until the test lets them go. */
  readonly gate: (() => void)[] = [];
  constructor(private readonly broadcast: Broadcast) {}

  async signIn(payload: unknown, connection: Connection): Promise<Session> {
    const token = (payload as { token?: unknown }).token;
    if (typeof token !== 'string') throw new Refused('protocol.invalid', 'token is a string');
    return sessionOf(token, connection.world);
  }

  async signInByToken(token: string, world = 'demo'): Promise<Session> {
    return sessionOf(token, world);
  }

  async welcome(connection: Connection, session: Session): Promise<unknown> {
    this.broadcast.join(connection, `user:${session.userId}`);
    return { user: session.userId };
  }

  async call(connection: Connection, session: Session, { action, payload }: Call): Promise<Answer> {
    this.calls.push(action);
    const { topic, count = 1, size = 1 } = payload as { topic?: string; count?: number; size?: number };
    switch (action) {
      case 'join':
        this.broadcast.join(connection, topic ?? '');
        return nothing;
      case 'say':
        for (let n = 0; n < count; n++) {
          this.broadcast.publish(topic ?? '', 'said', { by: session.userId, n, text: 'é'.repeat(size) });
        }
        return nothing;
      case 'wait':
        await new Promise<void>((resolve) => this.gate.push(resolve));
        return { body: payload };
      case 'refuse':
        throw new Refused('config.invalid', 'No.', [{ field: 'name', message: '1–300 characters' }]);
      case 'down':
        throw Object.assign(new Error('no store'), { name: 'StoreUnavailable' });
      case 'crash':
        throw new Error('secret of the server');
      case 'bigint':
        return { body: { n: 1n } };
      case 'big':
        return { body: { text: 'x'.repeat(size) } };
      case 'echo':
        return { body: payload };
      case 'done':
        return { body: payload, position: 'epoch:7' };
      default:
        throw new Refused('protocol.unknown_command');
    }
  }

  closed(_connection: Connection, session: Session): void {
    this.gone.push(session.userId);
  }
}

export class Harness {
  readonly logged: { context: object; message: string }[] = [];
  readonly broadcast: Broadcast;
  readonly handler: TestHandler;
  readonly sockets: SocketServer;
  readonly #clients: (WebSocket | Socket)[] = [];

  private constructor(
    readonly http: Server,
    options: Partial<SocketServerOptions>,
  ) {
    const log = { error: (context: object, message: string) => void this.logged.push({ context, message }) };
    this.broadcast = new Broadcast(log);
    this.handler = new TestHandler(this.broadcast);
    this.sockets = new SocketServer({
      handler: this.handler,
      broadcast: this.broadcast,
      log,
      limits: defaultLimits,
      routes: new Map([
        ['/ws/world/', arrayDialect],
        ['/ws/network/', envelopeDialect],
      ]),
      socketIo: socketIoDialect,
      origins: ['https://app.example'],
      ...options,
    });
    this.sockets.onConnection((connection) => connection.start());
    this.sockets.attach(http);
  }

  static async start(limits: Partial<SocketLimits> = {}, options: Partial<SocketServerOptions> = {}): Promise<Harness> {
    const http = createServer();
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    return new Harness(http, { limits: { ...defaultLimits, sweepMs: 10, ...limits }, ...options });
  }

  get host(): string {
    return `127.0.0.1:${(this.http.address() as AddressInfo).port}`;
  }

  /** An open client; with a user it is signed in by header and has read its `authenticated`. */
  async client(user?: string, options: ClientOptions = {}, path = '/ws/world/demo'): Promise<Client> {
    const headers = { ...options.headers, ...(user !== undefined && { authorization: `Bearer ${user}` }) };
    const ws = new WebSocket(`ws://${this.host}${path}`, { ...options, headers });
    this.#clients.push(ws);
    const client = new Client(ws);
    await once(ws, 'open');
    if (user !== undefined) await client.next();
    return client;
  }

  /** The HTTP answer to an upgrade that is refused. */
  async refused(path: string, headers: Record<string, string> = {}): Promise<{ status: number; body: unknown }> {
    const ws = new WebSocket(`ws://${this.host}${path}`, { headers });
    const [, response] = await once(ws, 'unexpected-response');
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    return { status: response.statusCode, body: JSON.parse(Buffer.concat(chunks).toString()) };
  }

  /** A TCP socket that has upgraded and reads nothing after that. */
  async rawClient(token: string): Promise<Socket> {
    const socket = connect((this.http.address() as AddressInfo).port, '127.0.0.1');
    this.#clients.push(socket);
    socket.on('error', () => {});
    socket.write(
      `GET /ws/world/demo HTTP/1.1\r\nHost: ${this.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}\r\n` +
        `Authorization: Bearer ${token}\r\n\r\n`,
    );
    await once(socket, 'data');
    socket.pause();
    return socket;
  }

  connectionOf(userId: string): Connection {
    for (const connection of this.sockets.connections) if (connection.session?.userId === userId) return connection;
    throw new Error(`${userId} has no connection`);
  }

  async stop(): Promise<void> {
    for (const client of this.#clients)
      if (client instanceof WebSocket) client.terminate();
      else client.destroy();
    await this.sockets.shutdown();
    this.http.close();
  }
}

/** What one client has received and not yet looked at. */
export class Client {
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #received: unknown[] = [];
  readonly #waiting: ((message: unknown) => void)[] = [];

  constructor(readonly ws: WebSocket) {
    ws.on('message', (data) => {
      const message: unknown = JSON.parse(data.toString());
      const waiting = this.#waiting.shift();
      if (waiting) waiting(message);
      else this.#received.push(message);
    });
    ws.on('error', () => {});
    this.closed = new Promise((resolve) => {
      ws.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  send(...frames: unknown[]): void {
    for (const frame of frames) this.ws.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  /** The next message, in the order received. */
  next(): Promise<unknown> {
    if (this.#received.length > 0) return Promise.resolve(this.#received.shift());
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async take(count: number): Promise<unknown[]> {
    const messages: unknown[] = [];
    for (let n = 0; n < count; n++) messages.push(await this.next());
    return messages;
  }
}

/** Resolves when the condition holds; looks at each turn of the event loop, for 10 s at most. */
export async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error('the condition never held');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export const errorOf = (frame: unknown): { code: string; message: string } =>
  (frame as [string, unknown, { code: string; message: string }])[2];
