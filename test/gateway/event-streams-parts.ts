import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProjections } from '../../projections/engine/engine.js';
import { readModels } from '../../projections/read-models.js';
import { eventRegistry } from '../../src/event-registry.js';
import { openEmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import type { EventStore } from '../../src/event-store/event-store.js';
import { formatPosition } from '../../src/event-store/position.js';
import type { CommandContext } from '../../src/eventsourcing/decider.js';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import { CommandLoop } from '../../src/eventsourcing/handle.js';
import { Refused } from '../../src/eventsourcing/refused.js';
import { toCommand } from '../../src/eventsourcing/validation.js';
import { Broadcast } from '../../src/gateway/broadcast.js';
import type { Connection } from '../../src/gateway/connection.js';
import type { Call } from '../../src/gateway/dialects/dialect.js';
import { SubscribeEvents, UnsubscribeEvents } from '../../src/gateway/event-streams/commands.js';
import { EventStreams, type Told } from '../../src/gateway/event-streams/event-streams.js';
import { defaultSizes, type HistorySizes } from '../../src/gateway/event-streams/history.js';
import type { Answer, SocketHandler } from '../../src/gateway/handler.js';
import type { SocketLimits } from '../../src/gateway/limits.js';
import { LiveLog } from '../../src/gateway/live-log.js';
import type { SocketServerOptions } from '../../src/gateway/socket-server.js';
import { Access } from '../../src/identity/access.js';
import { LiveFacts } from '../../src/identity/live-facts.js';
import type { Session } from '../../src/identity/session.js';
import { worlds } from '../../src/identity/worlds.js';
import { MeetingLookup } from '../../src/meetings/meeting-lookup.js';
import { meetings, type MeetingCommand } from '../../src/meetings/meetings.js';
import { connectReadStore } from '../../src/read-store/connect.js';
import { emptyConfig } from '../../src/rooms/room-fields.js';
import { rooms, type RoomCommand } from '../../src/rooms/rooms.js';
import { changeListing } from '../../src/rooms/rooms.policy.js';
import { alice } from '../spec/decider-spec.js';
import { type Client, Harness } from './harness.js';

const silent = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined };

/** A token here is `<user>`, `<user>+<trait>` or `<user>#<room of an invite>`. */
const sessionOf = (token: string, world: string): Session => {
  const [person = '', room] = token.split('#');
  const [userId = '', ...traits] = person.split('+');
  return { userId, world, traits, profile: {}, ...(room !== undefined && { anonymous: { room } }) };
};

/** What a served connection can do: subscribe and unsubscribe, as Dispatch does it. */
class Following implements SocketHandler {
  constructor(private readonly streams: EventStreams) {}

  async signIn(): Promise<Session> {
    throw new Refused('auth.missing_token');
  }

  async signInByToken(token: string, world: string): Promise<Session> {
    return sessionOf(token, world);
  }

  async welcome(): Promise<unknown> {
    return {};
  }

  async call(connection: Connection, session: Session, { action, payload }: Call): Promise<Answer> {
    if (action === 'events.subscribe') {
      const { topics, after } = toCommand(SubscribeEvents, payload);
      await this.streams.subscribe(connection, session, topics, after);
    } else {
      this.streams.unsubscribe(connection, toCommand(UnsubscribeEvents, payload).topics);
    }
    return { body: {} };
  }

  closed(connection: Connection): void {
    this.streams.unsubscribe(connection);
  }
}

export interface Serving {
  readonly sizes?: Partial<HistorySizes>;
  readonly limits?: Partial<SocketLimits>;
  readonly routes?: SocketServerOptions['routes'];
  /** What catching up reads; the log itself without it. */
  readonly store?: EventStore;
  /** Stands between the log and those who are told of it. */
  readonly told?: (live: LiveLog) => Told;
}

/** Everything of a server below its commands: a log, the facts of access, sockets. Worlds show nothing without a grant. */
export class Stage {
  private serving: { readonly harness: Harness; readonly live: LiveLog } | undefined;
  private commands = 0;

  private constructor(
    readonly store: EventStore,
    private readonly loop: CommandLoop,
    private readonly facts: LiveFacts,
    private readonly closeStores: () => Promise<void>,
  ) {}

  static async open(): Promise<Stage> {
    const dir = await mkdtemp(join(tmpdir(), 'convoke-streams-'));
    const store = await openEmbeddedEventStore({ dir: join(dir, 'log') });
    const read = await connectReadStore({ dir: join(dir, 'read'), port: 0 });
    const upcast = eventRegistry.read.bind(eventRegistry);
    const projections = startProjections({ store, db: read.db, models: readModels, exclusive: true, upcast });
    const facts = await LiveFacts.open(projections, eventRegistry, store.epoch);
    const stage = new Stage(store, new CommandLoop(store, eventRegistry), facts, async () => {
      await projections.stop();
      await read.close();
      await store.close();
      await rm(dir, { recursive: true });
    });
    for (const world of ['demo', 'other']) {
      const trait_grants = { attendee: [], admin: ['admin'] };
      await stage.loop.handle(worlds, { type: 'OpenWorld', trait_grants }, stage.context(world));
    }
    return stage;
  }

  /** Serves sockets, anew each time. */
  async serve({ sizes, limits, routes, store = this.store, told }: Serving = {}): Promise<Harness> {
    await this.stopServing();
    const access = new Access(this.facts);
    const live = new LiveLog(this.store, eventRegistry, this.facts, access, new Broadcast(silent), silent);
    const source = told ? told(live) : live;
    const people = new MeetingLookup(this.loop);
    const streams = new EventStreams(store, eventRegistry, access, source, silent, people, {
      ...defaultSizes,
      ...sizes,
    });
    const harness = await Harness.start(limits, { handler: new Following(streams), ...(routes && { routes }) });
    this.serving = { harness, live };
    await live.start();
    return harness;
  }

  /** What is told of the log goes here, and to no socket. */
  async serveTo(broadcast: Broadcast): Promise<{ live: LiveLog }> {
    await this.stopServing();
    const live = new LiveLog(this.store, eventRegistry, this.facts, new Access(this.facts), broadcast, silent);
    const harness = await Harness.start();
    this.serving = { harness, live };
    await live.start();
    return { live };
  }

  async stopServing(): Promise<void> {
    await this.serving?.harness.stop();
    await this.serving?.live.stop();
    this.serving = undefined;
  }

  async close(): Promise<void> {
    await this.stopServing();
    await this.closeStores();
  }

  async room(name: string, isPublic = true, world = 'demo'): Promise<string> {
    const command = { type: 'RegisterRoom', name, ...(isPublic && { trait_grants: { viewer: [] } }) } as const;
    const execution = { context: this.context(world), onlyResend: false };
    return this.told(await changeListing(this.loop, { ...command, defaults: emptyConfig }, execution));
  }

  async inRoom(command: RoomCommand, world = 'demo'): Promise<void> {
    await this.told({ room: '', ...(await this.loop.handle(rooms, command, this.context(world))) });
  }

  schedule(room: string, n: number, world = 'demo', computeSession = ''): Promise<void> {
    return this.inRoom({ type: 'ScheduleRoom', room, schedule_data: { session: n, computeSession } }, world);
  }

  async inWorld(type: 'GrantWorldRole' | 'RevokeWorldRole', user: string, role: string): Promise<void> {
    await this.told({ room: '', ...(await this.loop.handle(worlds, { type, user, role }, this.context('demo'))) });
  }

  async meeting(organizerId: string, invitedUserIds: readonly string[], world = 'demo'): Promise<string> {
    const meetingId = randomUUID();
    const day = Date.parse('2026-01-01T00:00:00Z');
    const details = { sourceType: 'direct', sourceIds: ['x'], subject: 'Talk', description: '' } as const;
    const color = { r: 0, g: 0, b: 0, a: 1 };
    await this.onMeeting(
      {
        type: 'OpenMeeting',
        meetingId,
        organizerId,
        invitedUserIds,
        booking: '0',
        created: new Date(day).toISOString(),
        plan: { ...details, color, startDate: day, endDate: day + 3_600_000 },
        buffers: { bufferBefore: 0, bufferAfter: 0 },
      },
      world,
    );
    return meetingId;
  }

  async onMeeting(command: MeetingCommand, world = 'demo'): Promise<void> {
    await this.told({ room: '', ...(await this.loop.handle(meetings, command, this.context(world))) });
  }

  async events(after = -1n): Promise<RecordedEvent[]> {
    const events: RecordedEvent[] = [];
    for await (const event of this.store.readAll({ after })) events.push(event);
    return events;
  }

  async head(): Promise<string> {
    return formatPosition(this.store.epoch, await this.store.head());
  }

  /** Waits until the sockets were told. */
  private async told({ room, position }: { readonly room: string; readonly position: bigint }): Promise<string> {
    await this.serving?.live.reached(position);
    return room;
  }

  private context(world: string): CommandContext {
    return { ...alice, world, commandId: `command ${++this.commands}` };
  }
}

export type Message = [name: string, idOrBody: unknown, body?: unknown];

let calls = 0;

/** Calls and takes the reply, which is the next message: nothing may come before it. */
export async function call(client: Client, action: string, payload: object): Promise<unknown> {
  const id = ++calls;
  client.send([action, id, payload]);
  const [outcome, of, body] = (await client.next()) as Message;
  if (of !== id) throw new Error(`${outcome} came before the reply to ${action}`);
  return outcome === 'success' ? body : outcome === 'error' ? body : outcome;
}

/** Events up to the `caught_up` of a subscription, and its body. */
export async function history(client: Client): Promise<{ events: CloudBody[]; caughtUp: CaughtUp }> {
  const events: CloudBody[] = [];
  for (;;) {
    const [name, body] = (await client.next()) as Message;
    if (name === 'caught_up') return { events, caughtUp: body as CaughtUp };
    if (name !== 'event') throw new Error(`${name} came, not an event`);
    events.push(body as CloudBody);
  }
}

export type CaughtUp = { readonly topics: string[]; readonly position: string };
export type CloudBody = {
  readonly id: string;
  readonly type: string;
  readonly position: string;
  readonly data: object;
};

export const idsOf = (events: readonly { readonly id: string }[]): string[] => events.map(({ id }) => id);
