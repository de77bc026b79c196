import { RawSocket } from './raw-socket.js';
import type { ServerProcess } from './support/server.js';

export interface Reply {
  /** `success`, or the error's code. */
  readonly code: string;
  readonly body: unknown;
}

export interface Welcome {
  readonly 'user.config': { readonly id: string; readonly profile: object };
  readonly 'world.config': {
    readonly world: { readonly id: string; readonly title: string };
    readonly permissions: readonly string[];
    readonly rooms: readonly { readonly id: string; readonly permissions: readonly string[] }[];
  };
}

/** A person without a token, signed in by a client_id and mostly an invite. */
export class Guest {
  private lastId = 0;

  private constructor(
    readonly socket: RawSocket,
    readonly welcome: Welcome,
  ) {}

  static async signIn(
    server: Pick<ServerProcess, 'url'>,
    payload: { readonly client_id?: string; readonly invite_token?: string; readonly token?: string },
    world = 'demo',
  ): Promise<Guest> {
    const socket = await RawSocket.open(server, `/ws/world/${world}`);
    const [name, , body] = await authenticate(socket, payload);
    if (name !== 'authenticated') throw new Error(`not signed in: ${JSON.stringify(body)}`);
    return new Guest(socket, body as Welcome);
  }

  /** The code of a refused sign-in, and how the connection was closed. */
  static async refused(server: Pick<ServerProcess, 'url'>, payload: object, world = 'demo'): Promise<unknown[]> {
    const socket = await RawSocket.open(server, `/ws/world/${world}`);
    const [name, , body] = await authenticate(socket, payload);
    const answer = name === 'error' ? (body as { code: string }).code : name;
    return [answer, (await socket.closed).code];
  }

  async call(action: string, payload: unknown = {}): Promise<Reply> {
    const id = ++this.lastId;
    this.socket.send([action, id, payload]);
    for (;;) {
      const frame = (await this.socket.next()) as [string, unknown, { code?: string }];
      if (frame[1] !== id || (frame[0] !== 'success' && frame[0] !== 'error')) continue;
      return { code: frame[0] === 'success' ? 'success' : (frame[2].code ?? ''), body: frame[2] };
    }
  }

  /** Waits for an event, passing over others. */
  async hears(wanted: string): Promise<unknown> {
    for (;;) {
      const [name, body] = (await this.socket.next()) as [string, unknown];
      if (name === wanted) return body;
    }
  }

  /** Every event so far, in order. */
  get heard(): [name: string, body: unknown][] {
    const replies = new Set(['success', 'error', 'authenticated', 'pong']);
    return (this.socket.frames as [string, unknown][]).filter(([name]) => !replies.has(name));
  }

  close(): void {
    this.socket.ws.terminate();
  }
}

async function authenticate(socket: RawSocket, payload: object): Promise<[string, unknown, unknown]> {
  const frame = (await socket.ask(['authenticate', payload])) as unknown[];
  return frame[0] === 'authenticated' ? ['authenticated', null, frame[1]] : (frame as [string, unknown, unknown]);
}
