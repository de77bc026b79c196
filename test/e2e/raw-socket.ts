import { WebSocket, type ClientOptions } from 'ws';
import type { ServerProcess } from './support/server.js';

type Target = Pick<ServerProcess, 'url'>;

/** An upgrade the server refused. */
export class UpgradeRefused extends Error {
  constructor(
    readonly status: number | undefined,
    readonly body: unknown,
  ) {
    super(`the upgrade was answered with ${status}`);
  }
}

/** A socket that sends whatever it is told and reads one frame after the other: for what no honest client does. */
export class RawSocket {
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  /** Every frame so far, parsed. */
  readonly frames: unknown[] = [];
  private read = 0;
  private wake: () => void = () => undefined;

  private constructor(readonly ws: WebSocket) {
    ws.on('message', (data) => {
      this.frames.push(JSON.parse(String(data)));
      this.wake();
    });
    this.closed = new Promise((resolve) => {
      ws.on('close', (code, reason) => {
        resolve({ code, reason: String(reason) });
        this.wake();
      });
    });
  }

  /** @throws UpgradeRefused */
  static async open({ url }: Target, path = '/ws/world/demo', options: ClientOptions = {}): Promise<RawSocket> {
    const ws = new WebSocket(`${url.replace('http', 'ws')}${path}`, { handshakeTimeout: 5_000, ...options });
    const socket = new RawSocket(ws);
    await new Promise<void>((resolve, reject) => {
      ws.on('open', resolve);
      ws.on('error', reject);
      ws.on('unexpected-response', (_request, response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => {
          reject(new UpgradeRefused(response.statusCode, JSON.parse(Buffer.concat(parts).toString())));
          ws.terminate();
        });
      });
    });
    return socket;
  }

  /** Signed in by its first frame; the welcome is read. */
  static async signedIn(server: Target, token: string, world = 'demo'): Promise<RawSocket> {
    const socket = await RawSocket.open(server, `/ws/world/${world}`);
    socket.send(['authenticate', { token }]);
    await socket.next();
    return socket;
  }

  /** A text goes as it is, anything else as JSON. */
  send(frame: unknown): void {
    this.ws.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame));
  }

  /** The next frame. @throws Error when the connection ends or nothing comes for 5 s */
  async next(): Promise<unknown> {
    const end = performance.now() + 5_000;
    while (this.read >= this.frames.length) {
      const left = end - performance.now();
      if (left <= 0) throw new Error('no frame came');
      if (this.ws.readyState === WebSocket.CLOSED) throw new Error('the connection is closed');
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.frames[this.read++];
  }

  /** Sends one frame and reads the next one. */
  ask(frame: unknown): Promise<unknown> {
    this.send(frame);
    return this.next();
  }
}
