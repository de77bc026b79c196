import type { Duplex } from 'node:stream';
import { type RawData, WebSocket } from 'ws';
import { atMost } from '../waiting.js';
import { CloseCode, Connection, type ConnectionHost, type Opening } from './connection.js';
import type { Messages } from './messages.js';

/** A WebSocket that knows its connection, so that all of them share their listeners: most sockets are idle, and many. */
export class ConnectedWebSocket extends WebSocket {
  connection: WsConnection | undefined;
}

/** A connection that is a WebSocket. */
export class WsConnection extends Connection {
  readonly #ws: WebSocket;
  readonly #socket: Duplex;
  #draining: Promise<void> | undefined;
  #pingAt: number;
  /** 0 while no pong is awaited. */
  #pongBy = 0;

  /** `socket` is the one under `ws`: whole messages are written to it directly, ws writes pings, pongs and closes. */
  constructor(ws: ConnectedWebSocket, socket: Duplex, opening: Opening, host: ConnectionHost) {
    super(opening, host);
    this.#ws = ws;
    this.#socket = socket;
    this.#pingAt = host.clock + host.limits.pingEveryMs;
    ws.connection = this;
    ws.on('message', WsConnection.#onMessage);
    ws.on('pong', WsConnection.#onPong);
    ws.on('error', WsConnection.#onError);
    ws.on('close', WsConnection.#onClose);
  }

  static #onMessage(this: WebSocket, data: RawData, isBinary: boolean): void {
    // One message of text is one Buffer: ws leaves its binaryType at nodebuffer.
    connectionOf(this)?.receive(isBinary ? undefined : data.toString());
  }

  static #onPong(this: WebSocket): void {
    const connection = connectionOf(this);
    if (connection) connection.#pongBy = 0;
  }

  /** After an error ws closes the socket itself (1002, 1007, 1009). */
  static #onError(this: WebSocket): void {
    const connection = connectionOf(this);
    if (connection) connection.closed = true;
  }

  static #onClose(this: WebSocket): void {
    const connection = connectionOf(this);
    if (!connection) return;
    connection.closed = true;
    connection.host.gone(connection);
  }

  write({ frames }: Messages, corked?: Connection[]): void {
    if (this.gone) return;
    const waiting = this.#socket.writableLength;
    if (waiting > 0 && waiting + frames.length > this.host.limits.maxBacklogBytes) {
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

  get backlog(): number {
    return this.#socket.writableLength;
  }

  get gone(): boolean {
    return this.closed || this.#ws.readyState !== WebSocket.OPEN || this.#socket.destroyed;
  }

  get ready(): boolean {
    return this.gone || !this.#socket.writableNeedDrain;
  }

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

  protected hangUp(code: number, reason: string): void {
    this.#ws.close(code, reason);
  }

  protected stopReading(): void {
    this.#pongBy = 0; // the pong may be behind what we do not read now
    this.#ws.pause();
  }

  protected readOn(): void {
    this.#ws.resume();
  }

  protected beat(clock: number): void {
    if (this.#pongBy !== 0 && clock >= this.#pongBy) {
      this.closed = true;
      this.#ws.terminate();
    } else if (clock >= this.#pingAt && !this.paused) {
      this.#pingAt = clock + this.host.limits.pingEveryMs;
      this.#pongBy = clock + this.host.limits.pongWithinMs;
      this.#ws.ping();
    }
  }
}

const connectionOf = (ws: WebSocket): WsConnection | undefined =>
  ws instanceof ConnectedWebSocket ? ws.connection : undefined;
