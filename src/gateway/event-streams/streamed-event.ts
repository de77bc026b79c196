import { toCloudEvent } from '../../event-store/cloud-event.js';
import type { RecordedEvent } from '../../eventsourcing/events.js';
import type { EventRegistry } from '../../eventsourcing/registry.js';
import type { Dialect } from '../dialects/dialect.js';
import type { SocketLog } from '../handler.js';
import { Messages } from '../messages.js';
import { wireTable } from '../wire/index.js';
import type { Place } from '../wire/wire.js';

/** What making streamed events takes; one per process. */
export interface EventReading {
  readonly epoch: string;
  readonly registry: EventRegistry;
  readonly log: SocketLog;
}

interface Readable {
  readonly event: RecordedEvent;
  readonly places: readonly Place[];
}

const nowhere: readonly Place[] = [];

/** One event of the log on its way to whoever follows its topics: read once, encoded once per dialect, at the first need. */
export class StreamedEvent {
  readonly position: bigint;
  #readable: Readable | null | undefined;
  #messages: Map<Dialect, Messages> | undefined;

  constructor(
    private readonly source: RecordedEvent,
    private readonly reading: EventReading,
  ) {
    this.position = source.position;
  }

  /** The tenant it belongs to; undefined for an event nobody can follow. */
  get world(): string | undefined {
    return this.#read()?.event.metadata.world;
  }

  get places(): readonly Place[] {
    return this.#read()?.places ?? nowhere;
  }

  /** The message; only for an event that has a place. */
  message(dialect: Dialect): Messages {
    this.#messages ??= new Map();
    let message = this.#messages.get(dialect);
    if (!message) {
      const event = this.#read()?.event ?? this.source;
      message = new Messages([dialect.event('event', toCloudEvent(event, this.reading.epoch))]);
      this.#messages.set(dialect, message);
    }
    return message;
  }

  #read(): Readable | null {
    if (this.#readable !== undefined) return this.#readable;
    this.#readable = null;
    const { source, reading } = this;
    const placesOf = wireTable.streams[source.type];
    if (!placesOf) return null;
    try {
      const event = reading.registry.read(source);
      this.#readable = { event, places: placesOf(event) };
    } catch (error) {
      reading.log.error({ err: error, position: String(source.position) }, 'an event could not be streamed');
    }
    return this.#readable;
  }
}
