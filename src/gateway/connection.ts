import { randomBytes } from 'node:crypto';
import { Refused } from '../eventsourcing/refused.js';
import { isSamePerson, type Session } from '../identity/session.js';
import type { Subscription } from './event-streams/subscription.js';
import { type Dialect, MalformedFrame, type Origin, signingIn, unread } from './dialects/dialect.js';
import { refusalOf } from './failure.js';
import type { SocketHandler, SocketLog } from './handler.js';
import type { SocketLimits } from './limits.js';
import { Messages } from './messages.js';
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
  /** Counts one more connection of a user, each once; false if it has too many. */
  admit(connection: Connection, session: Session): boolean;
  /** Takes back an `admit`. */
  dismiss(connection: Connection, session: Session): void;
  /** The connection was welcomed: the user's oldest ones are replaced as far as the world allows no more. */
  welcomed(session: Session): void;
  /** The connection is closed; frames may still be under way. */
  gone(connection: Connection): void;
}

/** What was known of a connection when it was opened. */
export interface Opening {
  readonly world: string;
  readonly dialect: Dialect;
  /** Who signed in while it was opened. */
  readonly session?: Session;
}

interface Received {
  /** Undefined for a binary message. */
  readonly text: string | undefined;
  /** Came too fast: decoded for its id only. */
  readonly limited: boolean;
}

/** One open connection, whatever carries it: its frames are handled one at a time in the order sent. */
export abstract class Connection {
  /** Unique across processes. */
  readonly id = randomBytes(12).toString('base64url');
  readonly world: string;
  readonly dialect: Dialect;
  /** Undefined until signed in; replaced when the token is renewed. */
  session: Session | undefined;
  /** It was told that it is signed in: from now on it hears what is for its person. */
  welcomed = false;
  /** Log position of the connection's last command, which its queries wait for; -1 before the first. */
  lastPosition = -1n;
  /** Kept by Broadcast: the topics it joined. */
  topics: string[] | undefined;
  /** Kept by EventStreams: what it follows. */
  subscriptions: Subscription[] | undefined;
  /** True as soon as nothing can be sent any more. */
  closed = false;
  /** It is not read, because too many of its frames wait. */
  protected paused = false;
  protected readonly host: ConnectionHost;

  /** Made at the first frame: most connections are idle. */
  #bucket: TokenBucket | undefined;
  readonly #arrived: Session | undefined;
  readonly #queue: Received[] = [];
  #accepting = true;
  #working: Promise<void> | undefined;
  readonly #signInBy: number;

  constructor(opening: Opening, host: ConnectionHost) {
    this.world = opening.world;
    this.dialect = opening.dialect;
    this.#arrived = opening.session;
    this.host = host;
    this.#signInBy = host.clock + host.limits.signInMs;
  }

  /**
   * Sends messages. A reader for whom too much waits is cut off instead; one alone may be larger than that. With `corked`
   * they may wait, and then the connection is added to it to be uncorked.
   */
  abstract write(messages: Messages, corked?: Connection[]): void;
  abstract uncork(): void;
  /** Bytes that wait for the reader. */
  abstract get backlog(): number;
  /** Nothing that is sent arrives any more, also when the other side has hung up and the connection is only about to close. */
  abstract get gone(): boolean;
  /** False while `drained` has something to wait for. */
  abstract get ready(): boolean;
  /** Resolves when what was sent has left for the network, the connection is gone, or the time is over. */
  abstract drained(withinMs?: number): Promise<void>;
  /** Ends the connection in good order: what was sent before arrives. */
  protected abstract hangUp(code: number, reason: string): void;
  protected abstract stopReading(): void;
  protected abstract readOn(): void;
  /** Asks now and then whether the other side is there. */
  protected abstract beat(clock: number): void;

  /** Welcomes one who signed in while the connection was opened. Called once, in the tick in which that happened. */
  start(): void {
    if (this.#arrived) this.#working = this.#work(this.#arrived);
  }

  /** Sends an event to this connection alone. A large history should wait for `drained` now and then. */
  sendEvent(name: string, body: unknown): void {
    this.send(this.dialect.event(name, body));
  }

  /** Nothing more is sent, and frames that wait are dropped. `reason` is a code of the contract's table where there is one. */
  close(code: number, reason: string): void {
    if (this.closed) return;
    this.closed = true;
    this.#accepting = false;
    this.#queue.length = 0;
    this.#resume(); // to read what the other side has to say to it
    this.hangUp(code, reason);
  }

  /** Makes room for a newer connection of the same user. */
  replace(): void {
    const refused = new Refused('connection.replaced');
    this.send(this.dialect.failure(unread, refused));
    this.close(CloseCode.replaced, refused.code);
  }

  /** No frame is accepted any more; resolves when those already received were handled. */
  async settle(): Promise<void> {
    this.#accepting = false;
    await this.#working;
  }

  /** Looks at the deadlines. `clock` is the host's, `now` epoch milliseconds. */
  sweep(clock: number, now: number): void {
    if (this.closed) return;
    if (this.session ? isExpired(this.session, now) : clock >= this.#signInBy) {
      const reason = this.session ? 'auth.expired_token' : 'protocol.unauthenticated';
      this.close(CloseCode.unauthenticated, reason);
    } else {
      this.beat(clock);
    }
  }

  /** Takes a message of the other side; undefined for a binary one. */
  protected receive(text: string | undefined): void {
    if (!this.#accepting) return;
    const { rate, maxQueuedFrames } = this.host.limits;
    if (rate) this.#bucket ??= new TokenBucket(rate.framesPerSecond, rate.burst);
    const limited = this.#bucket?.take() === false;
    this.#queue.push({ text, limited });
    if (!this.#working) {
      this.#working = this.#work();
    } else if (!this.paused && this.#queue.length >= maxQueuedFrames) {
      this.paused = true;
      this.stopReading();
    }
  }

  protected send(...texts: readonly string[]): void {
    this.write(new Messages(texts));
  }

  #resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.readOn();
  }

  /** Handles frames until none waits. One who has hung up still gets carried out what was sent before. */
  async #work(arrived?: Session): Promise<void> {
    if (arrived) await this.#authenticate(signingIn, () => Promise.resolve(arrived));
    const { maxBacklogBytes, maxQueuedFrames, repliesWithinMs } = this.host.limits;
    for (let frame = this.#queue.shift(); frame; frame = this.#queue.shift()) {
      // oxlint-disable-next-line no-await-in-loop -- one at a time is the point
      await this.#handle(frame);
      // One who asks faster than it reads should wait, not be cut off for its own replies.
      // oxlint-disable-next-line no-await-in-loop
      if (this.backlog > maxBacklogBytes / 2) await this.drained(repliesWithinMs);
      if (this.#queue.length <= maxQueuedFrames / 2) this.#resume();
    }
    this.#working = undefined;
  }

  async #handle({ text, limited }: Received): Promise<void> {
    let origin: Origin = unread;
    try {
      if (text === undefined)
        throw new Refused('protocol.invalid', 'Send text messages; binary ones are not accepted.');
      const frame = this.dialect.decode(text);
      origin = frame;
      if (limited) throw new Refused('rate_limited');
      if (this.session && isExpired(this.session, Date.now())) {
        this.close(CloseCode.unauthenticated, 'auth.expired_token');
      } else if (frame.kind === 'ping') {
        this.send(this.dialect.pong(frame, frame.payload));
      } else if (frame.kind === 'authenticate') {
        await this.#authenticate(frame, () => this.host.handler.signIn(frame.payload, this));
      } else if (!this.session) {
        throw new Refused('protocol.unauthenticated');
      } else {
        const { body, position } = await this.host.handler.call(this, this.session, frame);
        this.send(this.dialect.success(frame, body, position));
      }
    } catch (error) {
      const malformed = error instanceof MalformedFrame;
      if (malformed) ({ origin } = error);
      const refused = limited
        ? new Refused('rate_limited')
        : malformed
          ? error.refused
          : this.#refusal(error, origin.action);
      this.send(this.dialect.failure(origin, refused));
    }
  }

  async #authenticate(origin: Origin, signIn: () => Promise<Session>): Promise<void> {
    try {
      await this.#welcome(origin, await signIn());
    } catch (error) {
      const refused = this.#refusal(error, origin.action);
      this.send(...this.dialect.refusedSignIn(origin, refused));
      if (refused.code.startsWith('auth.')) this.close(CloseCode.unauthenticated, refused.code);
      else if (refused.code === 'rate_limited') this.close(CloseCode.tryLater, refused.code);
    }
  }

  async #welcome(origin: Origin, session: Session): Promise<void> {
    if (this.closed) return;
    const previous = this.session;
    if (session.world !== this.world) throw new Refused('auth.wrong_world');
    if (previous && !isSamePerson(previous, session)) {
      throw new Refused('protocol.invalid', 'This connection belongs to another user; open a new one.');
    }
    if (!previous && !this.host.admit(this, session)) throw tooMany();
    this.session = session;
    try {
      const body = await this.host.handler.welcome(this, session);
      this.welcomed = true;
      this.send(...this.dialect.authenticated(origin, body));
    } catch (error) {
      this.session = previous;
      if (!previous) this.host.dismiss(this, session);
      throw error;
    }
    if (!previous) this.host.welcomed(session);
  }

  #refusal(error: unknown, action: string): Refused {
    return refusalOf(error, this.host.log, { connection: this.id, world: this.world, action });
  }
}

/** A user has as many connections as one may have. */
export const tooMany = (): Refused => new Refused('rate_limited', 'Too many open sockets of this user.');

function isExpired(session: Session, now: number): boolean {
  return session.expiresAt !== undefined && session.expiresAt <= now;
}
