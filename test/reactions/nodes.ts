import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventRegistry } from '../../src/event-registry.js';
import { openEmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import type { EmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import type { EventStore } from '../../src/event-store/event-store.js';
import type { CommandContext } from '../../src/eventsourcing/decider.js';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import { ReactionCounter } from '../../src/reactions/reaction-counter.js';
import type { Emoji } from '../../src/reactions/reactions.js';
import { alice } from '../spec/decider-spec.js';

export const heart: Emoji = '\u2764\uFE0F';

/** A clock that only moves when told to. Epoch milliseconds. */
export class Clock {
  ms = Date.parse('2026-01-01T09:00:00.000Z');
  readonly read = (): number => this.ms;
}

/** One process: a counter fed by its own subscription to the log. */
export class Node {
  /** `<room> <emoji>` of each reaction it was told of. */
  readonly told: string[] = [];
  readonly logged: unknown[] = [];
  readonly counter: ReactionCounter;
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private position = -1n;
  private readonly waiting: { readonly position: bigint; readonly resolve: () => void }[] = [];

  constructor(
    private readonly log: EventStore,
    private readonly clock: Clock,
    readonly name: string,
    store: Pick<EventStore, 'append' | 'retain' | 'readAll'> = log,
  ) {
    this.counter = new ReactionCounter({
      store,
      registry: eventRegistry,
      node: name,
      log: { error: (context) => void this.logged.push(context) },
      counted: (room, emoji) => void this.told.push(`${room} ${emoji}`),
      clock: clock.read,
    });
  }

  /** Follows the log from now on. */
  async follow(): Promise<this> {
    const after = await this.log.head();
    this.running = (async () => {
      for await (const message of this.log.subscribeToAll({ after, signal: this.stopping.signal })) {
        if (message.type === 'events') this.counter.observe(message.events);
        this.position = message.type === 'events' ? (message.events.at(-1)?.position ?? after) : message.position;
        for (const waiter of this.waiting) if (waiter.position <= this.position) waiter.resolve();
      }
    })();
    return this;
  }

  react(room: string, emoji: Emoji, actorId: string, over: Partial<CommandContext> = {}, anonymous = false) {
    return this.counter.add(room, emoji, { context: this.contextOf(actorId, over), anonymous });
  }

  contextOf(actorId: string, over: Partial<CommandContext> = {}): CommandContext {
    const now = new Date(this.clock.ms).toISOString();
    return { ...alice, action: 'room.react', actorId, now, ...over };
  }

  /** Resolves when it was told of everything up to there. */
  async saw(position: bigint): Promise<void> {
    if (position <= this.position) return;
    await new Promise<void>((resolve) => this.waiting.push({ position, resolve }));
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }
}

/** A log with what was counted in it. */
export class ReactionLog {
  private constructor(
    private readonly dir: string,
    readonly store: EmbeddedEventStore,
  ) {}

  static async open(): Promise<ReactionLog> {
    const dir = await mkdtemp(join(tmpdir(), 'reactions-'));
    return new ReactionLog(dir, await openEmbeddedEventStore({ dir }));
  }

  async events(after = -1n): Promise<RecordedEvent[]> {
    const events: RecordedEvent[] = [];
    for await (const event of this.store.readAll({ after })) events.push(event);
    return events;
  }

  async close(): Promise<void> {
    await this.store.close();
    await rm(this.dir, { recursive: true });
  }
}
