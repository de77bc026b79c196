import type { Rows } from './fold.js';
import { BEFORE_ALL } from './stored-row.js';
import type { RowVersion } from './stored-row.js';

type Load = (keys: readonly string[]) => Promise<ReadonlyMap<string, RowVersion>>;

const ABSENT: RowVersion = { row: undefined, position: BEFORE_ALL };

/**
 * Rows in memory: changed ones, ones being written, and the recently used. Keeping rows is right because the lease
 * makes this process their only writer.
 */
export class RowBuffer implements Rows {
  #changed = new Map<string, RowVersion>();
  #inFlight: ReadonlyMap<string, RowVersion> = new Map();
  readonly #recent = new Map<string, RowVersion>();

  constructor(
    private readonly load: Load,
    private readonly capacity: number,
  ) {}

  get changedCount(): number {
    return this.#changed.size;
  }

  get(key: string): RowVersion | undefined {
    return this.#changed.get(key) ?? this.#inFlight.get(key) ?? this.#recent.get(key);
  }

  set(key: string, version: RowVersion): void {
    this.#changed.set(key, version);
  }

  /** Makes every key known, with one query for those that are not. */
  async ensure(keys: Iterable<string>): Promise<void> {
    const missing = new Set<string>();
    for (const key of keys) if (!this.get(key)) missing.add(key);
    if (missing.size === 0) return;
    const found = await this.load([...missing]);
    for (const key of missing) this.#recent.set(key, found.get(key) ?? ABSENT);
  }

  /** Hands over the changed rows for writing; `written` must follow before the next call. */
  takeChanged(): ReadonlyMap<string, RowVersion> {
    this.#inFlight = this.#changed;
    this.#changed = new Map();
    return this.#inFlight;
  }

  written(): void {
    const rows = this.#inFlight;
    this.#inFlight = new Map();
    this.remember(rows);
  }

  /** Puts rows known to be stored at the recently used end. */
  remember(rows: ReadonlyMap<string, RowVersion>): void {
    for (const [key, version] of rows) {
      this.#recent.delete(key);
      this.#recent.set(key, version);
    }
  }

  /** Forgets the least recently written rows over capacity. Call it between batches, never while one is folded. */
  trim(): void {
    for (const key of this.#recent.keys()) {
      if (this.#recent.size <= this.capacity) return;
      this.#recent.delete(key);
    }
  }
}
