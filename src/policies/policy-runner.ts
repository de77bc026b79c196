import { setTimeout as delay } from 'node:timers/promises';
import type { EventStore, LogMessage } from '../event-store/event-store.js';
import type { CommandLoop } from '../eventsourcing/handle.js';
import type { Policy } from '../eventsourcing/policy.js';
import { Refused } from '../eventsourcing/refused.js';
import type { EventRegistry } from '../eventsourcing/registry.js';
import { isOutage } from '../health/outage.js';
import type { Checkpoints } from '../read-store/checkpoints.js';

const retryMs = 500;
/** A checkpoint of nothing but passed-over events is worth a write only now and then. */
const idleSaveMs = 5_000;

interface Log {
  error(context: object, message: string): void;
}

/** Runs one policy over the log from its checkpoint on, so that a follow-up a crash cut off happens after all. */
export class PolicyRunner {
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private savedAt = 0;

  constructor(
    private readonly policy: Policy,
    private readonly store: EventStore,
    private readonly registry: EventRegistry,
    private readonly loop: CommandLoop,
    private readonly checkpoints: Checkpoints,
    private readonly log: Log,
  ) {}

  /**
   * Resolves when every follow-up of what is in the log now was carried out, or one has to wait for a read model, or the
   * runner was stopped.
   */
  start(): Promise<void> {
    return new Promise((caughtUp) => {
      this.running = this.run(caughtUp).finally(caughtUp);
    });
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(caughtUp: () => void): Promise<void> {
    const { signal } = this.stopping;
    const { name, types } = this.policy;
    while (!signal.aborted) {
      try {
        const after = await this.checkpoints.load(name);
        for await (const message of this.store.subscribeToAll({ after, filter: { types }, signal })) {
          await this.take(message);
          if (message.type === 'caughtUp') caughtUp();
        }
      } catch (error) {
        this.log.error({ err: error, policy: name }, 'a policy was cut off, it goes on where it was');
        // Whoever projects the read model may come after this process: a start does not wait for that.
        if (error instanceof Refused && error.code === 'server.unavailable') caughtUp();
      }
      await delay(retryMs, undefined, { signal }).catch(() => undefined);
    }
  }

  private async take(message: LogMessage): Promise<void> {
    const { name } = this.policy;
    if (message.type !== 'events') {
      if (Date.now() - this.savedAt >= idleSaveMs) await this.save(message.position);
      return;
    }
    for (const event of message.events) {
      let readable;
      try {
        readable = this.registry.read(event);
      } catch (error) {
        // An event nobody can read has no follow-up; its stream shows it to whoever looks.
        this.log.error({ err: error, policy: name }, 'a policy passed over an event');
        continue;
      }
      try {
        await this.policy.react(readable, this.loop);
      } catch (error) {
        if (isPassing(error)) throw error;
        // What fails once more each time must not hold up the follow-ups of all other streams.
        const { stream, position } = event;
        this.log.error({ err: error, policy: name, stream, position: String(position) }, 'a follow-up failed for good');
      }
    }
    const last = message.events.at(-1);
    if (last) await this.save(last.position);
  }

  private async save(position: bigint): Promise<void> {
    await this.checkpoints.save(this.policy.name, position);
    this.savedAt = Date.now();
  }
}

/**
 * A store may answer again, a read model catch up, and another process be done with the stream: tried again from the
 * checkpoint.
 */
const isPassing = (error: unknown): boolean =>
  error instanceof Refused
    ? error.code === 'concurrency.conflict' || error.code === 'server.unavailable'
    : isOutage(error);
