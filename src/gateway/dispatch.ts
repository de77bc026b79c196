import { randomUUID } from 'node:crypto';
import type { CommandBus, QueryBus } from '@nestjs/cqrs';
import { formatPosition } from '../event-store/position.js';
import { withExecution, withReader, type Reader } from '../eventsourcing/execution.js';
import { NotResent } from '../eventsourcing/handle.js';
import { Lru } from '../eventsourcing/lru.js';
import { Refused } from '../eventsourcing/refused.js';
import { isObject, isText, toCommand } from '../eventsourcing/validation.js';
import type { CommandContext } from '../eventsourcing/decider.js';
import { listed, type Access } from '../identity/access.js';
import type { LiveFacts } from '../identity/live-facts.js';
import { personKey, type Session } from '../identity/session.js';
import { SignIn, type SignInService } from '../identity/sign-in.js';
import { worldConfig } from '../rooms/world-config.js';
import { within } from '../waiting.js';
import type { Broadcast } from './broadcast.js';
import type { Connection } from './connection.js';
import type { Call } from './dialects/dialect.js';
import type { EventStreams } from './event-streams/event-streams.js';
import type { Answer, SocketHandler } from './handler.js';
import type { LiveLog } from './live-log.js';
import { requireNeed } from './needs.js';
import type { Presence } from './presence.js';
import { wireTable } from './wire/index.js';
import type { Done, WireAction } from './wire/wire.js';

interface Decided {
  readonly position: bigint;
  readonly body: unknown;
}

interface Remembered {
  readonly action: string;
  readonly answer: Promise<Decided>;
}

type CommandEntry = Extract<WireAction, { kind: 'command' }>;

/** What stands behind every dialect: one way from an action's name and payload to its reply. */
export class Dispatch implements SocketHandler {
  /**
   * Commands that succeeded or are under way, by world, person and command id, so that a resend of a moment ago costs
   * nothing and an id cannot serve two actions at once. The streams themselves remember for good.
   */
  private readonly remembered = new Lru<string, Remembered>(20_000);

  /** Of the last command anybody was told of. */
  private acknowledged = -1n;

  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly signIns: SignInService,
    private readonly access: Access,
    private readonly facts: LiveFacts,
    private readonly live: LiveLog,
    private readonly broadcast: Broadcast,
    private readonly streams: EventStreams,
    private readonly presence: Presence,
    /** Of the log whose positions clients are told. */
    private readonly epoch: string,
  ) {}

  signIn(payload: unknown, { world }: Connection): Promise<Session> {
    return inTime(this.signIns.signIn(toCommand(SignIn, payload), world));
  }

  signInByToken(token: string, world?: string): Promise<Session> {
    return inTime(this.signIns.byToken(token, world));
  }

  async welcome(connection: Connection, session: Session): Promise<unknown> {
    await inTime(Promise.resolve(this.live.reached(connection.lastPosition)));
    this.broadcast.join(connection, `world:${session.world}`);
    return connection.dialect.welcome({
      session,
      title: this.facts.worlds.get(session.world)?.title ?? session.world,
      permissions: listed(this.access.inWorld(session)),
      config: () => worldConfig(this.facts, this.access, session),
    });
  }

  call(connection: Connection, session: Session, call: Call): Promise<Answer> {
    return inTime(this.carryOut(connection, session, call));
  }

  private async carryOut(connection: Connection, session: Session, call: Call): Promise<Answer> {
    const { action } = call;
    const entry = wireTable.actions[action];
    if (!entry) throw new Refused('protocol.unknown_command');
    const { commandId, rest } = takeCommandId(entry, call);
    const command = toCommand(entry.shape, entry.prepare ? entry.prepare(rest) : rest, entry.codeOf);
    // What this connection wrote, and so every right it gained or lost by it, counts from its next frame on.
    await this.live.reached(connection.lastPosition);
    switch (entry.kind) {
      case 'command': {
        const done = this.execute(entry, action, command, session, commandId);
        const { position, body } = await (call.commandId === undefined ? done : done.catch(namedAsInFrame));
        if (position > connection.lastPosition) connection.lastPosition = position;
        if (position > this.acknowledged) this.acknowledged = position;
        return { body, position: formatPosition(this.epoch, position) };
      }
      case 'query':
        this.authorise(session, entry, command);
        return { body: await this.queries.execute(withReader(command, this.readerFor(session, connection))) };
      case 'connection':
        this.authorise(session, entry, command);
        return {
          body: await entry.run(command, {
            connection,
            session,
            broadcast: this.broadcast,
            streams: this.streams,
            presence: this.presence,
          }),
        };
    }
  }

  closed(connection: Connection, session: Session): void {
    this.streams.unsubscribe(connection);
    this.presence.closed(connection, session);
  }

  private readerFor({ world, userId, zoneinfo }: Session, { lastPosition: after }: Connection): Reader {
    const { position } = this.live;
    const newest = position > this.acknowledged ? position : this.acknowledged;
    return { world, userId, after, newest, ...(zoneinfo !== undefined && { zoneinfo }) };
  }

  private authorise(session: Session, entry: WireAction, command: { readonly type: string }): void {
    const need = entry.needs(command);
    if (need) requireNeed(this.access, session, need);
    const roles = entry.roles?.(command);
    if (roles) this.access.requireRoles(session, roles, entry.codeOf?.([roles.field]) ?? 'protocol.invalid');
  }

  private async execute(
    entry: CommandEntry,
    action: string,
    command: { readonly type: string },
    session: Session,
    commandId: string | undefined,
  ): Promise<Decided> {
    if (commandId === undefined) return this.decide(entry, action, command, session);
    const key = JSON.stringify([session.world, personKey(session), commandId]);
    for (;;) {
      const before = this.remembered.get(key);
      if (!before) break;
      if (before.action !== action) throw reusedId();
      const answer = await before.answer.catch(() => undefined);
      if (answer) return answer;
      // The first try was refused, so it is decided anew, unless another resend is already at it.
      if (this.remembered.get(key) === before) this.remembered.delete(key);
    }
    const answer = this.decide(entry, action, command, session, commandId);
    const entryOf = { action, answer };
    this.remembered.set(key, entryOf);
    try {
      return await answer;
    } catch (error) {
      if (this.remembered.get(key) === entryOf) this.remembered.delete(key);
      throw error;
    }
  }

  /** Existence and permission first; but what was done once is answered again, whatever has changed since. */
  private async decide(
    entry: CommandEntry,
    action: string,
    command: { readonly type: string },
    session: Session,
    givenId?: string,
  ): Promise<Decided> {
    const commandId = givenId ?? randomUUID();
    const context: CommandContext = {
      commandId,
      action,
      correlationId: randomUUID(),
      causationId: commandId,
      actorId: session.userId,
      world: session.world,
      now: new Date().toISOString(),
    };
    let onlyResend = false;
    let refusal: unknown;
    try {
      this.authorise(session, entry, command);
    } catch (error) {
      if (givenId === undefined) throw error;
      onlyResend = true;
      refusal = error;
    }
    try {
      const { anonymous, zoneinfo } = session;
      const execution = {
        context,
        onlyResend,
        anonymous: anonymous !== undefined,
        ...(zoneinfo !== undefined && { zoneinfo }),
      };
      const done: Done = await this.commands.execute(withExecution(command, execution));
      return { position: done.position, body: entry.reply(done) };
    } catch (error) {
      throw onlyResend && error instanceof NotResent ? refusal : error;
    }
  }
}

/** A store that is down is told within 5 s, whatever a command had to ask of it. */
const answerWithinMs = 4_800;

/** What takes longer goes on; whoever sends the same command id again gets its answer then. */
const inTime = <T>(answer: Promise<T>): Promise<T> =>
  within(answerWithinMs, answer, () => new Refused('server.unavailable'));

const accepted = 'a text of 1 to 200 characters';

/** In the payload `command_id` belongs to the frame, not to the command. A frame that has an id of its own takes its place. */
function takeCommandId(entry: WireAction, { commandId, payload }: Call): { commandId?: string; rest: unknown } {
  if (commandId !== undefined) return { commandId, rest: payload };
  if (entry.kind === 'query' || !isObject(payload) || !('command_id' in payload)) return { rest: payload };
  const { command_id: given, ...rest } = payload;
  if (!isText(given, 200)) throw badId(`command_id must be ${accepted}`);
  return { commandId: given, rest };
}

const reusedId = (): Refused => badId('command_id was used for another action');

function badId(message: string): Refused {
  return new Refused('protocol.invalid', message, [{ field: 'command_id', message }]);
}

/** A refusal of the command's id, for one who knows it as `event.id`. */
function namedAsInFrame(error: unknown): never {
  if (!(error instanceof Refused) || error.details?.[0]?.field !== 'command_id') throw error;
  const message = 'event.id was used for another action';
  throw new Refused(error.code, message, [{ field: 'event.id', message }]);
}
