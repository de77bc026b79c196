import type { RecordedEvent } from '../../eventsourcing/events.js';
import type { CommandClass } from '../../eventsourcing/validation.js';
import type { AnyOf, RolesToGive } from '../../identity/access.js';
import type { Session } from '../../identity/session.js';
import type { Broadcast } from '../broadcast.js';
import type { Connection } from '../connection.js';
import type { EventStreams } from '../event-streams/event-streams.js';
import type { Presence } from '../presence.js';

/** A permission (or any of several) in the world, or in one of its rooms, which then must exist. */
export interface Need {
  readonly permission: AnyOf;
  readonly room?: string;
  /** Other rooms that must exist. */
  readonly exist?: readonly string[];
  /** A permission in the world that it takes besides the one in the room. */
  readonly besides?: AnyOf;
  /** Only these people, and of them who has the permission; nobody without a token. */
  readonly users?: readonly string[];
  /** Not without a token: a client_id is anybody's. */
  readonly account?: true;
}

interface Shaped<C extends { readonly type: string }> {
  /** What a client may send. */
  readonly shape: CommandClass<C>;
  /** Brings other accepted payloads into the shape. */
  readonly prepare?: (payload: unknown) => unknown;
  /** Code for fields that don't fit, where it is not `protocol.invalid`. */
  readonly codeOf?: (fields: readonly string[]) => string;
  /** Undefined where the action needs nothing. */
  readonly needs: (command: C) => Need | undefined;
  /** Roles the command names, which the world must have; absent where it names none. */
  readonly roles?: (command: C) => RolesToGive;
}

/** What every command handler answers: at least where its last event is. */
export interface Done {
  readonly position: bigint;
}

/** Goes over the command bus and ends in an event. */
export interface CommandAction<C extends { readonly type: string }, R extends Done> extends Shaped<C> {
  readonly kind: 'command';
  readonly reply: (result: R) => unknown;
}

/** Goes over the query bus to a read model that has reached the connection's last command. */
export interface QueryAction<C extends { readonly type: string }> extends Shaped<C> {
  readonly kind: 'query';
}

/** Concerns the connection alone, such as entering a room. */
export interface ConnectionAction<C extends { readonly type: string }> extends Shaped<C> {
  readonly kind: 'connection';
  readonly run: (command: C, at: Caller) => unknown;
}

/** The connection a call came from, and what it can be joined to. */
export interface Caller {
  readonly connection: Connection;
  readonly session: Session;
  readonly broadcast: Broadcast;
  readonly streams: EventStreams;
  readonly presence: Presence;
}

/** An action of any command class; made by the three functions below, which check that its parts fit together. */
export type WireAction =
  | CommandAction<{ readonly type: string }, Done>
  | QueryAction<{ readonly type: string }>
  | ConnectionAction<{ readonly type: string }>;

type Erased<A> = Omit<A, 'kind'>;

export function command<C extends { readonly type: string }, R extends Done>(
  action: Erased<CommandAction<C, R>>,
): WireAction {
  return erase({ kind: 'command', ...action });
}

export function query<C extends { readonly type: string }>(action: Erased<QueryAction<C>>): WireAction {
  return erase({ kind: 'query', ...action });
}

export function onConnection<C extends { readonly type: string }>(action: Erased<ConnectionAction<C>>): WireAction {
  return erase({ kind: 'connection', ...action });
}

/** Within an action every function takes what its own shape makes, so forgetting the class between them is safe. */
function erase(action: { readonly kind: WireAction['kind'] }): WireAction {
  return action as WireAction;
}

/** What clients hear of an event. */
export type Delivery =
  | {
      /** `world:<name>`: everyone signed in; `room:<id>`: everyone in the room. */
      readonly topic: string;
      readonly name: string;
      /** Holds a `Date` where clients are told a timestamp. */
      readonly body: object;
      /** Asked for each socket when it is delivered. */
      readonly need: Need;
      /** A person who is not told, as `personKey` names them. */
      readonly except?: string;
    }
  | {
      /** Told on all their sockets; who came with an invite is not one of them. */
      readonly people: readonly string[];
      readonly world: string;
      readonly name: string;
      readonly body: object;
      readonly need: Need;
      /** Only to sockets that asked for the events of deprecated endpoints. */
      readonly deprecated?: boolean;
    }
  /** Everyone in the world gets its own fresh `world.config`; who may use one room only, when that room changed. */
  | { readonly worldUpdated: string };

/** Maps one type of event to what clients hear of it. */
export type OnEvent<E extends { readonly type: string; readonly data: unknown }> = {
  readonly [T in E['type']]?: (
    event: Omit<RecordedEvent, 'type' | 'data'> & Extract<E, { readonly type: T }>,
  ) => Delivery | readonly Delivery[];
};

/** A topic of `events.subscribe` in which an event is found as it is in the log. */
export interface Place {
  /** As clients write it: `world`, `room:<id>`. */
  readonly topic: string;
  /** Asked for each connection and event when it is sent; undefined where following the topic is enough. */
  readonly need: Need | undefined;
}

/** Whom a thing is for, where its stream says so. */
export interface PeopleOf {
  /** By user id; nobody where the world has no such meeting. @throws StoreUnavailable */
  ofMeeting(meeting: string, world: string): Promise<readonly string[]>;
}

/** A kind of topics, such as `room:<id>`. */
export interface TopicKind {
  /** What stands after the colon, as told to clients: `<id>`; absent for a kind that stands alone. */
  readonly id?: string;
  /** What it takes to follow one. @throws Refused where no permission would do */
  readonly needs: (id: string, session: Session, people: PeopleOf) => Need | undefined | Promise<Need | undefined>;
}

/** Where in the topics each type of event is found, and by whom. Every type has an entry: nobody follows by oversight. */
export type OnStream<E extends { readonly type: string; readonly data: unknown }> = {
  readonly [T in E['type']]: (
    event: Omit<RecordedEvent, 'type' | 'data'> & Extract<E, { readonly type: T }>,
  ) => readonly Place[];
};

export interface Wire {
  readonly actions: Readonly<Record<string, WireAction>>;
  readonly events: Readonly<Record<string, (event: RecordedEvent) => Delivery | readonly Delivery[]>>;
  readonly topics: Readonly<Record<string, TopicKind>>;
  readonly streams: Readonly<Record<string, (event: RecordedEvent) => readonly Place[]>>;
}

/** One context's table: actions by wire name; by event type what clients are told of it and where they can follow it. */
export function wire<E extends { readonly type: string; readonly data: unknown }>(
  actions: Readonly<Record<string, WireAction>>,
  events: OnEvent<E>,
  streams: { readonly topics: Readonly<Record<string, TopicKind>>; readonly events: OnStream<E> },
): Wire {
  return {
    actions,
    events: byType<Delivery | readonly Delivery[]>(events),
    topics: streams.topics,
    streams: byType(streams.events),
  };
}

/** A function is only ever asked for events of its own type, so forgetting the type between them is safe. */
function byType<R>(
  handlers: Readonly<Record<string, ((event: never) => R) | undefined>>,
): Record<string, (event: RecordedEvent) => R> {
  const all: Record<string, (event: RecordedEvent) => R> = {};
  for (const [type, handle] of Object.entries(handlers)) if (handle) all[type] = (event) => handle(event as never);
  return all;
}
