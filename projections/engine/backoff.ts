import { setTimeout as delay } from 'node:timers/promises';

/** Waits, but not beyond an abort. Never rejects. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(ms, undefined, signal ? { signal } : {}).catch(() => undefined);
}

/** Pauses that double up to the longest, each between half and all of it, so that many clients do not come at once. */
export class Backoff {
  #next: number;

  constructor(private readonly range: { readonly first: number; readonly longest: number }) {
    this.#next = range.first;
  }

  async pause(signal: AbortSignal): Promise<void> {
    const ms = this.#next * (0.5 + Math.random() / 2);
    this.#next = Math.min(this.#next * 2, this.range.longest);
    await pause(ms, signal);
  }

  reset(): void {
    this.#next = this.range.first;
  }
}
