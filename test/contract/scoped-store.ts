import { randomUUID } from 'node:crypto';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import type { EventFilter, EventStore, LogMessage } from '../../src/event-store/event-store.js';

/** Part of a shared log that looks like a log of its own: streams of one prefix, from the position of its making on. */
export class Scope {
  private readonly prefix = `${randomUUID()}-`;

  private constructor(private readonly base: bigint) {}

  static async at(store: EventStore): Promise<Scope> {
    return new Scope(await store.head());
  }

  /** The store as seen from within; it closes with the one given. */
  of(store: EventStore): EventStore {
    const { base, prefix } = this;
    const from = (after = -1n): bigint => (after < 0n ? base : after);
    const scoped: EventStore = {
      epoch: store.epoch,
      append: async (stream, expected, events) => {
        try {
          return await store.append(prefix + stream, expected, events);
        } catch (error) {
          if (error instanceof Error && 'stream' in error) error.stream = stream;
          throw error;
        }
      },
      retain: (stream, retention) => store.retain(prefix + stream, retention),
      readStream: (stream, options) => this.within(store.readStream(prefix + stream, options)),
      readAll: ({ after, filter, ...options } = {}) => {
        const backwards = options.direction === 'backwards';
        const start = backwards ? after : from(after);
        return this.within(
          store.readAll({ ...options, filter: this.filter(filter), ...(start !== undefined && { after: start }) }),
        );
      },
      subscribeToAll: ({ after, filter, ...options } = {}) =>
        this.messages(store.subscribeToAll({ ...options, filter: this.filter(filter), after: from(after) })),
      head: async () => {
        for await (const { position } of scoped.readAll({ direction: 'backwards', limit: 1 })) return position;
        return -1n;
      },
      close: () => store.close(),
    };
    return scoped;
  }

  private filter({ streamPrefixes = [''], types }: EventFilter = {}): EventFilter {
    return { streamPrefixes: streamPrefixes.map((name) => this.prefix + name), ...(types && { types }) };
  }

  private async *within(events: AsyncIterable<RecordedEvent>): AsyncGenerator<RecordedEvent, void> {
    for await (const event of events) yield this.unscoped(event);
  }

  private async *messages(messages: AsyncIterable<LogMessage>): AsyncGenerator<LogMessage, void> {
    for await (const message of messages) {
      if (message.type === 'events') yield { ...message, events: message.events.map((event) => this.unscoped(event)) };
      else yield { ...message, position: message.position === this.base ? -1n : message.position };
    }
  }

  private unscoped(event: RecordedEvent): RecordedEvent {
    return { ...event, stream: event.stream.slice(this.prefix.length) };
  }
}
