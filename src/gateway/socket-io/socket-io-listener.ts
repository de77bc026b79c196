import { type IncomingMessage, type Server as HttpServer, ServerResponse } from 'node:http';
import { Server, type Socket } from 'socket.io';
import { WebSocketServer, type ServerOptions } from 'ws';
import { numbersOf, Refused } from '../../eventsourcing/refused.js';
import { type Connection, type ConnectionHost, tooMany } from '../connection.js';
import type { Dialect } from '../dialects/dialect.js';
import { refusalOf } from '../failure.js';
import { isAllowedOrigin, isListedOrigin, optionsOf, refuseUpgrade } from '../upgrade.js';
import { packets } from './packets.js';
import { SocketIoConnection } from './socket-io-connection.js';

export const socketIoPath = '/socket.io/';

/** The server of all connections, as far as it concerns those of Socket.IO. */
export interface SocketIoHost extends ConnectionHost {
  readonly stopping: boolean;
  readonly origins: ReadonlySet<string>;
  /** Takes in a connection that has signed in, and starts it. */
  accept(connection: Connection): void;
}

/** Socket.IO's own server, for its handshake, its two transports and their heartbeat. It lets in only who has signed in. */
export class SocketIoListener {
  readonly #io: Server;

  constructor(
    http: HttpServer,
    private readonly dialect: Dialect,
    private readonly host: SocketIoHost,
  ) {
    const { limits, origins } = host;
    this.#io = new Server(http, {
      path: socketIoPath,
      parser: packets,
      transports: ['polling', 'websocket'],
      serveClient: false,
      destroyUpgrade: false,
      perMessageDeflate: false,
      httpCompression: false,
      pingInterval: limits.pingEveryMs,
      pingTimeout: limits.pongWithinMs,
      connectTimeout: limits.signInMs,
      maxHttpBufferSize: limits.maxFrameBytes,
      // The same ws as for the other paths, and as little patience with one who does not answer a close.
      wsEngine: class extends WebSocketServer {
        constructor(options: ServerOptions) {
          const withTimeout = { ...options, closeTimeout: limits.closeMs };
          super(withTimeout);
        }
      },
      cors: {
        origin: (origin, allow) => allow(null, origin !== undefined && isListedOrigin(origin, origins)),
        credentials: true,
      },
    });
    this.#io.engine.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
      const refused = this.#refusalOf(request);
      if (!refused) return next();
      const status = numbersOf(refused.code).http;
      const { code, message } = refused;
      if (response instanceof ServerResponse) {
        response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' });
        response.end(JSON.stringify({ code, message }));
      } else {
        request.socket.on('error', () => undefined);
        refuseUpgrade(request.socket, status, code, message);
      }
    });
    this.#io.use((socket, next) => void this.#letIn(socket, next));
    this.#io.on('connection', (socket: Socket) => {
      const connection: unknown = socket.data.connection;
      if (connection instanceof SocketIoConnection) host.accept(connection);
    });
  }

  /** Cuts off what is left of connections, also those that never signed in. */
  close(): void {
    this.#io.engine.close();
  }

  #refusalOf(request: IncomingMessage): Refused | undefined {
    // Who is connected is still told that it is over.
    if (this.host.stopping && !isConnected(request)) {
      return new Refused('server.unavailable', 'The server is stopping.');
    }
    if (!isAllowedOrigin(request, this.host.origins)) return new Refused('auth.denied', 'This Origin is not allowed.');
    // A script of any page could read what JSONP brings.
    if (/[?&]j=/.test(request.url ?? '')) return new Refused('protocol.invalid', 'JSONP is not served.');
    try {
      optionsOf(request.url ?? '');
      return undefined;
    } catch (error) {
      return refusalOf(error, this.host.log, { at: 'handshake' });
    }
  }

  /** Signs in by the handshake's token; the world is the token's. A refused one has to connect anew. */
  async #letIn(socket: Socket, next: (error?: Error) => void): Promise<void> {
    const { host } = this;
    const { conn } = socket;
    try {
      const session = await host.handler.signInByToken(tokenOf(socket.handshake.auth));
      if (host.stopping) throw new Refused('server.unavailable', 'The server is stopping.');
      // Socket.IO has nobody to let in any more, and no close will be heard of.
      if (conn.readyState !== 'open') return next();
      const dialect = this.dialect.with(optionsOf(socket.handshake.url));
      const connection = new SocketIoConnection(socket, { world: session.world, dialect, session }, host);
      if (!host.admit(connection, session)) throw tooMany();
      conn.once('close', () => host.dismiss(connection, session));
      socket.data.connection = connection;
      next();
    } catch (error) {
      const { code, message } = refusalOf(error, host.log, { at: 'handshake' });
      next(Object.assign(new Error(message), { data: { code } }));
      setImmediate(() => conn.close());
    }
  }
}

/** Polls, and the upgrade to a WebSocket, name the connection they belong to. */
const isConnected = ({ url = '' }: IncomingMessage): boolean => /[?&]sid=/.test(url);

/** @throws Refused auth.missing_token, auth.invalid_token */
function tokenOf(auth: Readonly<Record<string, unknown>>): string {
  const { token } = auth;
  if (token === undefined || token === null || token === '') throw new Refused('auth.missing_token');
  if (typeof token !== 'string') throw new Refused('auth.invalid_token');
  return token;
}
