import type { EventStore, ExpectedRevision } from '../event-store/event-store.js';
import type { CommandContext, Decider } from './decider.js';
import type { DomainEvent, NewEvent, RecordedEvent } from './events.js';
import { commandKey, empty, remember, revisionOf, type Folded, type Moment } from './folded.js';
import { chain } from './hash-chain.js';
import { eventId } from './ids.js';
import { Lru } from './lru.js';
import { Refused } from './refused.js';
import type { EventRegistry } from './registry.js';

/** An event a command appended; only the last one's position is known to every store. */
export type AppendedEvent<Event extends DomainEvent = DomainEvent> = Event &
  NewEvent & { readonly stream: string; readonly revision: bigint };

/** What a command did. For a resend: what it did the first time. */
export interface Outcome<State, Event extends DomainEvent = DomainEvent> {
  /** The state right after the command's own events. */
  readonly state: State;
  readonly events: readonly AppendedEvent<Event>[];
  /** Revision and position of the command's last event. */
  readonly revision: bigint;
  readonly position: bigint;
}

export interface HandleOptions {
  /** The revision the client saw; a conflict is then its to solve. */
  readonly expected?: ExpectedRevision;
  /** Only answer a command that was carried out before; decide nothing. */
  readonly onlyResend?: boolean;
}

/** The answer to `onlyResend` when the command is new. */
export class NotResent extends Error {
  override readonly name = 'NotResent';
}

const tries = 3;

/** The only load → decide → append. Everything that changes a stream goes through `handle`. */
export class CommandLoop {
  /** Folded states of recently used streams. The append's expected revision keeps them honest. */
  private readonly cache: Lru<string, Folded<unknown>>;
  /** The last command at work on each stream: commands of one process take turns instead of conflicting. */
  private readonly turns = new Map<string, Promise<unknown>>();

  constructor(
    private readonly store: EventStore,
    private readonly registry: EventRegistry,
    cachedStreams = 10_000,
  ) {
    this.cache = new Lru(cachedStreams);
  }

  /**
   * Decides the command on its stream's state and appends what it decided.
   * A conflict with another process is read on and decided anew, 3 times; never when the client gave a revision.
   * @throws Refused, NotResent, StoreUnavailable
   */
  async handle<S, C, E extends DomainEvent>(
    decider: Decider<S, C, E>,
    command: C,
    context: CommandContext,
    options: HandleOptions = {},
  ): Promise<Outcome<S, E>> {
    const stream = streamName(decider, decider.streamOf(command, context));
    const before = this.turns.get(stream);
    const turn = (async () => {
      if (before) await before.catch(() => undefined);
      return this.decideAndAppend(decider, stream, command, context, options);
    })();
    this.turns.set(stream, turn);
    try {
      return await turn;
    } finally {
      if (this.turns.get(stream) === turn) this.turns.delete(stream);
    }
  }

  /** What this command did if it was carried out before on the stream, else undefined. @throws Refused for another action under its id */
  async resent<S, C, E extends DomainEvent>(
    decider: Decider<S, C, E>,
    id: string,
    context: CommandContext,
  ): Promise<Outcome<S, E> | undefined> {
    const stream = streamName(decider, id);
    return this.outcomeOf(decider, stream, await this.load(decider, stream, true), context);
  }

  /** The stream's state now, and where in the log its last event is (-1n: nowhere). */
  async momentOf<S, C, E extends DomainEvent>(
    decider: Decider<S, C, E>,
    id: string,
  ): Promise<Pick<Moment<S>, 'state' | 'position'>> {
    return this.load(decider, streamName(decider, id), true);
  }

  /** The stream's state now, or as it was at a position of the log. */
  async stateOf<S, C, E extends DomainEvent>(decider: Decider<S, C, E>, id: string, upTo?: bigint): Promise<S> {
    const stream = streamName(decider, id);
    const folded = await this.load(decider, stream, true);
    if (upTo === undefined || folded.position <= upTo) return folded.state;
    const then = folded.recent.findLast(({ position }) => position <= upTo);
    if (then) return then.state;
    return (await this.fold(decider, stream, empty(decider), (event) => event.position <= upTo)).state;
  }

  private async decideAndAppend<S, C, E extends DomainEvent>(
    decider: Decider<S, C, E>,
    stream: string,
    command: C,
    context: CommandContext,
    { expected, onlyResend = false }: HandleOptions,
  ): Promise<Outcome<S, E>> {
    // A cached state may be behind another process: it may only say yes, because the append then checks it.
    let fresh = onlyResend;
    for (let attempt = 1; ;) {
      const folded = await this.load(decider, stream, fresh);
      const first = await this.outcomeOf(decider, stream, folded, context);
      if (first) return first;
      if (onlyResend) throw new NotResent();
      let events: readonly E[];
      try {
        if (expected !== undefined && expected !== 'any' && expected !== revisionOf(folded)) {
          throw new Refused('concurrency.conflict');
        }
        events = decider.decide(command, folded.state, context);
      } catch (error) {
        if (fresh || !(error instanceof Refused)) throw error;
        fresh = true;
        continue;
      }
      if (events.length === 0) throw new Error(`${decider.category} decided no event for ${context.action}`);
      try {
        return await this.append(decider, stream, folded, events, context);
      } catch (error) {
        // After any failed append the truth is in the store, not in the cache.
        this.cache.delete(stream);
        if (!(error instanceof Error) || error.name !== 'WrongExpectedRevision') throw error;
        if (expected !== undefined || attempt === tries) throw new Refused('concurrency.conflict');
        attempt++;
        fresh = true;
      }
    }
  }

  private async append<S, C, E extends DomainEvent>(
    decider: Decider<S, C, E>,
    stream: string,
    folded: Folded<S>,
    events: readonly E[],
    context: CommandContext,
  ): Promise<Outcome<S, E>> {
    const chained = chain(
      folded.hash,
      events.map((event, index) => this.recordOf(event, eventId(context, stream, index), context)),
    );
    const { revision, position } = await this.store.append(stream, revisionOf(folded), chained);
    const first = revision - BigInt(chained.length - 1);
    const appended = chained.map((event, index) => ({ ...event, stream, revision: first + BigInt(index) }));
    const state = events.reduce((current, event) => decider.evolve(current, event), folded.state);
    const { commands } = folded;
    commands.set(commandKey(context), { action: context.action, first, revision });
    const hash = chained.at(-1)?.metadata.hash ?? folded.hash;
    const now = { state, revision, position };
    // Of several events only the last one's position is known: what was before them is asked of the store.
    const recent = first === revision ? folded.recent : [];
    remember(recent, now);
    this.cache.set(stream, { ...now, hash, commands, recent });
    return { state, events: appended, revision, position };
  }

  /** Member by member: copying the rest of an object is slow, and this is done for every event. */
  private recordOf<E extends DomainEvent>(event: E, id: string, context: CommandContext): E & NewEvent {
    const { commandId, action, correlationId, causationId, actorId, world, now: at } = context;
    const schema = this.registry.schemaOf(event.type);
    return { ...event, id, metadata: { commandId, action, correlationId, causationId, actorId, world, schema, at } };
  }

  /** The first success of a resent command, answered from the state folded to its revision. */
  private async outcomeOf<S, C, E extends DomainEvent>(
    decider: Decider<S, C, E>,
    stream: string,
    folded: Folded<S>,
    context: CommandContext,
  ): Promise<Outcome<S, E> | undefined> {
    const done = folded.commands.get(commandKey(context));
    if (!done) return undefined;
    if (done.action !== context.action) {
      throw new Refused('protocol.invalid', 'This command id was used for another action.', [
        { field: 'command_id', message: 'an id not used before, or the same action again' },
      ]);
    }
    const { first, revision } = done;
    const then =
      folded.recent.find((moment) => moment.revision === revision) ??
      (await this.fold(decider, stream, empty(decider), (event) => event.revision <= revision));
    const events: AppendedEvent<E>[] = [];
    const limit = Number(revision - first) + 1;
    for await (const stored of this.store.readStream(stream, { from: first, limit })) {
      const { position: _position, ...appended } = this.registry.read(stored);
      events.push(appended as AppendedEvent<E>);
    }
    return { state: then.state, events, revision: then.revision, position: then.position };
  }

  private async load<S, C, E extends DomainEvent>(
    decider: Decider<S, C, E>,
    stream: string,
    fresh: boolean,
  ): Promise<Folded<S>> {
    // The cache is keyed by stream, and a stream's category belongs to one decider, so its state is of this type.
    const cached = this.cache.get(stream) as Folded<S> | undefined;
    if (cached && !fresh) return cached;
    const folded = await this.fold(decider, stream, cached ?? empty(decider), () => true);
    // While this was reading, a command may have moved the cached state further.
    const newest = this.cache.get(stream) as Folded<S> | undefined;
    if (newest && newest.revision >= folded.revision) return newest;
    if (folded.revision >= 0n) this.cache.set(stream, folded);
    return folded;
  }

  /** Reads on from `start` for as long as `keep` says so, and folds. */
  private async fold<S, C, E extends DomainEvent>(
    decider: Decider<S, C, E>,
    stream: string,
    start: Folded<S>,
    keep: (event: RecordedEvent) => boolean,
  ): Promise<Folded<S>> {
    let { state, revision, position, hash } = start;
    const { commands } = start;
    const recent = [...start.recent];
    for await (const stored of this.store.readStream(stream, { from: revision + 1n })) {
      if (!keep(stored)) break;
      const event = this.registry.read(stored) as RecordedEvent & E;
      const { action } = event.metadata;
      state = decider.evolve(state, event);
      ({ revision, position } = event);
      const key = commandKey(event.metadata);
      commands.set(key, { action, first: commands.get(key)?.first ?? revision, revision });
      remember(recent, { state, revision, position });
      hash = stored.metadata.hash ?? '';
    }
    return { state, revision, position, hash, commands, recent };
  }
}

export function streamName<S, C, E extends DomainEvent>(
  decider: Pick<Decider<S, C, E>, 'category'>,
  id: string,
): string {
  return `${decider.category}-${id}`;
}
