import type { Emoji, ReactionCounts } from './reactions.js';

/** Adds up a room's reactions: the first one starts a tick, at its end all of it are told at once. */
export class RoomTicks {
  private readonly open = new Map<string, Map<Emoji, number>>();

  /** `tell` must not throw. */
  constructor(
    private readonly tell: (room: string, reactions: ReactionCounts) => void,
    private readonly tickMs: number,
  ) {}

  add(room: string, emoji: Emoji): void {
    let counts = this.open.get(room);
    if (!counts) {
      this.open.set(room, (counts = new Map()));
      setTimeout(() => this.end(room), this.tickMs).unref();
    }
    counts.set(emoji, (counts.get(emoji) ?? 0) + 1);
  }

  private end(room: string): void {
    const counts = this.open.get(room);
    this.open.delete(room);
    if (counts) this.tell(room, Object.fromEntries(counts));
  }
}
