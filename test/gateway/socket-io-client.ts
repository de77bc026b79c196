import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';

export interface Told {
  readonly name: string;
  readonly args: readonly unknown[];
}

/** The official client, with everything it was told in the order it came. Ends with `end`. */
export class SocketIoClient {
  readonly told: Told[] = [];
  /** Resolves with the reason when the connection ends. */
  readonly disconnected: Promise<string>;
  #wake: () => void = () => undefined;

  private constructor(readonly socket: Socket) {
    socket.onAny((name: string, ...args: unknown[]) => {
      this.told.push({ name, args });
      this.#wake();
    });
    this.disconnected = new Promise((resolve) => socket.once('disconnect', resolve));
  }

  /** Not connected yet. It does not come back by itself. */
  static of(url: string, token: unknown, options: Partial<ManagerOptions & SocketOptions> = {}): SocketIoClient {
    const auth = token === undefined ? {} : { token };
    const socket = io(url, { auth, forceNew: true, reconnection: false, autoConnect: false, ...options });
    return new SocketIoClient(socket);
  }

  /** Connected, and `user_info` was read. @throws ConnectError */
  static async connect(...of: Parameters<typeof SocketIoClient.of>): Promise<SocketIoClient> {
    const client = SocketIoClient.of(...of);
    await client.connect();
    await client.next('user_info');
    return client;
  }

  /** @throws ConnectError */
  async connect(): Promise<void> {
    const { socket } = this;
    await new Promise<void>((resolve, reject) => {
      const refused = (error: Error & { data?: { code?: string } }): void => {
        socket.disconnect();
        reject(new ConnectError(error.message, error.data?.code));
      };
      socket.once('connect_error', refused);
      socket.once('connect', () => {
        socket.off('connect_error', refused);
        resolve();
      });
      socket.connect();
    });
  }

  /** The acknowledgement of an event. */
  ask(endpoint: string, argument: unknown): Promise<unknown> {
    return this.socket.timeout(10_000).emitWithAck(endpoint, argument);
  }

  /** The arguments of the first event of this name that was not taken yet; waits for it, 10 s at most. */
  async next(name: string): Promise<readonly unknown[]> {
    const end = performance.now() + 10_000;
    for (;;) {
      const at = this.told.findIndex((one) => one.name === name);
      const [found] = at < 0 ? [] : this.told.splice(at, 1);
      if (found) return found.args;
      const left = end - performance.now();
      if (left <= 0) throw new Error(`${name} did not come`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** `polling` or `websocket`, as it is now. */
  get transport(): string | undefined {
    return this.socket.io.engine.transport.name;
  }

  end(): void {
    this.socket.disconnect();
  }
}

/** The server did not let it in; `code` is of the contract's table. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
  constructor(
    message: string,
    readonly code: string | undefined,
  ) {
    super(message);
  }
}
