import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

/** A TCP proxy on a free port that does to connections what networks do. */
export class Proxy {
  /** Connections made so far. */
  connections = 0;
  /** Told of each piece from the server before it is passed on; `true` loses it together with its connection. */
  loses: (piece: Buffer) => boolean = () => false;
  private readonly open = new Set<Pair>();
  private readonly frozen = new Set<Pair>();
  private readonly listener: Server;
  private freezesComing = false;
  private refuses = false;

  private constructor(
    private readonly target: number,
    private readonly host: string,
  ) {
    this.listener = createServer((client) => this.accept(client));
  }

  static async to(target: number, host = '127.0.0.1'): Promise<Proxy> {
    const proxy = new Proxy(target, host);
    proxy.listener.listen(0, '127.0.0.1');
    await once(proxy.listener, 'listening');
    return proxy;
  }

  get port(): number {
    // A listener on TCP has an address of this shape.
    return (this.listener.address() as AddressInfo).port;
  }

  /** Connections open now. */
  get openConnections(): number {
    return this.open.size;
  }

  /** Resets every connection. */
  reset(): void {
    for (const { client, server } of this.open) {
      client.resetAndDestroy();
      server.destroy();
    }
  }

  /** Ends every connection in order, as a server that shuts down does. */
  end(): void {
    for (const { client, server } of this.open) {
      client.end();
      server.destroy();
    }
  }

  /** With `true` as if nothing ran there: every connection is reset, also those that come. */
  refuse(refuses: boolean): void {
    this.refuses = refuses;
    if (refuses) this.reset();
  }

  /** Every connection there is, or with `coming` any later one, too, stays open and passes nothing on. */
  freeze({ coming = false } = {}): void {
    this.freezesComing = coming;
    for (const pair of this.open) {
      this.frozen.add(pair);
      pair.client.pause();
      pair.server.pause();
    }
  }

  /** Lets frozen connections go on. */
  thaw(): void {
    this.freezesComing = false;
    for (const { client, server } of this.frozen) {
      client.resume();
      server.resume();
    }
    this.frozen.clear();
  }

  /** Resolves when the next connection is made. */
  async nextConnection(): Promise<void> {
    await once(this.listener, 'connection');
  }

  async close(): Promise<void> {
    this.reset();
    this.listener.close();
    await once(this.listener, 'close');
  }

  private accept(client: Socket): void {
    if (this.refuses) {
      client.resetAndDestroy();
      return;
    }
    this.connections++;
    const server = connect(this.target, this.host);
    const pair = { client, server };
    this.open.add(pair);
    client.on('data', (piece) => server.write(piece));
    server.on('data', (piece) => {
      if (!this.loses(piece)) client.write(piece);
      else client.resetAndDestroy();
    });
    for (const [end, other] of [
      [client, server],
      [server, client],
    ] as const) {
      end.setNoDelay(true);
      end.on('error', () => undefined);
      end.on('close', () => {
        this.open.delete(pair);
        this.frozen.delete(pair);
        if (end === client) other.destroy();
        else other.end();
      });
    }
    if (this.freezesComing) this.freeze({ coming: true });
  }
}
