import type { INestApplication, WebSocketAdapter } from '@nestjs/common';
import type { Connection } from './connection.js';
import type { SocketServer } from './socket-server.js';

/**
 * Nest's way to our sockets: `app.useWebSocketAdapter(new SocketAdapter(app, sockets))` before `init`. Frames go to one
 * dispatch through the connection's ordered queue, so nothing is bound per action; Nest stops the sockets with the app.
 */
export class SocketAdapter implements WebSocketAdapter<SocketServer, Connection> {
  constructor(
    private readonly app: INestApplication,
    private readonly sockets: SocketServer,
  ) {}

  create(): SocketServer {
    this.sockets.attach(this.app.getHttpServer());
    return this.sockets;
  }

  bindClientConnect(sockets: SocketServer, callback: (connection: Connection) => void): void {
    sockets.onConnection(callback);
  }

  bindMessageHandlers(): void {
    // Decorated message handlers would run one client's frames concurrently.
  }

  async close(sockets: SocketServer): Promise<void> {
    await sockets.shutdown();
  }

  /** Called by Nest after `close`; the sockets hold nothing else. */
  async dispose(): Promise<void> {}
}
