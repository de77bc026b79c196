import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EventStore } from '../../src/event-store/event-store.js';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import { NotProjecting } from './errors.js';
import { fold, prepare } from './fold.js';
import type { Upcast } from './fold.js';
import { ParkedStreams } from './parked-streams.js';
import type { Parked } from './parked-streams.js';
import { PositionSignal } from './position-signal.js';
import { eventTypes } from './read-model.js';
import type { ReadModel } from './read-model.js';
import { refold } from './refold.js';
import { RowBuffer } from './row-buffer.js';
import { Serial } from './serial.js';
import type { Sink } from './sink.js';
import { BEFORE_ALL } from './stored-row.js';

/** What the engine needs of the event store: it never appends. */
export type Log = Pick<EventStore, 'epoch' | 'head' | 'readAll' | 'readStream' | 'subscribeToAll'>;

export interface SessionOptions {
  readonly model: ReadModel;
  readonly log: Log;
  readonly sink: Sink;
  readonly upcast: Upcast;
  /** The stored checkpoint. */
  readonly position: bigint;
  /** Streams stored as parked. */
  readonly parked: Iterable<Parked>;
  /** Rows kept in memory between batches. */
  readonly cachedRows: number;
  /** Rows changed in memory before they are written while catching up. */
  readonly catchUpRows: number;
  /** Milliseconds between two writes of rows that nobody waits for, and between two of the checkpoint, at least. */
  readonly writeEveryMs: number;
  /** Called when the rows written reached a new position, and once when the session went live. */
  readonly onProgress?: (position: bigint) => void;
}

/** While catching up: what a crash makes fold again, against writing the same rows again and again. */
const MAX_MS_WITHOUT_WRITE = 5000;
const MAX_MS_WITHOUT_YIELD = 10;
const LONGEST_WAIT_MS = 60_000;

/**
 * One run of the fold, from a stored checkpoint until stopped or failed. Folding and writing overlap: while rows are
 * being written, the next events are folded, and all that came meanwhile goes into the next write.
 */
export class Session {
  /** The position the written rows reflect. */
  readonly reached: PositionSignal;
  readonly #options: SessionOptions;
  readonly #rows: RowBuffer;
  #parked: ParkedStreams;
  /** Aborted by the first failed read or write. Nothing is written after it: rows may be missing in between. */
  readonly #failure = new AbortController();
  readonly #folding = new Serial();
  readonly #writing = new Serial();
  /** Folded, maybe not written yet. */
  #seen: bigint;
  #lastWrite = performance.now();
  #checkpoint: bigint;
  #lastCheckpoint = -Infinity;
  #liveFrom: bigint | undefined;
  #isDraining = false;
  #ended = false;
  #background: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#rows = new RowBuffer((keys) => options.sink.loadRows(keys), options.cachedRows);
    this.#parked = new ParkedStreams(options.parked);
    this.#seen = this.#checkpoint = options.position;
    this.reached = new PositionSignal(options.position, () => this.#writeWhatIsDue());
  }

  /** True once history was folded and written, and events are taken as they happen. */
  get live(): boolean {
    return this.#liveFrom !== undefined && this.reached.position >= this.#liveFrom;
  }

  /** Resolves when `signal` aborts and everything folded is written; rejects when the log or the sink fails. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await this.#follow(AbortSignal.any([signal, this.#failure.signal]));
      this.#failure.signal.throwIfAborted();
      if (!signal.aborted) throw new Error('the subscription to the log ended');
      await this.#folding.run(() => this.#settle());
    } catch (error) {
      this.#failure.abort(error);
      throw error;
    } finally {
      this.#ended = true;
      clearTimeout(this.#timer);
      await this.#background;
      this.#liveFrom = undefined;
      this.reached.close();
    }
  }

  /**
   * Folds a parked stream again: the rows it touches are computed anew from the whole log, as other streams touch them
   * too. Answers what the stream is parked for now, undefined when it goes on.
   */
  async retry(stream: string): Promise<Parked | undefined> {
    // After a crash the session may still be behind what it parked: rows ahead of it would hide the failing event.
    await this.#whenWritten(this.#parked.get(stream)?.heldUpTo ?? BEFORE_ALL);
    return this.#folding.run(async () => {
      if (!this.#parked.get(stream)) return undefined;
      await this.#settle();
      const { log, model, upcast } = this.#options;
      const { rows, parked } = await refold({ log, model, upcast, stream, upTo: this.#seen, parked: this.#parked });
      const still = parked.get(stream);
      await this.#writing.run(() =>
        this.#orFail(async (sink) => {
          await sink.overwriteRows(rows);
          await sink.saveParked(parked.takeChanges());
          if (!still) await sink.unpark(stream);
        }),
      );
      this.#rows.remember(rows);
      this.#parked = parked;
      return still;
    });
  }

  async #whenWritten(position: bigint): Promise<void> {
    while (!(await this.reached.whenReached(position, LONGEST_WAIT_MS))) {
      this.#failure.signal.throwIfAborted();
      if (this.#ended) throw new NotProjecting(this.#options.model.name);
    }
  }

  async #follow(stop: AbortSignal): Promise<void> {
    const { log, model, catchUpRows } = this.#options;
    const after = this.#seen === BEFORE_ALL ? {} : { after: this.#seen };
    let lastYield = performance.now();
    for await (const message of log.subscribeToAll({ ...after, filter: { types: eventTypes(model) }, signal: stop })) {
      if (stop.aborted) return;
      if (message.type === 'events') await this.#folding.run(() => this.#fold(message.events));
      else this.#pass(message.position, message.type === 'caughtUp');
      this.#writeWhatIsDue();
      if (this.#rows.changedCount >= 2 * catchUpRows) await this.#background;
      // A log read from memory would otherwise keep sockets and timers waiting.
      if (performance.now() - lastYield > MAX_MS_WITHOUT_YIELD) {
        await nextTurn();
        lastYield = performance.now();
      }
    }
  }

  async #fold(events: readonly RecordedEvent[]): Promise<void> {
    const last = events.at(-1);
    if (!last) return;
    const { model, upcast } = this.#options;
    const prepared = prepare(model, events, upcast);
    await this.#rows.ensure(prepared.flatMap(({ keys }) => keys));
    fold(model, prepared, this.#rows, this.#parked);
    this.#rows.trim();
    this.#seen = last.position;
  }

  #pass(position: bigint, caughtUp: boolean): void {
    if (position > this.#seen) this.#seen = position;
    if (!caughtUp || this.#liveFrom !== undefined) return;
    this.#liveFrom = this.#seen;
    if (this.live) this.#options.onProgress?.(this.reached.position);
  }

  #hasUnwritten(): boolean {
    return this.#seen > this.reached.position;
  }

  #isDue(): boolean {
    if (!this.#hasUnwritten()) return false;
    const { catchUpRows, writeEveryMs } = this.#options;
    const goesLive = this.#liveFrom !== undefined && this.reached.position < this.#liveFrom;
    if (this.reached.isAwaited(this.#seen) || goesLive || this.#rows.changedCount >= catchUpRows) return true;
    return performance.now() - this.#lastWrite >= (this.live ? writeEveryMs : MAX_MS_WITHOUT_WRITE);
  }

  /** Writes in the background, one write at a time; `run` sees a failure by its signal. */
  #writeWhatIsDue(): void {
    if (!this.#isDraining) this.#background = this.#drain().catch(() => undefined);
  }

  async #drain(): Promise<void> {
    this.#isDraining = true;
    try {
      do {
        if (this.#isDue()) await this.#writeRows();
        if (this.#isCheckpointDue()) await this.#saveCheckpoint();
      } while (this.#isDue());
      const isLeft = this.#hasUnwritten() || this.reached.position > this.#checkpoint;
      if (isLeft && !this.#ended) this.#timer ??= setTimeout(() => this.#onTimer(), this.#options.writeEveryMs);
    } finally {
      this.#isDraining = false;
    }
  }

  #isCheckpointDue(): boolean {
    const isDue = performance.now() - this.#lastCheckpoint >= this.#options.writeEveryMs;
    return isDue && this.reached.position > this.#checkpoint;
  }

  #onTimer(): void {
    this.#timer = undefined;
    this.#writeWhatIsDue();
  }

  /** Writes all there is, checkpoint included. */
  async #settle(): Promise<void> {
    if (this.#hasUnwritten()) await this.#writeRows();
    if (this.reached.position > this.#checkpoint) await this.#saveCheckpoint();
  }

  #writeRows(): Promise<void> {
    return this.#writing.run(() =>
      this.#orFail(async (sink) => {
        const position = this.#seen;
        const parked = this.#parked.takeChanges();
        const rows = this.#rows.takeChanged();
        if (parked.length > 0) await sink.saveParked(parked);
        if (rows.size > 0) await sink.writeRows(rows);
        this.#rows.written();
        this.#lastWrite = performance.now();
        this.reached.advance(position);
        this.#options.onProgress?.(position);
      }),
    );
  }

  #saveCheckpoint(): Promise<void> {
    return this.#writing.run(() =>
      this.#orFail(async (sink) => {
        const { position } = this.reached;
        this.#lastCheckpoint = performance.now();
        await sink.saveCheckpoint(position);
        this.#checkpoint = position;
      }),
    );
  }

  async #orFail(write: (sink: Sink) => Promise<void>): Promise<void> {
    this.#failure.signal.throwIfAborted();
    try {
      await write(this.#options.sink);
    } catch (error) {
      this.#failure.abort(error);
      throw error;
    }
  }
}
