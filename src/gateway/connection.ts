import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import type { RawData } from 'ws';
import { Refused } from '../eventsourcing/refused.js';
import { isSamePerson, type Session } from '../identity/session.js';
import { atMost } from '../waiting.js';
import type { Subscription } from './event-streams/subscription.js';
import type { CallId, Dialect } from './dialects/dialect.js';
import { MalformedFrame } from './dialects/dialect.js';
import { refusalOf } from './failure.js';
import { textFrames } from './frames.js';
import type { SocketHandler, SocketLog } from './handler.js';
import type { SocketLimits } from './limits.js';
import { TokenBucket } from './token-bucket.js';

/** Close codes beside those of RFC 6455. Source: wire contract, sections 1 to 3. */
export const CloseCode = {
  restart: 1012,
  tryLater: 1013,
  unauthenticated: 4401,
  slowReader: 4408,
  replaced: 4409,
} as const;

/** What a connection needs of the server it belongs to. */
export interface ConnectionHost {
  readonly handler: SocketHandler;
  readonly limits: SocketLimits;
  readonly log: SocketLog;
  /** Milliseconds on the clock of the sweeps. */
  readonly clock: number;
  /** Counts one more socket of a user; false if it has too many. */
  admit(connection: Connection, session: Session): boolean;
  /** Takes back an `admit`. */
  dismiss(connection: Connection, session: Session): void;
  /** The socket was welcomed: the user's oldest ones are replaced as far as the world allows no more. */
  welcomed(session: Session): void;
  /** The socket is closed; frames may still be under way. */
  gone(connection: Connection): void;
}

/** What was known of a socket when it was opened. */
export interface Opening {
  readonly world: string;
  readonly dialect: Dialect;
  /** The query of the URL; absent where there was none. Never holds anything that signs in. */
  readonly query?: URLSearchParams;
  /** Who the `Authorization` header described. */
  readonly session?: Session;
}

interface Received {
  /** Undefined for a binary message. */
  readonly text: string | undefined;
  /** Came too fast: decoded for its id only. */
  readonly limited: boolean;
}

/** One open socket: its frames are handled one at a time in the order sent. */
export class Connection {
  /** Unique across processes. */
  readonly id = randomBytes(12).toString('base64url');
  readonly world: string;
  readonly dialect: Dialect;
  readonly query: URLSearchParams | undefined;
  /** Undefined until signed in; replaced when the token is renewed. */
  session: Session | undefined;
  /** Log position of the connection's last command, which its queries wait for; -1 before the first. */
  lastPosition = -1n;
  /** Kept by Broadcast: the topics it joined. */
  topics: string[] | undefined;
  /** Kept by EventStreams: what it follows. */
  subscriptions: Subscription[] | undefined;
  /** True as soon as nothing can be sent any more. */
  closed = false;

  readonly #ws: WebSocket;
  readonly #socket: Duplex;
  readonly #host: ConnectionHost;
  /** Made at the first frame: most sockets are idle. */
  #bucket: TokenBucket | undefined;
  readonly #arrived: Session | undefined;
  readonly #queue: Received[] = [];
  #accepting = true;
  #paused = false;
  #working: Promise<void> | undefined;
  #draining: Promise<void> | undefined;
  readonly #signInBy: number;
  #pingAt: number;
  /** 0 while no pong is awaited. */
  #pongBy = 0;

  /** `socket` is the one under `ws`: whole messages are written to it directly, ws writes pings, pongs and closes. */
  constructor(ws: WebSocket, socket: Duplex, opening: Opening, host: ConnectionHost) {
    this.world = opening.world;
    this.dialect = opening.dialect;
    this.query = opening.query;
    this.#arrived = opening.session;
    this.#ws = ws;
    this.#socket = socket;
    this.#host = host;
    this.#signInBy = host.clock + host.limits.signInMs;
    this.#pingAt = host.clock + host.limits.pingEveryMs;
    ws.on('message', (data, isBinary) => this.#receive(data, isBinary));
    ws.on('pong', () => (this.#pongBy = 0));
    // After an error ws closes the socket itself (1002, 1007, 1009).
    ws.on('error', () => (this.closed = true));
    ws.on('close', () => {
      this.closed = true;
      host.gone(this);
    });
  }

  /** Welcomes one who signed in with a header. Called once, in the tick in which the connection was made. */
  start(): void {
    if (this.#arrived) this.#working = this.#work(this.#arrived);
  }

  /** Sends an event to this connection alone. A large history should wait for `drained` now and then. */
  sendEvent(name: string, body: unknown): void {
    this.#send(this.dialect.event(name, body));
  }

  /**
   * Writes whole frames. A reader for whom too much waits is cut off instead; one message alone may be larger than that.
   * With `corked` the frames wait, and the connection is added to it to be uncorked.
   */
  write(frames: Buffer, corked?: Connection[]): void {
    if (this.gone) return;
    const waiting = this.#socket.writableLength;
    if (waiting > 0 && waiting + frames.length > this.#host.limits.maxBacklogBytes) {
      this.close(CloseCode.slowReader, 'slow reader');
      return;
    }
    if (corked && this.#socket.writableCorked === 0) {
      this.#socket.cork();
      corked.push(this);
    }
    this.#socket.write(frames);
  }

  uncork(): void {
    this.#socket.uncork();
  }

  /** Bytes that wait for the reader. */
  get backlog(): number {
    return this.#socket.writableLength;
  }

  /** Nothing that is sent arrives any more, also when the other side has hung up and the socket is only about to close. */
  get gone(): boolean {
    return this.closed || this.#ws.readyState !== WebSocket.OPEN || this.#socket.destroyed;
  }

  /** False while `drained` has something to wait for. */
  get ready(): boolean {
    return this.gone || !this.#socket.writableNeedDrain;
  }

  /** Resolves when what was sent has left for the network, the socket is gone, or the time is over. */
  async drained(withinMs?: number): Promise<void> {
    if (this.ready) return;
    this.#draining ??= this.#untilDrained();
    await (withinMs === undefined ? this.#draining : atMost(withinMs, this.#draining));
  }

  /** One for all who wait. */
  async #untilDrained(): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#socket.off('drain', done).off('close', done);
        this.#draining = undefined;
        resolve();
      };
      this.#socket.on('drain', done).on('close', done);
    });
  }

  /** Starts the closing handshake. Frames that wait are dropped and nothing more is sent. */
  close(code: number, reason: string): void {
    if (this.closed) return;
    this.closed = true;
    this.#accepting = false;
    this.#queue.length = 0;
    this.#resume(); // to read the answer to the close frame
    this.#ws.close(code, reason);
  }

  /** Makes room for a newer connection of the same user. */
  replace(): void {
    const refused = new Refused('connection.replaced');
    this.#send(this.dialect.failure(null, refused));
    this.close(CloseCode.replaced, refused.code);
  }

  /** No frame is accepted any more; resolves when those already received were handled. */
  async settle(): Promise<void> {
    this.#accepting = false;
    await this.#working;
  }

  /** Destroys the socket without a handshake. */
  terminate(): void {
    this.closed = true;
    this.#ws.terminate();
  }

  /** Looks at the deadlines. `clock` is the host's, `now` epoch milliseconds. */
  sweep(clock: number, now: number): void {
    if (this.closed) return;
    if (this.session ? isExpired(this.session, now) : clock >= this.#signInBy) {
      const reason = this.session ? 'auth.expired_token' : 'protocol.unauthenticated';
      this.close(CloseCode.unauthenticated, reason);
    } else if (this.#pongBy !== 0 && clock >= this.#pongBy) {
      this.terminate();
    } else if (clock >= this.#pingAt && !this.#paused) {
      this.#pingAt = clock + this.#host.limits.pingEveryMs;
      this.#pongBy = clock + this.#host.limits.pongWithinMs;
      this.#ws.ping();
    }
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (!this.#accepting) return;
    const { rate } = this.#host.limits;
    if (rate) this.#bucket ??= new TokenBucket(rate.framesPerSecond, rate.burst);
    const limited = this.#bucket?.take() === false;
    // One message of text is one Buffer: ws leaves its binaryType at nodebuffer.
    this.#queue.push({ text: isBinary ? undefined : data.toString(), limited });
    if (!this.#working) {
      this.#working = this.#work();
    } else if (!this.#paused && this.#queue.length >= this.#host.limits.maxQueuedFrames) {
      this.#paused = true;
      this.#pongBy = 0; // the pong may be behind what we do not read now
      this.#ws.pause();
    }
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#ws.resume();
  }

  /** Handles frames until none waits. One who has hung up still gets carried out what was sent before. */
  async #work(arrived?: Session): Promise<void> {
    if (arrived) await this.#authenticate(() => Promise.resolve(arrived));
    const { maxBacklogBytes, maxQueuedFrames, repliesWithinMs } = this.#host.limits;
    for (let frame = this.#queue.shift(); frame; frame = this.#queue.shift()) {
      // oxlint-disable-next-line no-await-in-loop -- one at a time is the point
      await this.#handle(frame);
      // One who asks faster than it reads should wait, not be cut off for its own replies.
      // oxlint-disable-next-line no-await-in-loop
      if (this.#socket.writableLength > maxBacklogBytes / 2) await this.drained(repliesWithinMs);
      if (this.#queue.length <= maxQueuedFrames / 2) this.#resume();
    }
    this.#working = undefined;
  }

  async #handle({ text, limited }: Received): Promise<void> {
    let id: CallId | null = null;
    let action: string | undefined;
    try {
      if (text === undefined)
        throw new Refused('protocol.invalid', 'Send text messages; binary ones are not accepted.');
      const frame = this.dialect.decode(text);
      if (frame.kind === 'call') ({ id, action } = frame);
      if (limited) throw new Refused('rate_limited');
      if (this.session && isExpired(this.session, Date.now())) {
        this.close(CloseCode.unauthenticated, 'auth.expired_token');
      } else if (frame.kind === 'ping') {
        this.#send(this.dialect.pong(frame.payload));
      } else if (frame.kind === 'authenticate') {
        await this.#authenticate(() => this.#host.handler.signIn(frame.payload, this));
      } else if (!this.session) {
        throw new Refused('protocol.unauthenticated');
      } else {
        const body = await this.#host.handler.call(this, this.session, frame.action, frame.payload);
        this.#send(this.dialect.success(frame, body));
      }
    } catch (error) {
      const malformed = error instanceof MalformedFrame;
      if (malformed) id = error.id;
      const refused = limited ? new Refused('rate_limited') : malformed ? error.refused : this.#refusal(error, action);
      this.#send(this.dialect.failure(id, refused));
    }
  }

  async #authenticate(signIn: () => Promise<Session>): Promise<void> {
    try {
      await this.#welcome(await signIn());
    } catch (error) {
      const refused = this.#refusal(error, 'authenticate');
      this.#send(this.dialect.failure(null, refused));
      if (refused.code.startsWith('auth.')) this.close(CloseCode.unauthenticated, refused.code);
      else if (refused.code === 'rate_limited') this.close(CloseCode.tryLater, refused.code);
    }
  }

  async #welcome(session: Session): Promise<void> {
    if (this.closed) return;
    const previous = this.session;
    if (session.world !== this.world) throw new Refused('auth.wrong_world');
    if (previous && !isSamePerson(previous, session)) {
      throw new Refused('protocol.invalid', 'This connection belongs to another user; open a new one.');
    }
    if (!previous && !this.#host.admit(this, session))
      throw new Refused('rate_limited', 'Too many open sockets of this user.');
    this.session = session;
    try {
      this.#send(this.dialect.authenticated(await this.#host.handler.welcome(this, session)));
    } catch (error) {
      this.session = previous;
      if (!previous) this.#host.dismiss(this, session);
      throw error;
    }
    if (!previous) this.#host.welcomed(session);
  }

  #refusal(error: unknown, action?: string): Refused {
    return refusalOf(error, this.#host.log, { connection: this.id, world: this.world, action });
  }

  #send(text: string): void {
    this.write(textFrames([text]));
  }
}

function isExpired(session: Session, now: number): boolean {
  return session.expiresAt !== undefined && session.expiresAt <= now;
}
