import type { EventStore } from '../event-store/event-store.js';
import { PresenceLog } from './presence-log.js';
import { leaving } from './register-room.js';
import type { Viewers } from './viewers.js';

/** Signs of life of nodes, as `Heartbeats` keeps them in the read store. */
export interface Pulse {
  beat(node: string): Promise<void>;
  /** The last ones; `at` by the clock of the store, in milliseconds. */
  of(
    nodes: readonly string[],
  ): Promise<ReadonlyMap<string, { readonly beat: number; readonly at: number | undefined }>>;
  forget(node: string): Promise<void>;
}

export interface JanitorOptions {
  readonly store: Pick<EventStore, 'append' | 'readStream'>;
  readonly viewers: Pick<Viewers, 'nodes' | 'on'>;
  /** Resolves when the viewers reflect a position of the log. */
  readonly live: { reached(position: bigint): Promise<void> | undefined };
  readonly pulse: Pulse;
  readonly node: string;
  readonly log: { warn(context: object, message: string): void };
  /** Milliseconds between two beats of this node and looks at the others. */
  readonly everyMs?: number;
}

/**
 * A node whose counter did not move at so many looks in a row is lost: with a look every 5 s that is at most 30 s after
 * its last beat. Looks are counted, not time, so that a process that was frozen does not judge by its own long sleep.
 */
const looks = 5;
/** So many looks are enough where something else speaks against a node, too; one alone could fall between two beats. */
const fewLooks = 2;
const batch = 500;

/** Removes the people of nodes that are gone from the rooms they were in. Runs on every node; who comes second finds nothing to do. */
export class Janitor {
  private readonly seen = new Map<string, { readonly beat: number | undefined; still: number }>();
  /** Nothing was looked at yet, and the read store was there all the time. */
  private isFirst = true;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;

  private readonly everyMs: number;

  constructor(private readonly options: JanitorOptions) {
    this.everyMs = options.everyMs ?? 5_000;
  }

  start(): void {
    const turn = (): void => {
      this.running ??= this.look().finally(() => (this.running = undefined));
    };
    turn();
    this.timer = setInterval(turn, this.everyMs).unref();
  }

  /** Resolves when it does nothing more. The others need not wait as long for a node whose counter is gone. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
    await this.options.pulse.forget(this.options.node).catch(() => undefined);
  }

  /** Never rejects. */
  private async look(): Promise<void> {
    const { pulse, node, viewers } = this.options;
    const others = [...viewers.nodes()].filter((other) => other !== node);
    for (const known of this.seen.keys()) if (!others.includes(known)) this.seen.delete(known);
    const { isFirst } = this;
    this.isFirst = false;
    let beats: Awaited<ReturnType<Pulse['of']>>;
    try {
      await pulse.beat(node);
      beats = await pulse.of([node, ...others]);
    } catch {
      // While the read store is away nobody can give a sign of life: what was seen before says nothing any more.
      this.seen.clear();
      return;
    }
    const now = beats.get(node)?.at ?? 0;
    for (const other of others) {
      const { beat, at = now } = beats.get(other) ?? {};
      const known = this.seen.get(other);
      if (!known) this.seen.set(other, { beat, still: isFirst ? this.looksMissed(now - at) : 0 });
      else if (known.beat !== beat) this.seen.set(other, { beat, still: beat === undefined ? looks - fewLooks : 0 });
      // oxlint-disable-next-line no-await-in-loop -- one lost node after the other: there is no hurry
      else if (++known.still >= looks) await this.declareLost(other);
    }
  }

  /** Silence before this process came counts like looks at it, but for the last ones. */
  private looksMissed(silenceMs: number): number {
    return Math.min(looks - fewLooks, Math.floor(silenceMs / this.everyMs));
  }

  private async declareLost(lost: string): Promise<void> {
    this.seen.delete(lost);
    const rooms = new Map([...this.options.viewers.on(lost)].map(({ room, world }) => [room, world]));
    this.options.log.warn({ lost, rooms: rooms.size }, 'a node is gone, its people are removed from their rooms');
    try {
      for (const [room, world] of rooms) {
        // oxlint-disable-next-line no-await-in-loop -- see above
        await this.remove(room, world, lost);
      }
      await this.options.pulse.forget(lost);
    } catch (error) {
      // Another node was faster, or the store is away: if someone is still there, the next looks find it.
      this.options.log.warn({ err: error, lost }, 'not all people of a lost node could be removed');
    }
  }

  private async remove(room: string, world: string, lost: string): Promise<void> {
    const { store, live, viewers } = this.options;
    const log = new PresenceLog(store, room, lost, world);
    await live.reached(await log.load());
    // What the viewers say now is what the stream says up to the revision the append expects.
    const people = [...viewers.on(lost, room)];
    for (let start = 0; start < people.length; start += batch) {
      // oxlint-disable-next-line no-await-in-loop
      await log.append(
        log.prepare(people.slice(start, start + batch).map((person) => leaving(room, person, lost, 'lost'))),
      );
    }
  }
}
