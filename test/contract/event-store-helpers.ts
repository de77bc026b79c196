import { randomUUID } from 'node:crypto';
import type { JsonObject, NewEvent, RecordedEvent } from '../../src/eventsourcing/events.js';
import type { EventStore, LogMessage, SubscribeOptions } from '../../src/event-store/event-store.js';

/** A store made for one test, empty or at least without streams of the names used here. */
export interface StoreUnderTest {
  readonly store: EventStore;
  /** Closes the store and opens it again on the same data. */
  reopen(): Promise<EventStore>;
  /** Breaks the connection the store goes over; resolves when that has happened. A store without one has none. */
  disturb?(kind: Disturbance): Promise<void>;
  dispose(): Promise<void>;
}

/** A connection is reset, ended in order, or stays open and silent until it is replaced. */
export const disturbances = ['error', 'end', 'freeze'] as const;
export type Disturbance = (typeof disturbances)[number];

/** An event with all metadata; `id` distinguishes resends from new events. */
export function someEvent(type = 'SomethingHappened', data: JsonObject = {}, id: string = randomUUID()): NewEvent {
  const metadata = {
    commandId: `command-of-${id}`,
    action: 'something.do',
    correlationId: 'correlation',
    causationId: 'causation',
    actorId: 'actor',
    world: 'world',
    schema: 1,
    at: '2026-01-01T00:00:00.000Z',
  };
  return { id, type, data, metadata };
}

export const someEvents = (count: number): NewEvent[] => Array.from({ length: count }, () => someEvent());

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

export const idsOf = (events: readonly { id: string }[]): string[] => events.map(({ id }) => id);
/** What tests call their events, in `data.name`. */
export const namesOf = (events: readonly { data: JsonObject }[]): unknown[] => events.map(({ data }) => data['name']);
export const revisionsOf = (events: readonly RecordedEvent[]): bigint[] => events.map(({ revision }) => revision);

/** Reads a subscription until `until` says so of all messages seen, then ends it. */
export async function follow(
  store: EventStore,
  options: SubscribeOptions,
  until: (messages: readonly LogMessage[]) => boolean,
): Promise<LogMessage[]> {
  const messages: LogMessage[] = [];
  for await (const message of store.subscribeToAll(options)) {
    messages.push(message);
    if (until(messages)) break;
  }
  return messages;
}

export const eventsOf = (messages: readonly LogMessage[]): RecordedEvent[] =>
  messages.flatMap((message) => (message.type === 'events' ? message.events : []));

export const isCaughtUp = (messages: readonly LogMessage[]): boolean => messages.at(-1)?.type === 'caughtUp';

/** Whether the messages say that everything up to `position` was seen. */
export const reached =
  (position: bigint) =>
  (messages: readonly LogMessage[]): boolean =>
    messages.some((message) => message.type !== 'events' && message.position >= position);
