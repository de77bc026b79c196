interface Waiter {
  readonly position: bigint;
  readonly resolve: (reached: boolean) => void;
}

/** A position that grows, and those who wait for it. */
export class PositionSignal {
  readonly #waiters = new Set<Waiter>();
  #closed = false;

  /** `onAwaited` is called when somebody begins to wait. */
  constructor(
    private current: bigint,
    private readonly onAwaited: () => void = () => undefined,
  ) {}

  /** Whether advancing to `position` would end somebody's wait. */
  isAwaited(position: bigint): boolean {
    for (const waiter of this.#waiters) if (waiter.position <= position) return true;
    return false;
  }

  get position(): bigint {
    return this.current;
  }

  advance(position: bigint): void {
    if (position <= this.current) return;
    this.current = position;
    for (const waiter of this.#waiters) {
      if (waiter.position <= position) waiter.resolve(true);
    }
  }

  /** No more progress from here: whoever still waits gets false. */
  close(): void {
    this.#closed = true;
    for (const waiter of this.#waiters) waiter.resolve(false);
  }

  /** True as soon as the position is reached, false when it was not within `timeoutMs` or the signal was closed. */
  whenReached(position: bigint, timeoutMs: number): Promise<boolean> {
    if (position <= this.current) return Promise.resolve(true);
    if (this.#closed || timeoutMs <= 0) return Promise.resolve(false);
    return new Promise((done) => {
      const resolve = (reached: boolean) => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        done(reached);
      };
      const waiter: Waiter = { position, resolve };
      const timer = setTimeout(() => resolve(false), timeoutMs);
      this.#waiters.add(waiter);
      this.onAwaited();
    });
  }
}
