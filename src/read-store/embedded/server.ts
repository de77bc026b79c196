import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { BSONError } from 'bson';
import { errorReply, runCommand } from './commands/table.js';
import type { Context } from './commands/command.js';
import { Cursors } from './cursors.js';
import type { Store } from './store/store.js';
import { Framer, ProtocolError, readRequest, writeReply } from './wire/messages.js';
import type { Request } from './wire/messages.js';

/** Beyond this a client has to wait for its replies to go out before more of its messages are read. */
const maxConnections = 1000;

/** Serves a store over the MongoDB wire protocol on 127.0.0.1. */
export class WireServer {
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;
  private readonly cursors = new Cursors();
  private readonly startedAt = new Date();
  private lastConnection = 0;

  constructor(private readonly store: Store) {
    this.server = createServer({ noDelay: true }, (socket) => this.accept(socket));
    this.server.maxConnections = maxConnections;
  }

  /** Resolves with the port. Rejects when the port is taken. */
  listen(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, '127.0.0.1', () => {
        this.server.off('error', reject);
        resolve((this.server.address() as AddressInfo).port);
      });
    });
  }

  private accept(socket: Socket): void {
    this.sockets.add(socket);
    const context: Context = {
      store: this.store,
      cursors: this.cursors,
      startedAt: this.startedAt,
      connectionId: ++this.lastConnection,
      client: `127.0.0.1:${socket.remotePort ?? 0}`,
      server: `127.0.0.1:${socket.localPort ?? 0}`,
      openConnections: () => this.sockets.size,
    };
    // A connection that breaks needs no more than to be forgotten.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.sockets.delete(socket));
    void this.serve(socket, context);
  }

  /** One command after the other: the next is read when the last is answered. */
  private async serve(socket: Socket, context: Context): Promise<void> {
    const framer = new Framer();
    try {
      for await (const chunk of socket) {
        framer.push(chunk as Buffer);
        for (let message = framer.next(); message; message = framer.next()) {
          const reply = await this.answer(context, message);
          if (reply && !socket.destroyed && !socket.write(reply)) await drained(socket);
        }
      }
    } catch (error) {
      // Nothing sensible can be said to a client that does not speak the protocol; a broken socket is no error of ours.
      if (!(error instanceof ProtocolError) && !socket.destroyed) socket.destroy();
    }
    socket.destroy();
  }

  private async answer(context: Context, message: Buffer): Promise<Buffer | undefined> {
    let request: Request;
    try {
      request = readRequest(message);
    } catch (error) {
      if (!BSONError.isBSONError(error)) throw error;
      return writeReply(
        { requestId: message.readInt32LE(4), command: {}, silent: false, legacy: false },
        errorReply(error),
      );
    }
    const reply = await runCommand(context, request.command);
    return request.silent ? undefined : writeReply(request, reply);
  }

  /** Ends all connections; resolves when the port is free. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      for (const socket of this.sockets) socket.destroy();
    });
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.on('drain', done);
    socket.on('close', done);
  });
}
