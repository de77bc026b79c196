import type { Connection } from './connection.js';
import { readAll } from './reading.js';
import type { Timings } from './settings.js';

/** Position of the last event that is not EventStoreDB's own, -1n for none. */
export async function headOf(connection: Connection): Promise<bigint> {
  for await (const { position } of readAll(connection, { direction: 'backwards', limit: 1 })) return position;
  return -1n;
}

/** Knows how far the log goes, by asking now and then and from this process's own appends, and so whether the server answers. */
export class HeadWatch {
  private head = -1n;
  private answers = true;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly connection: Connection,
    private readonly timings: Timings,
  ) {}

  /** The log goes at least so far. */
  get known(): bigint {
    return this.head;
  }

  /** Whether the server answered when it was last asked. */
  get available(): boolean {
    return this.answers;
  }

  note(position: bigint): void {
    if (position > this.head) this.head = position;
  }

  /** @throws StoreUnavailable */
  async ask(): Promise<bigint> {
    const head = await headOf(this.connection);
    this.note(head);
    return head;
  }

  start(): void {
    this.timer = setTimeout(() => void this.askAgain(), this.timings.headMs);
    this.timer.unref();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private async askAgain(): Promise<void> {
    // The first attempt without an answer says that the server is away; the following ones bring it back.
    const silence = setTimeout(() => (this.answers = false), this.timings.attemptMs);
    try {
      await this.ask();
      this.answers = true;
    } catch {
      this.answers = false;
    }
    clearTimeout(silence);
    if (!this.connection.closed.aborted) this.start();
  }
}
