import { SocketIoClient } from '../../gateway/socket-io-client.js';
import { RawSocket } from '../raw-socket.js';
import { type ServerProcess, tokenFor } from './server.js';

/** What the envelope says of a call or an event. */
export interface Envelope {
  readonly data?: unknown;
  readonly error: { readonly status: boolean; readonly code: number; readonly message: string };
}

/** A client of the envelope, whatever carries it. */
export interface Speaker {
  /** Exactly `{data, error}`, or `{error}`. Without an id it makes one up. */
  ask(endpoint: string, data?: unknown, id?: string | number): Promise<Envelope>;
  /** The next event of this name that was not taken yet; passes over others. */
  hear(name: string): Promise<Envelope>;
  close(): void;
}

type Target = Pick<ServerProcess, 'url'>;
interface Message extends Envelope {
  readonly endpoint: string;
  readonly event?: { readonly id: unknown; readonly position?: string };
}

export const none = { status: false, code: 0, message: '' };
let ids = 0;
const nextId = (): string => `id-${++ids}`;

/** Raw messages over `/ws/network/<world>`. */
export class EnvelopeClient implements Speaker {
  /** What came and was not taken yet. */
  private readonly kept: Message[] = [];

  private constructor(readonly socket: RawSocket) {}

  /** Nobody is signed in yet. */
  static async open(server: Target, world = 'demo', query = ''): Promise<EnvelopeClient> {
    return new EnvelopeClient(await RawSocket.open(server, `/ws/network/${world}${query}`));
  }

  static async signedIn(server: Target, token: string, world = 'demo', query = ''): Promise<EnvelopeClient> {
    const client = await EnvelopeClient.open(server, world, query);
    client.socket.send({ endpoint: 'authenticate', data: { token } });
    await client.hear('user_info');
    return client;
  }

  /** The whole reply. */
  async reply(endpoint: string, data?: unknown, id: string | number = nextId()): Promise<Message> {
    this.socket.send({ endpoint, data, event: { id } });
    return this.take((message) => message.event?.id === id);
  }

  async ask(endpoint: string, data?: unknown, id?: string | number): Promise<Envelope> {
    const { endpoint: answered, event: _event, ...envelope } = await this.reply(endpoint, data, id);
    if (answered !== endpoint) throw new Error(`${endpoint} was answered as ${answered}`);
    return envelope;
  }

  async hear(name: string): Promise<Envelope> {
    const { endpoint: _name, ...envelope } = await this.take(({ endpoint, event }) => !event && endpoint === name);
    return envelope;
  }

  close(): void {
    this.socket.ws.close();
  }

  private async take(fits: (message: Message) => boolean): Promise<Message> {
    const at = this.kept.findIndex(fits);
    const [found] = at < 0 ? [] : this.kept.splice(at, 1);
    if (found) return found;
    for (;;) {
      const message = (await this.socket.next()) as Message;
      if (fits(message)) return message;
      this.kept.push(message);
    }
  }
}

/** The official client of Socket.IO; calls are answered by acknowledgement. */
export class SocketIoSpeaker implements Speaker {
  private constructor(readonly client: SocketIoClient) {}

  /** @throws ConnectError */
  static async signedIn(
    { url }: Target,
    token: unknown,
    options: Parameters<typeof SocketIoClient.of>[2] = {},
  ): Promise<SocketIoSpeaker> {
    return new SocketIoSpeaker(await SocketIoClient.connect(url, token, options));
  }

  async ask(endpoint: string, data?: unknown, id: string | number = nextId()): Promise<Envelope> {
    return (await this.client.ask(endpoint, { data, event: { id, date: new Date().toISOString() } })) as Envelope;
  }

  async hear(name: string): Promise<Envelope> {
    const [body] = await this.client.next(name);
    return body as Envelope;
  }

  close(): void {
    this.client.end();
  }
}

/** A user of a world over each of the two. */
export const speakers: readonly (readonly [
  name: string,
  connect: (server: Target, user: string, traits?: readonly string[], world?: string) => Promise<Speaker>,
])[] = [
  [
    'raw messages',
    async (server, user, traits = [], world = 'demo') =>
      EnvelopeClient.signedIn(server, await tokenFor(user, traits, { world }), world),
  ],
  [
    'Socket.IO',
    async (server, user, traits = [], world = 'demo') =>
      SocketIoSpeaker.signedIn(server, await tokenFor(user, traits, { world })),
  ],
];
