import { StoreUnavailable, type EventStore } from '../event-store/event-store.js';
import type { RecordedEvent } from '../eventsourcing/events.js';

/** Which events are asked for; an absent field takes all. */
export interface Selection {
  readonly world?: string;
  readonly types?: readonly string[];
  readonly actor?: string;
  /** Inclusive, RFC 3339 UTC with milliseconds. */
  readonly since?: string;
  /** Exclusive, like `since`. */
  readonly until?: string;
}

/** A stretch of the log: what was chosen of it, and up to where it was looked at. */
export interface Step {
  readonly events: readonly RecordedEvent[];
  readonly position: bigint;
}

export interface HistoryOptions {
  /** Exclusive; default: from the beginning. */
  readonly after?: bigint;
  readonly signal?: AbortSignal;
}

/** The store is away when nothing came of what is in the log for so long, in milliseconds. */
const silentMs = 4_000;

/**
 * What is in the log now, step by step, up to the head it has at the start; ends early when `signal` aborts. A
 * subscription and not `readAll`, because it also says how far it has come where the filter drops everything.
 * @throws CorruptEvent, StoreUnavailable
 */
export async function* history(
  store: EventStore,
  { types, ...selection }: Selection,
  { after = -1n, signal }: HistoryOptions = {},
): AsyncGenerator<Step, void> {
  const head = await store.head();
  if (after >= head) return;
  // A subscription waits for a store that is away for as long as it takes; a caller does not.
  const silence = new AbortController();
  const ends = signal ? AbortSignal.any([signal, silence.signal]) : silence.signal;
  const options = { ...(after >= 0n && { after }), ...(types && { filter: { types } }), signal: ends };
  let timer = setTimeout(() => silence.abort(), silentMs);
  try {
    for await (const message of store.subscribeToAll(options)) {
      // How long the reader of a step takes is its own business.
      clearTimeout(timer);
      if (message.type === 'events') {
        const events = message.events.filter((event) => event.position <= head && chosen(event, selection));
        const position = message.events.at(-1)?.position ?? head;
        yield { events, position: position < head ? position : head };
        if (position >= head) return;
      } else {
        yield { events: [], position: message.position };
        if (message.type === 'caughtUp' || message.position >= head) return;
      }
      timer = setTimeout(() => silence.abort(), silentMs);
    }
  } finally {
    clearTimeout(timer);
  }
  if (silence.signal.aborted) throw new StoreUnavailable('the event store stopped answering');
}

function chosen({ metadata }: RecordedEvent, { world, actor, since, until }: Selection): boolean {
  return (
    (world === undefined || metadata.world === world) &&
    (actor === undefined || metadata.actorId === actor) &&
    (since === undefined || metadata.at >= since) &&
    (until === undefined || metadata.at < until)
  );
}

/** No stream has a longer name, and a store may fail at one instead of saying that it is unknown. */
export const canBeStream = (name: string): boolean => Buffer.byteLength(name) <= 1_024;

/** Events per step of a stream. */
const stepEvents = 256;

/** A world's part of a stream in the same steps; `from` and `direction` as in the port. @throws CorruptEvent, StoreUnavailable */
export async function* streamHistory(
  store: EventStore,
  stream: string,
  { world, from, direction }: { world: string; from?: bigint | undefined; direction: 'forwards' | 'backwards' },
): AsyncGenerator<Step, void> {
  let events: RecordedEvent[] = [];
  for await (const event of store.readStream(stream, { direction, ...(from !== undefined && { from }) })) {
    if (event.metadata.world === world) events.push(event);
    if (events.length < stepEvents) continue;
    yield { events, position: event.position };
    events = [];
  }
  const last = events.at(-1);
  if (last) yield { events, position: last.position };
}
