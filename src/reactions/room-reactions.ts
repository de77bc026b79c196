import type { LiveLog } from '../gateway/live-log.js';
import type { LiveFacts } from '../identity/live-facts.js';
import { ReactionCounter, type CounterParts } from './reaction-counter.js';
import { RoomTicks } from './room-ticks.js';

/** Source: wire contract, section 4. */
const tickMs = 1_000;

export interface RoomReactionsParts extends Omit<CounterParts, 'counted'> {
  readonly live: Pick<LiveLog, 'onEvents' | 'publish'>;
  /** As of the events `live` tells of. */
  readonly facts: Pick<LiveFacts, 'rooms'>;
}

/**
 * The counter of this node, which tells the people in each room here what the log says of all nodes. To be made before the
 * live log starts. @throws CorruptEvent, StoreUnavailable
 */
export async function roomReactions({ live, facts, ...parts }: RoomReactionsParts): Promise<ReactionCounter> {
  const ticks = new RoomTicks((room, reactions) => {
    // A room that was deleted in this second hears no more.
    if (facts.rooms.get(room)?.status !== 'open') return;
    const need = { permission: 'room:view', room } as const;
    live.publish({ topic: `room:${room}`, name: 'room.reaction', body: { room, reactions }, need });
  }, tickMs);
  const counter = new ReactionCounter({ ...parts, counted: (room, emoji) => ticks.add(room, emoji) });
  await counter.start();
  live.onEvents((events) => counter.observe(events));
  return counter;
}
