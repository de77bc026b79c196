import type { EventStore } from '../event-store/event-store.js';
import { formatPosition } from '../event-store/position.js';
import type { Folding } from '../event-registry.js';
import type { RecordedEvent } from '../eventsourcing/events.js';
import type { EventRegistry } from '../eventsourcing/registry.js';
import { canBeStream } from './history.js';

/** A moment of the log: up to a position, or up to a time (RFC 3339 UTC with milliseconds), both inclusive. */
export type Moment = { readonly position: bigint } | { readonly time: string };

/** An aggregate as it was. */
export interface StateAt {
  readonly kind: string;
  readonly id: string;
  /** Of the last event folded. */
  readonly revision: string;
  readonly position: string;
  /** When that event happened. */
  readonly at: string;
  readonly state: unknown;
}

/**
 * Folds `<kind>-<id>` up to the first event after the moment; without one, to its end. Undefined when there was no event
 * yet, or the stream is of another world. @throws CorruptEvent, StoreUnavailable, UnreadableEvent
 */
export async function stateAt(
  store: EventStore,
  registry: EventRegistry,
  decider: Folding,
  { id, moment, world }: { readonly id: string; readonly moment?: Moment; readonly world?: string },
): Promise<StateAt | undefined> {
  const stream = `${decider.category}-${id}`;
  if (!canBeStream(stream)) return undefined;
  let state = decider.initial;
  let last: RecordedEvent | undefined;
  for await (const event of store.readStream(stream)) {
    if (world !== undefined && event.metadata.world !== world) return undefined;
    if (moment && isAfter(event, moment)) break;
    state = decider.evolve(state, registry.read(event));
    last = event;
  }
  if (!last) return undefined;
  const { revision, position, metadata } = last;
  return {
    kind: decider.category,
    id,
    revision: String(revision),
    position: formatPosition(store.epoch, position),
    at: metadata.at,
    state: plain(state),
  };
}

const isAfter = ({ position, metadata }: RecordedEvent, moment: Moment): boolean =>
  'time' in moment ? metadata.at > moment.time : position > moment.position;

/** States in JSON: a Map becomes an object (with keys that are no texts, a list of pairs), a Set a list, a bigint its digits. */
export function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Set) return [...value].map(plain);
  if (value instanceof Map) {
    const entries = [...value].map(([key, one]: [unknown, unknown]) => [key, plain(one)] as const);
    if (entries.every(([key]) => typeof key === 'string')) return Object.fromEntries(entries);
    return entries.map(([key, one]) => [plain(key), one]);
  }
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]));
}
