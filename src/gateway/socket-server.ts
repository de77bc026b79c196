import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { setImmediate as tick } from 'node:timers/promises';
import { WebSocketServer } from 'ws';
import { numbersOf } from '../eventsourcing/refused.js';
import { personKey, type Session } from '../identity/session.js';
import { atMost } from '../waiting.js';
import type { Broadcast } from './broadcast.js';
import { CloseCode, type Connection } from './connection.js';
import type { Dialect } from './dialects/dialect.js';
import { refusalOf } from './failure.js';
import type { SocketHandler, SocketLog } from './handler.js';
import type { SocketLimits } from './limits.js';
import { type SocketIoHost, SocketIoListener, socketIoPath } from './socket-io/socket-io-listener.js';
import { bearerToken, isAllowedOrigin, normalizedOrigins, refuseUpgrade, targetOf } from './upgrade.js';
import type { Routes } from './upgrade.js';
import { ConnectedWebSocket, WsConnection } from './ws-connection.js';

export interface SocketServerOptions {
  readonly handler: SocketHandler;
  readonly broadcast: Broadcast;
  readonly log: SocketLog;
  readonly limits: SocketLimits;
  readonly routes: Routes;
  /** Browser origins allowed beside the own host. */
  readonly origins: readonly string[];
  /** Sockets a user may have open in a world; null where only `limits` counts. */
  readonly connectionLimit?: (world: string) => number | null;
  /** What is spoken on Socket.IO; without it that is not served. */
  readonly socketIo?: Dialect;
}

/** All open sockets of this process: opens them, sweeps over their deadlines, stops them. */
export class SocketServer implements SocketIoHost {
  readonly handler: SocketHandler;
  readonly limits: SocketLimits;
  readonly log: SocketLog;
  /** Whole milliseconds. Stands still while the process does, so that a long pause here is not taken for a silence there. */
  clock = 0;
  readonly origins: ReadonlySet<string>;

  readonly #options: SocketServerOptions;
  readonly #ws: InstanceType<typeof WebSocketServer<typeof ConnectedWebSocket>>;
  readonly #connections = new Set<Connection>();
  /** Open sockets by world and person, the oldest first. Most people have one, and a list of one takes less than a set. */
  readonly #perUser = new Map<string, Connection[]>();
  readonly #leaving = new Set<Promise<void>>();
  #listener: (connection: Connection) => void = ignore;
  #http: Server | undefined;
  #socketIo: SocketIoListener | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sweptAt = performance.now();
  #stopping = false;
  #emptied = ignore;

  constructor(options: SocketServerOptions) {
    this.#options = options;
    this.handler = options.handler;
    this.limits = options.limits;
    this.log = options.log;
    this.origins = normalizedOrigins(options.origins);
    options.broadcast.findPeopleBy((world, userId) => this.#perUser.get(userKey({ world, userId })) ?? nobody);
    const settings = {
      noServer: true,
      WebSocket: ConnectedWebSocket,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: options.limits.maxFrameBytes,
      // Known to ws since 8.19, not yet to its types.
      closeTimeout: options.limits.closeMs,
    };
    this.#ws = new WebSocketServer(settings);
  }

  /** Open connections, signed in or not. */
  get connections(): ReadonlySet<Connection> {
    return this.#connections;
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  /** Serves the upgrades of an HTTP server, and Socket.IO's requests. */
  attach(http: Server): void {
    this.#http = http;
    const { socketIo } = this.#options;
    if (socketIo) this.#socketIo = new SocketIoListener(http, socketIo, this);
    http.on('upgrade', this.#onUpgrade);
    this.#timer = setInterval(() => this.#sweep(), this.limits.sweepMs).unref();
  }

  /** `listener` gets each new connection and has to start it. */
  onConnection(listener: (connection: Connection) => void): void {
    this.#listener = listener;
  }

  /**
   * Refuses new ones (503), handles the frames already received, closes all sockets (1012). Resolves when all are gone and
   * the handler has heard of it; takes at most `drainMs` twice and `closeMs`.
   */
  async shutdown(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    await atMost(this.limits.drainMs, Promise.all([...this.#connections].map((connection) => connection.settle())));
    await tick(); // what the last frames published goes out first
    const emptied = new Promise<void>((resolve) => (this.#emptied = resolve));
    for (const connection of this.#connections) connection.close(CloseCode.restart, 'restart');
    if (this.#connections.size > 0) await emptied;
    await atMost(this.limits.drainMs, Promise.all(this.#leaving));
    clearInterval(this.#timer);
    this.#socketIo?.close();
    this.#http?.off('upgrade', this.#onUpgrade);
  }

  admit(connection: Connection, session: Session): boolean {
    const key = userKey(session);
    const open = this.#perUser.get(key);
    if (open?.includes(connection)) return true;
    const most = this.limits.rate?.socketsPerUser ?? Infinity;
    // Where the world allows no more than that, an older socket makes room.
    if (open && open.length >= most && (this.#worldsLimit(session) ?? Infinity) > most) return false;
    if (open) open.push(connection);
    else this.#perUser.set(key, [connection]);
    return true;
  }

  dismiss(connection: Connection, session: Session): void {
    const key = userKey(session);
    const open = this.#perUser.get(key);
    const at = open?.indexOf(connection) ?? -1;
    if (at >= 0) open?.splice(at, 1);
    if (open?.length === 0) this.#perUser.delete(key);
  }

  welcomed(session: Session): void {
    const open = this.#perUser.get(userKey(session));
    const limit = this.#worldsLimit(session);
    if (!open || limit === null) return;
    for (const oldest of open.splice(0, Math.max(0, open.length - limit))) oldest.replace();
  }

  #worldsLimit({ world }: Session): number | null {
    return this.#options.connectionLimit?.(world) ?? null;
  }

  gone(connection: Connection): void {
    this.#connections.delete(connection);
    const leaving = this.#close(connection).finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
    if (this.#connections.size === 0) this.#emptied();
  }

  readonly #onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    if (this.#socketIo && request.url?.startsWith(socketIoPath)) return;
    // A socket destroys itself on an error; without a listener the error would end the process.
    socket.on('error', ignore);
    this.#upgrade(request, socket, head).catch((error: unknown) => {
      const { code, message } = refusalOf(error, this.log, { at: 'upgrade' });
      refuseUpgrade(socket, numbersOf(code).http, code, message);
    });
  };

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const target = targetOf(request.url ?? '', this.#options.routes);
    if (this.#stopping) return refuseUpgrade(socket, 503, 'server.unavailable', 'The server is stopping.');
    if (target === 400) return refuseUpgrade(socket, 400, 'protocol.invalid', 'The path is not valid.');
    if (target === 404) return refuseUpgrade(socket, 404, 'path.unknown', 'Nothing is served at this path.');
    if (!isAllowedOrigin(request, this.origins)) {
      return refuseUpgrade(socket, 403, 'auth.denied', 'This Origin is not allowed.');
    }
    const session = await this.#signIn(request, target.world);
    if (this.#stopping) return refuseUpgrade(socket, 503, 'server.unavailable', 'The server is stopping.');
    if (socket.destroyed) return;
    this.#ws.handleUpgrade(request, socket, head, (ws) => {
      socket.off('error', ignore); // ws listens from here on
      this.accept(new WsConnection(ws, socket, session ? { ...target, session } : target, this));
    });
  }

  accept(connection: Connection): void {
    this.#connections.add(connection);
    this.#listener(connection);
  }

  /** Who the header describes; undefined without one. */
  async #signIn(request: IncomingMessage, world: string): Promise<Session | undefined> {
    const token = bearerToken(request);
    return token === undefined ? undefined : this.handler.signInByToken(token, world);
  }

  async #close(connection: Connection): Promise<void> {
    await connection.settle();
    this.#options.broadcast.leaveAll(connection);
    if (!connection.session) return;
    this.dismiss(connection, connection.session);
    try {
      await this.handler.closed(connection, connection.session);
    } catch (error) {
      this.log.error({ connection: connection.id, err: error }, 'a closed socket could not be cleaned up');
    }
  }

  #sweep(): void {
    const at = performance.now();
    this.clock += Math.round(Math.min(at - this.#sweptAt, 2 * this.limits.sweepMs));
    this.#sweptAt = at;
    const now = Date.now();
    for (const connection of this.#connections) connection.sweep(this.clock, now);
  }
}

const userKey = (person: Pick<Session, 'world' | 'userId' | 'anonymous'>): string =>
  `${person.world}\0${personKey(person)}`;

const nobody: readonly Connection[] = [];

function ignore(): void {}
