import type { AllStreamResolvedEvent, AllStreamSubscription } from '@eventstore/db-client';

/**
 * What a subscription of the client has brought so far. The client tells the end of a subscription in three ways (error, end,
 * close); here they are one.
 */
export class Arrivals {
  /** Set when nothing more will come. */
  ended: Error | undefined;
  /** The subscription has come to the end of the log. */
  caughtUp = false;
  private wake: (() => void) | undefined;

  constructor(private readonly subscription: AllStreamSubscription) {
    subscription
      .on('readable', () => this.wake?.())
      .on('caughtUp', () => this.onCaughtUp())
      .on('error', (error) => this.end(error))
      .on('end', () => this.end(new Error('the server ended it')))
      .on('close', () => this.end(new Error('it was closed')));
  }

  /** Everything that has come and was not taken yet. */
  take(): AllStreamResolvedEvent[] {
    const events: AllStreamResolvedEvent[] = [];
    for (let event = this.next(); event !== null; event = this.next()) events.push(event);
    return events;
  }

  /** Waits until there is something to look at, `ms` at the longest. */
  async wait(ms: number): Promise<void> {
    if (this.ended !== undefined || this.subscription.readableLength > 0) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
    this.wake = undefined;
  }

  /** Looks up from waiting. */
  nudge(): void {
    this.wake?.();
  }

  end(error: Error): void {
    this.ended ??= error;
    this.wake?.();
  }

  /** Ends the call on the server. Not waited for: where the client still looks for a server, that takes as long as it takes. */
  stop(): void {
    void this.subscription.unsubscribe().catch(() => undefined);
    this.subscription.destroy();
  }

  private onCaughtUp(): void {
    this.caughtUp = true;
    this.wake?.();
  }

  private next(): AllStreamResolvedEvent | null {
    return this.subscription.read();
  }
}
