import { WebSocket } from 'ws';
import { within } from '../waiting.js';

/** The server said no to a call, or to the connection itself. */
export class CallRefused extends Error {
  override readonly name = 'CallRefused';
  constructor(
    /** Of the wire contract's table, e.g. `room.unknown`. */
    readonly code: string,
    message: string,
    readonly details?: readonly { readonly field: string; readonly message: string }[],
  ) {
    super(message);
  }
}

/** The server cannot be reached, or the connection ended before the answer: whether a command took effect is unknown. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
  constructor(
    message: string,
    /** The WebSocket close code, where there was one. */
    readonly closeCode?: number,
  ) {
    super(message);
  }
}

/** Nothing came in the time given. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

export interface SocketEvent {
  readonly name: string;
  readonly body: unknown;
  /** When it arrived, on the clock of `performance.now()`. */
  readonly at: number;
}

export interface ConnectOptions {
  /** The server, e.g. `http://127.0.0.1:3000`. */
  readonly url: string;
  readonly world: string;
  readonly token: string;
  /** For the connection with its sign-in, and for each call that names no other. Default 10,000 ms. */
  readonly timeoutMs?: number;
}

interface Pending {
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

interface Waiter {
  readonly wants: (event: SocketEvent) => boolean;
  readonly resolve: (event: SocketEvent) => void;
  readonly reject: (error: Error) => void;
}

/** Events nobody asked for are kept up to this number, then the oldest go. */
const maxUnread = 10_000;

/** A client of the array dialect (wire contract, section 3), signed in by its `Authorization` header. */
export class SocketClient {
  /** Resolves when the connection is gone, whoever ended it. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  /** The body of `authenticated`. */
  readonly welcome: Promise<unknown>;
  private readonly pending = new Map<number, Pending>();
  private readonly unread: SocketEvent[] = [];
  private readonly waiters = new Set<Waiter>();
  private readonly listeners = new Set<(event: SocketEvent) => void>();
  private lost: ConnectionLost | undefined;
  private lastId = 0;

  private constructor(
    readonly ws: WebSocket,
    private readonly timeoutMs: number,
  ) {
    this.welcome = new Promise((resolve, reject) => {
      this.waiters.add({ wants: isWelcome, resolve: ({ body }) => resolve(body), reject });
    });
    ws.on('message', (data) => this.receive(JSON.parse(String(data))));
    this.closed = new Promise((resolve) => {
      ws.on('close', (code, reason) => {
        this.fail(new ConnectionLost(`the server closed the connection (${code})`, code));
        resolve({ code, reason: String(reason) });
      });
    });
  }

  /**
   * Resolves when signed in.
   * @throws CallRefused with the server's code for a refused token, ConnectionLost, NoAnswer
   */
  static async connect({ url, world, token, timeoutMs = 10_000 }: ConnectOptions): Promise<SocketClient> {
    const path = new URL(`/ws/world/${encodeURIComponent(world)}`, url);
    path.protocol = path.protocol === 'https:' ? 'wss:' : 'ws:';
    const ws = new WebSocket(path, { headers: { authorization: `Bearer ${token}` }, handshakeTimeout: timeoutMs });
    const client = new SocketClient(ws, timeoutMs);
    ws.on('error', (error) => client.fail(new ConnectionLost(`${url} cannot be reached: ${reasonOf(error)}`)));
    ws.on('unexpected-response', (_request, response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => {
        client.fail(refusalOf(response.statusCode, Buffer.concat(parts).toString()));
        ws.terminate();
      });
    });
    try {
      await within(timeoutMs, client.welcome, noAnswer(`${url} did not sign in`, timeoutMs));
    } catch (error) {
      ws.terminate();
      throw error;
    }
    return client;
  }

  get open(): boolean {
    return this.lost === undefined;
  }

  /** The reply's body. @throws CallRefused, ConnectionLost, NoAnswer */
  call<Reply = unknown>(action: string, payload: unknown = {}, timeoutMs = this.timeoutMs): Promise<Reply> {
    if (this.lost) return Promise.reject(this.lost);
    const id = ++this.lastId;
    const reply = new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.pending.delete(id);
        reject(new NoAnswer(`${action} was not answered within ${timeoutMs} ms`));
      }, timeoutMs);
      this.pending.set(id, { resolve, reject, timer });
    });
    this.ws.send(JSON.stringify([action, id, payload]));
    // The caller names the shape the contract gives this action's reply.
    return reply as Promise<Reply>;
  }

  /** Told of every event from now on; returns what ends that. Such a listener takes nothing from `waitFor` and `events`. */
  onEvent(listener: (event: SocketEvent) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** The first event that fits, among those not taken yet or to come. @throws NoAnswer, ConnectionLost */
  waitFor(wants: (event: SocketEvent) => boolean, timeoutMs = this.timeoutMs): Promise<SocketEvent> {
    const index = this.unread.findIndex(wants);
    const [found] = index < 0 ? [] : this.unread.splice(index, 1);
    if (found) return Promise.resolve(found);
    const stop = new AbortController();
    const came = this.next(wants, stop.signal);
    return within(timeoutMs, came, noAnswer('the event did not come', timeoutMs)).finally(() => stop.abort());
  }

  /** Takes every event in order; ends when the connection does. */
  async *events(): AsyncGenerator<SocketEvent, void> {
    for (;;) {
      const event = this.unread.shift();
      if (event) yield event;
      else if (this.lost) return;
      else {
        const coming = await this.next(() => true).catch(() => undefined);
        if (coming) yield coming;
      }
    }
  }

  async close(): Promise<void> {
    this.ws.close();
    await this.closed;
  }

  private next(wants: (event: SocketEvent) => boolean, signal?: AbortSignal): Promise<SocketEvent> {
    if (this.lost) return Promise.reject(this.lost);
    return new Promise((resolve, reject) => {
      const waiter = { wants, resolve, reject };
      this.waiters.add(waiter);
      signal?.addEventListener('abort', () => this.waiters.delete(waiter));
    });
  }

  private receive(frame: unknown): void {
    if (!Array.isArray(frame)) return;
    const [name, second, third]: unknown[] = frame;
    if (name === 'success' || name === 'error') this.answer(name, second, third);
    else this.deliver({ name: String(name), body: second, at: performance.now() });
  }

  private answer(outcome: 'success' | 'error', id: unknown, body: unknown): void {
    const call = typeof id === 'number' ? this.pending.get(id) : undefined;
    if (!call) {
      // Without an id it concerns the connection: an expired token, a frame that cannot be read.
      if (outcome === 'error') this.deliver({ name: 'error', body, at: performance.now() });
      return;
    }
    this.pending.delete(Number(id));
    clearTimeout(call.timer);
    if (outcome === 'success') call.resolve(body);
    else call.reject(callRefused(body));
  }

  private deliver(event: SocketEvent): void {
    for (const listener of this.listeners) listener(event);
    for (const waiter of this.waiters) {
      if (!waiter.wants(event)) continue;
      this.waiters.delete(waiter);
      waiter.resolve(event);
      return;
    }
    this.unread.push(event);
    if (this.unread.length > maxUnread) this.unread.shift();
  }

  private fail(error: ConnectionLost | CallRefused): void {
    if (this.lost) return;
    this.lost = error instanceof ConnectionLost ? error : new ConnectionLost(error.message);
    for (const { reject, timer } of this.pending.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.pending.clear();
    for (const { reject } of this.waiters) reject(error);
    this.waiters.clear();
  }
}

const isWelcome = ({ name }: SocketEvent): boolean => name === 'authenticated';

const noAnswer = (what: string, ms: number) => (): NoAnswer => new NoAnswer(`${what} within ${ms} ms`);

function refusalOf(status: number | undefined, body: string): CallRefused | ConnectionLost {
  try {
    return callRefused(JSON.parse(body));
  } catch {
    return new ConnectionLost(`the server answered the connection with HTTP ${status}`);
  }
}

function callRefused(body: unknown): CallRefused {
  const { code, message, details } = body as { code: string; message: string; details?: CallRefused['details'] };
  return new CallRefused(code, message, details);
}

/** A refused connection on several addresses has no message of its own. */
const reasonOf = (error: Error): string =>
  error.message || ('code' in error && typeof error.code === 'string' ? error.code : 'no answer');
