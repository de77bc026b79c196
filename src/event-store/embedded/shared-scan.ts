import type { RecordedEvent } from '../../eventsourcing/events.js';
import { Lru } from '../../eventsourcing/lru.js';
import { scanLog } from './reader.js';
import type { LogSource } from './reader.js';
import { parseRecord } from './record.js';
import type { CheckedRecord } from './record.js';

/** Stretches kept, of up to 512 events or about 1 MiB each. */
const KEPT = 16;

/** An event on its way to subscribers. */
export interface LiveEvent {
  readonly stream: string;
  readonly type: string;
  readonly position: bigint;
  /** What a reader of the log gets for it; made when first asked for, then shared by all subscribers. */
  recorded(): RecordedEvent;
}

export function liveEvent(record: CheckedRecord): LiveEvent {
  const { stream, type, position } = record;
  let recorded: RecordedEvent | undefined;
  return { stream, type, position, recorded: () => (recorded ??= parseRecord(record)) };
}

interface Stretch {
  readonly events: readonly LiveEvent[];
  /** The last position looked at; undefined when there was nothing. */
  readonly seen: bigint | undefined;
}

/** Reads the log for subscribers that catch up: those that started together read, check and parse each event once. */
export class SharedScan {
  private readonly stretches = new Lru<bigint, Stretch>(KEPT);

  constructor(private readonly source: LogSource) {}

  read(start: bigint, head: bigint): Stretch {
    const known = this.stretches.get(start);
    if (known) return known;
    const { records, seen } = scanLog(this.source.db(), start, head, { matches: undefined });
    const stretch = { events: records.map(liveEvent), seen };
    if (seen !== undefined) this.stretches.set(start, stretch);
    return stretch;
  }

  clear(): void {
    this.stretches.clear();
  }
}
