import { randomUUID } from 'node:crypto';
import type { EventStore } from '../event-store/event-store.js';
import type { DomainEvent, Metadata, NewEvent, RecordedEvent } from '../eventsourcing/events.js';
import { revisionOf } from '../eventsourcing/folded.js';
import { chain } from '../eventsourcing/hash-chain.js';
import { presence, presenceStream, type PresenceEvent } from './presence.js';

/** Where a stream ends: what the next append expects and is chained to. */
interface Tail {
  readonly revision: bigint;
  readonly hash: string;
}

export type PreparedEvent = NewEvent & PresenceEvent;

/** A room's people on one node as the log has them: the end of one stream `presence-<room>-<node>`. */
export class PresenceLog {
  private tail: Tail | undefined;
  private readonly stream: string;

  constructor(
    private readonly store: Pick<EventStore, 'append' | 'readStream'>,
    room: string,
    node: string,
    private readonly world: string,
  ) {
    this.stream = presenceStream(room, node);
  }

  /** Revision of the last event known, -1n for none; undefined before the first `load`. */
  get revision(): bigint | undefined {
    return this.tail?.revision;
  }

  /** Finds the stream's end without reading the stream; its position, -1n for an empty one. @throws StoreUnavailable */
  async load(): Promise<bigint> {
    let tail: Tail = { revision: -1n, hash: '' };
    let position = -1n;
    for await (const last of this.store.readStream(this.stream, { direction: 'backwards', limit: 1 })) {
      tail = tailOf(last);
      ({ position } = last);
    }
    this.tail = tail;
    return position;
  }

  /** What others appended since, all of it: a read that is cut off changes nothing. @throws StoreUnavailable */
  async readOn(): Promise<RecordedEvent[]> {
    const events: RecordedEvent[] = [];
    const from = (this.tail?.revision ?? -1n) + 1n;
    for await (const event of this.store.readStream(this.stream, { from })) events.push(event);
    const last = events.at(-1);
    if (last) this.tail = tailOf(last);
    return events;
  }

  /** The events as the stream's next ones, each on behalf of its person. */
  prepare(events: readonly PresenceEvent[]): PreparedEvent[] {
    const at = new Date().toISOString();
    const unchained = events.map((event: PresenceEvent & DomainEvent) => ({
      ...event,
      id: randomUUID(),
      metadata: metadataOf(event, this.world, at),
    }));
    return chain(this.tail?.hash ?? '', unchained);
  }

  /**
   * Appends all or none; the last one's position. After StoreUnavailable they may be in the log, or still come to be:
   * append the same again until there is an answer. @throws WrongExpectedRevision, StoreUnavailable
   */
  async append(prepared: readonly PreparedEvent[]): Promise<bigint> {
    const expected = revisionOf(this.tail ?? { revision: -1n });
    const { revision, position } = await this.store.append(this.stream, expected, prepared);
    this.tail = { revision, hash: prepared.at(-1)?.metadata.hash ?? '' };
    return position;
  }
}

/** Others write to the log, too: their events need not have metadata. */
function tailOf({
  revision,
  metadata,
}: Pick<RecordedEvent, 'revision'> & { metadata?: RecordedEvent['metadata'] | null }): Tail {
  return { revision, hash: metadata?.hash ?? '' };
}

/** Entering and leaving have no command in the log: what a connection asked for is told by the event alone. */
function metadataOf({ type, data: { userId } }: PresenceEvent, world: string, at: string): Metadata {
  const commandId = randomUUID();
  return {
    commandId,
    action: type === 'ViewerEntered' ? 'room.enter' : 'room.leave',
    correlationId: commandId,
    causationId: commandId,
    actorId: userId,
    world,
    schema: presence.events[type].schema,
    at,
  };
}
