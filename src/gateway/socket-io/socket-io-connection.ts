import type { Socket } from 'socket.io';
import { WebSocket } from 'ws';
import { Refused } from '../../eventsourcing/refused.js';
import { atMost } from '../../waiting.js';
import { CloseCode, Connection, type ConnectionHost, type Opening } from '../connection.js';
import { errorPacket } from '../dialects/socket-io.js';
import type { Messages } from '../messages.js';
import { frameEvent } from './packets.js';

/** Bytes that may wait for the reader before `ready` is false; a stream of Node waits at the same. */
const highWater = 16 * 1024;

/** What one is told who is cut off for a reason that is no code of the contract's table. */
const reasons: Readonly<Record<number, Refused>> = {
  [CloseCode.restart]: new Refused('server.restart', 'The server is stopping; connect again.'),
  [CloseCode.slowReader]: new Refused('connection.slow_reader', 'Too much was waiting to be read.'),
};

/**
 * A connection of Socket.IO, over long polling or a WebSocket, whatever it uses at the moment. Messages are packets of
 * Socket.IO and go past it to the engine, which also looks whether the other side is there.
 */
export class SocketIoConnection extends Connection {
  readonly #socket: Socket;
  readonly #conn: Socket['conn'];
  /** Bytes the engine has not handed on. */
  #waiting = 0;
  #draining: Promise<void> | undefined;
  #drained: () => void = () => undefined;
  #over = false;

  constructor(socket: Socket, opening: Opening, host: ConnectionHost) {
    super(opening, host);
    this.#socket = socket;
    this.#conn = socket.conn;
    socket.on(frameEvent, (text: string | undefined) => this.receive(text));
    socket.once('disconnect', () => this.#end());
  }

  write(messages: Messages): void {
    if (this.gone) return;
    if (this.#waiting > 0 && this.#waiting + messages.bytes > this.host.limits.maxBacklogBytes) {
      this.close(CloseCode.slowReader, 'slow reader');
      return;
    }
    this.#put(messages);
  }

  /** The engine sends what it gets in one tick when it can: nothing was held back. */
  uncork(): void {}

  get backlog(): number {
    return this.#waiting;
  }

  get gone(): boolean {
    return this.closed || this.#conn.readyState !== 'open';
  }

  get ready(): boolean {
    return this.gone || this.#waiting < highWater;
  }

  async drained(withinMs?: number): Promise<void> {
    if (this.ready) return;
    this.#draining ??= new Promise((resolve) => (this.#drained = resolve));
    await (withinMs === undefined ? this.#draining : atMost(withinMs, this.#draining));
  }

  /** Its `error` event says why. */
  override replace(): void {
    this.close(CloseCode.replaced, 'connection.replaced');
  }

  /** After an `error` event the namespace is left, so that the client does not come back by itself; at a restart it should. */
  protected hangUp(code: number, reason: string): void {
    // Whoever reads nothing, or does not poll any more, is not waited for.
    setTimeout(() => {
      this.#conn.close(true);
      this.#end();
    }, this.host.limits.closeMs).unref();
    this.#put({ texts: [errorPacket(reasons[code] ?? new Refused(reason))], bytes: 0 });
    if (code === CloseCode.restart) this.#conn.close();
    else this.#socket.disconnect(true);
  }

  /** A client that polls cannot be held up: it is cut off. */
  protected stopReading(): void {
    const ws = this.#ws();
    if (ws) ws.pause();
    else this.close(CloseCode.tryLater, 'rate_limited');
  }

  protected readOn(): void {
    this.#ws()?.resume();
  }

  protected beat(): void {}

  #put({ texts, bytes }: Pick<Messages, 'texts' | 'bytes'>): void {
    this.#waiting += bytes;
    const last = texts.length - 1;
    texts.forEach((text, index) => {
      this.#conn.write(text, { compress: false }, index === last ? () => this.#sent(bytes) : undefined);
    });
  }

  #sent(bytes: number): void {
    this.#waiting -= bytes;
    if (this.#waiting === 0) this.#release();
  }

  #release(): void {
    this.#draining = undefined;
    this.#drained();
  }

  /** Undefined while the client polls. The engine keeps it to itself. */
  #ws(): WebSocket | undefined {
    const socket: unknown = Reflect.get(this.#conn.transport, 'socket');
    return socket instanceof WebSocket ? socket : undefined;
  }

  /** However it came about. A client that only leaves the namespace is not kept: it could not say who it is any more. */
  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.closed = true;
    this.#release();
    this.#conn.close();
    this.host.gone(this);
  }
}
