import { randomBytes, randomUUID } from 'node:crypto';
import type { RoomConfigView } from '../../rooms/room-fields.js';
import { Tokens } from '../../identity/tokens.js';
import { ServerProcess } from '../server-process.js';
import { SocketClient } from '../socket-client.js';

export type Role = 'attendee' | 'moderator' | 'admin';

const world = 'demo';

/** Where the demo plays: one server at a time on one data folder and port, and who may enter. */
export class Stage {
  private readonly secret = randomBytes(32).toString('base64url');
  private readonly tokens = new Tokens({
    secret: new TextEncoder().encode(this.secret),
    jwksUrl: undefined,
    issuer: undefined,
    audience: 'convoke',
  });
  private running: ServerProcess | undefined;
  private starting: Promise<ServerProcess> | undefined;

  constructor(
    readonly dataDir: string,
    private readonly signal: AbortSignal,
  ) {}

  get server(): ServerProcess {
    if (!this.running) throw new Error('no server has been started');
    return this.running;
  }

  /** Starts the server, the second time on the port of the first; resolves when it is ready. */
  async start(): Promise<void> {
    const { dataDir, secret, signal } = this;
    const port = this.running?.port ?? 0;
    this.starting = ServerProcess.start({ dataDir, port, signal, env: { AUTH_SECRET: secret } });
    this.running = await this.starting;
    await this.running.ready();
  }

  /** Resolves when no process of the stage is left, once the signal has aborted. */
  async ended(): Promise<void> {
    await this.starting?.then(
      (server) => server.exited,
      () => undefined,
    );
  }

  async connect(name: string, role: Role): Promise<SocketClient> {
    const traits = role === 'attendee' ? [] : [role];
    const token = await this.tokens.sign({ sub: name, world, traits }, '1h');
    return SocketClient.connect({ url: this.server.url, world, token });
  }
}

/** A person with one connection at a time. Remembers which commands were acknowledged. */
export class Person {
  readonly acknowledged = new Set<string>();
  private connection: SocketClient | undefined;

  constructor(
    private readonly stage: Stage,
    readonly name: string,
    readonly role: Role,
  ) {}

  get client(): SocketClient {
    if (!this.connection) throw new Error(`${this.name} is not connected`);
    return this.connection;
  }

  /** Also again, when the server was restarted. */
  async connect(): Promise<void> {
    this.connection = await this.stage.connect(this.name, this.role);
  }

  async enter(room: string): Promise<void> {
    await this.client.call('room.enter', { room });
  }

  /** Enters, and answers who is there. For those who may know. */
  async viewers(room: string): Promise<string[]> {
    const { viewers } = await this.client.call<{ viewers: { id: string }[] }>('room.enter', { room });
    return viewers.map(({ id }) => id);
  }

  async command<Reply>(action: string, payload: object, commandId: string = randomUUID()): Promise<Reply> {
    const reply = await this.client.call<Reply>(action, { ...payload, command_id: commandId });
    this.acknowledged.add(commandId);
    return reply;
  }

  patch(room: string, fields: object, commandId?: string): Promise<RoomConfigView> {
    return this.command('room.config.patch', { room, ...fields }, commandId);
  }

  announce(room: string, title: string): Promise<unknown> {
    return this.command('room.schedule', { room, schedule_data: { title } });
  }

  rooms(): Promise<RoomConfigView[]> {
    return this.client.call('room.config.list', {});
  }

  async disconnect(): Promise<void> {
    if (this.connection?.open) await this.connection.close();
  }
}
