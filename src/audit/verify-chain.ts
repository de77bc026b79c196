import { CorruptEvent, type EventStore } from '../event-store/event-store.js';
import type { RecordedEvent } from '../eventsourcing/events.js';
import { chainProblem } from '../eventsourcing/hash-chain.js';

/** Where a chained stream stands. */
export interface Head {
  readonly stream: string;
  readonly revision: bigint;
  readonly hash: string;
}

/** The first event that does not fit, as far as it is known. */
export interface ChainProblem {
  readonly stream?: string;
  readonly revision?: bigint;
  readonly position?: bigint;
  readonly id?: string;
  /** Of an exported file, from 1. */
  readonly line?: number;
  readonly reason: string;
}

export interface ChainReport {
  readonly ok: boolean;
  /** Events that were checked, and streams they are of. */
  readonly events: number;
  readonly streams: number;
  /** Of the last event checked; -1n for none. */
  readonly position: bigint;
  readonly problem?: ChainProblem;
  /** Of the streams that have a chain, by name. */
  readonly heads: readonly Head[];
}

export interface VerifyOptions {
  /** Only streams of this world are looked at. Default: all. */
  readonly world?: string;
  /** Heads known from before, which must still be there. */
  readonly known?: readonly Head[];
  /** Where the events are read from, to ask whether what is not among them was taken away by retention meanwhile. */
  readonly store?: Pick<EventStore, 'readStream'>;
  /** Events may be missing, as in an export of a selection: each is checked against the hash it says came before. */
  readonly partial?: boolean;
  /** Ends the check with what was found so far. */
  readonly signal?: AbortSignal;
  /** Told the position of each event. */
  readonly onEvent?: (position: bigint) => void;
}

/** A line of an export that cannot be read. */
export class DamagedLine extends Error {
  override readonly name = 'DamagedLine';
  constructor(
    readonly line: number,
    reason: string,
    readonly id?: string,
  ) {
    super(reason);
  }
}

/**
 * Walks events in log order and checks every stream's hash chain up to the first event that does not fit. What grows with
 * the log is one head per stream. Of unchained streams (write-only, with retention) only the beginning may be missing.
 * @throws StoreUnavailable
 */
export async function verifyChain(
  events: AsyncIterable<RecordedEvent>,
  options: VerifyOptions = {},
): Promise<ChainReport> {
  const check = new ChainCheck(options);
  let problem: ChainProblem | undefined;
  try {
    for await (const event of events) {
      if (options.signal?.aborted === true) break;
      const last = check.lastBeforeGap(event);
      // oxlint-disable-next-line no-await-in-loop -- rare: retention goes on in a stream that is being read
      problem = check.add(event, last !== undefined && (await isGone(event.stream, last, options.store)));
      options.onEvent?.(event.position);
      if (problem) break;
    }
    problem ??= check.missing();
  } catch (error) {
    problem = damage(error);
  }
  return check.report(problem);
}

/** Whether an event that was read a moment ago is gone, as retention takes events from the beginning of their stream. */
async function isGone(stream: string, revision: bigint, store: VerifyOptions['store']): Promise<boolean> {
  if (!store) return false;
  for await (const event of store.readStream(stream, { from: revision, limit: 1 })) return event.revision !== revision;
  return true;
}

/** A stored event that is not what was written is a finding, and the store's own words may name streams of other worlds. */
function damage(error: unknown): ChainProblem {
  if (error instanceof CorruptEvent) {
    return { position: error.position, reason: 'the stored event is damaged or missing' };
  }
  if (error instanceof DamagedLine) {
    return { line: error.line, ...(error.id !== undefined && { id: error.id }), reason: error.message };
  }
  throw error;
}

interface Seen {
  revision: bigint;
  /** '' on an unchained stream. */
  hash: string;
}

class ChainCheck {
  private readonly streams = new Map<string, Seen>();
  private readonly expected: Map<string, Head>;
  private events = 0;
  private position = -1n;

  constructor(private readonly options: VerifyOptions) {
    this.expected = new Map(options.known?.map((head) => [head.stream, head]));
  }

  /** The last revision of an unchained stream before this event, if events are missing between them. */
  lastBeforeGap({ stream, revision, metadata }: RecordedEvent): bigint | undefined {
    const before = this.streams.get(stream);
    const gap = before?.hash === '' && metadata.hash === undefined && revision > before.revision + 1n;
    return gap ? before.revision : undefined;
  }

  /** `taken`: what is missing before it was taken away by retention. */
  add(event: RecordedEvent, taken: boolean): ChainProblem | undefined {
    const { stream, revision, position, id, metadata } = event;
    const { world } = this.options;
    const before = this.streams.get(stream);
    // An event of a stream known to be this world's is looked at whatever world it claims.
    if (world !== undefined && metadata.world !== world && before === undefined) return undefined;
    const reason = this.outOfPlace(event, before, taken) ?? this.unlinked(event, before) ?? this.unlikeKnown(event);
    if (reason !== undefined) return { stream, revision, position, id, reason };
    this.events += 1;
    this.position = position;
    this.streams.set(stream, { revision, hash: metadata.hash ?? '' });
    return undefined;
  }

  /** A known head that was never met. */
  missing(): ChainProblem | undefined {
    if (this.options.signal?.aborted === true) return undefined;
    for (const { stream, revision } of this.expected.values()) {
      return { stream, revision, reason: 'the event of the signed head is missing' };
    }
    return undefined;
  }

  report(problem: ChainProblem | undefined): ChainReport {
    const { events, position, streams } = this;
    const chained = [...streams].filter(([, { hash }]) => hash !== '');
    const heads = chained.map(([stream, { revision, hash }]) => ({ stream, revision, hash }));
    heads.sort((a, b) => (a.stream < b.stream ? -1 : 1));
    const found = { events, streams: streams.size, position, heads };
    return problem === undefined ? { ok: true, ...found } : { ok: false, ...found, problem };
  }

  private outOfPlace(event: RecordedEvent, before: Seen | undefined, taken: boolean): string | undefined {
    const { position, revision, metadata } = event;
    if (position <= this.position) return `position ${position} comes after ${this.position}`;
    const last = before?.revision ?? -1n;
    if (revision <= last) return `revision ${revision} comes after ${last}`;
    // Retention takes the beginning of unchained streams away.
    const begins = before === undefined && metadata.hash === undefined;
    if (revision === last + 1n || begins || taken || this.options.partial === true) return undefined;
    return before === undefined
      ? `the stream begins with revision ${revision}`
      : `revision ${revision} follows revision ${last}`;
  }

  private unlinked(event: RecordedEvent, before: Seen | undefined): string | undefined {
    const { revision, metadata } = event;
    const follows = revision === (before?.revision ?? -1n) + 1n;
    // What came before is not here: then the event's own word stands for it.
    const previous = follows || this.options.partial !== true ? before?.hash : metadata.prevHash;
    return chainProblem(previous ?? '', event);
  }

  private unlikeKnown({ stream, revision, metadata }: RecordedEvent): string | undefined {
    const head = this.expected.get(stream);
    if (head?.revision !== revision) return undefined;
    this.expected.delete(stream);
    return head.hash === metadata.hash ? undefined : 'its hash is not the one of the signed head';
  }
}
