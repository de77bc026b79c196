import { randomUUID } from 'node:crypto';
import type { CommandBus, QueryBus } from '@nestjs/cqrs';
import { withExecution, withReader } from '../eventsourcing/execution.js';
import { NotResent } from '../eventsourcing/handle.js';
import { Lru } from '../eventsourcing/lru.js';
import { Refused } from '../eventsourcing/refused.js';
import { isObject, isText, toCommand } from '../eventsourcing/validation.js';
import type { CommandContext } from '../eventsourcing/decider.js';
import type { Access } from '../identity/access.js';
import type { LiveFacts } from '../identity/live-facts.js';
import { personKey, type Session } from '../identity/session.js';
import { SignIn, type SignInService } from '../identity/sign-in.js';
import { worldConfig } from '../rooms/world-config.js';
import { within } from '../waiting.js';
import type { Broadcast } from './broadcast.js';
import type { Connection } from './connection.js';
import type { EventStreams } from './event-streams/event-streams.js';
import type { SocketHandler } from './handler.js';
import type { LiveLog } from './live-log.js';
import type { Presence } from './presence.js';
import { wireTable } from './wire/index.js';
import type { Done, WireAction } from './wire/wire.js';

interface Answer {
  readonly position: bigint;
  readonly body: unknown;
}

interface Remembered {
  readonly action: string;
  readonly answer: Promise<Answer>;
}

type CommandEntry = Extract<WireAction, { kind: 'command' }>;

/** What stands behind every dialect: one way from an action's name and payload to its reply. */
export class Dispatch implements SocketHandler {
  /**
   * Commands that succeeded or are under way, by world, person and command id, so that a resend of a moment ago costs
   * nothing and an id cannot serve two actions at once. The streams themselves remember for good.
   */
  private readonly remembered = new Lru<string, Remembered>(20_000);

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
  ) {}

  signIn(payload: unknown, { world }: Connection): Promise<Session> {
    return inTime(this.signIns.signIn(toCommand(SignIn, payload), world));
  }

  signInByToken(token: string, world: string): Promise<Session> {
    return inTime(this.signIns.signIn({ token }, world));
  }

  async welcome(connection: Connection, session: Session): Promise<unknown> {
    await inTime(Promise.resolve(this.live.reached(connection.lastPosition)));
    this.broadcast.join(connection, `world:${session.world}`);
    return {
      'user.config': { id: session.userId, profile: session.profile },
      'world.config': worldConfig(this.facts, this.access, session),
    };
  }

  call(connection: Connection, session: Session, action: string, payload: unknown): Promise<unknown> {
    return inTime(this.carryOut(connection, session, action, payload));
  }

  private async carryOut(connection: Connection, session: Session, action: string, payload: unknown): Promise<unknown> {
    const entry = wireTable.actions[action];
    if (!entry) throw new Refused('protocol.unknown_command');
    const { commandId, rest } = takeCommandId(entry, payload);
    const command = toCommand(entry.shape, entry.prepare ? entry.prepare(rest) : rest, entry.codeOf);
    // What this connection wrote, and so every right it gained or lost by it, counts from its next frame on.
    await this.live.reached(connection.lastPosition);
    switch (entry.kind) {
      case 'command': {
        const { position, body } = await this.execute(entry, action, command, session, commandId);
        if (position > connection.lastPosition) connection.lastPosition = position;
        return body;
      }
      case 'query':
        this.authorise(session, entry, command);
        return this.queries.execute(withReader(command, { world: session.world, after: connection.lastPosition }));
      case 'connection':
        this.authorise(session, entry, command);
        return entry.run(command, {
          connection,
          session,
          broadcast: this.broadcast,
          streams: this.streams,
          presence: this.presence,
        });
    }
  }

  closed(connection: Connection, session: Session): void {
    this.streams.unsubscribe(connection);
    this.presence.closed(connection, session);
  }

  private authorise(session: Session, entry: WireAction, command: { readonly type: string }): void {
    const need = entry.needs(command);
    if (need) {
      for (const room of need.exist ?? []) this.access.requireRoom(session, room);
      this.access.require(session, need.permission, need.room);
    }
    const roles = entry.roles?.(command);
    if (roles) this.access.requireRoles(session, roles, entry.codeOf?.([roles.field]) ?? 'protocol.invalid');
  }

  private async execute(
    entry: CommandEntry,
    action: string,
    command: { readonly type: string },
    session: Session,
    commandId: string | undefined,
  ): Promise<Answer> {
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
  ): Promise<Answer> {
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
      const execution = { context, onlyResend, anonymous: session.anonymous !== undefined };
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

/** `command_id` belongs to the frame, not to the command. */
function takeCommandId(entry: WireAction, payload: unknown): { commandId?: string; rest: unknown } {
  if (entry.kind === 'query' || !isObject(payload) || !('command_id' in payload)) return { rest: payload };
  const { command_id: commandId, ...rest } = payload;
  if (!isText(commandId, 200)) {
    const message = `command_id must be ${accepted}`;
    throw new Refused('protocol.invalid', message, [{ field: 'command_id', message }]);
  }
  return { commandId, rest };
}

function reusedId(): Refused {
  const message = 'command_id was used for another action';
  return new Refused('protocol.invalid', message, [{ field: 'command_id', message }]);
}
