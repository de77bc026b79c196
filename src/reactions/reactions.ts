import { assertNever } from '../eventsourcing/decider.js';
import type { EventDefinitions } from '../eventsourcing/registry.js';

/** What people can react with. The heart is the one with the emoji variation selector. */
export const emojis = ['👏', '\u2764\uFE0F', '👍', '🤣', '😮'] as const;
export type Emoji = (typeof emojis)[number];

/** `anonymous`: by someone who came with an invite. */
export type ReactionEvent = {
  type: 'ReactionAdded';
  data: { roomId: string; userId: string; emoji: Emoji; anonymous?: true };
};

/** How often each emoji was sent; those nobody sent are left out. */
export type ReactionCounts = { readonly [E in Emoji]?: number };

/** Of the same reaction of one person in one room only one counts in so many milliseconds. */
export const countsOnceInMs = 2_000;

/** The events are kept for so long. */
export const keptForSeconds = 90 * 24 * 60 * 60;

/** Many keyboards send the heart without its variation selector. */
const bareHeart = '\u2764';

/** The emoji a client means; undefined for one that is not taken. */
export function emojiOf(reaction: string): Emoji | undefined {
  const written = reaction === bareHeart ? '\u2764\uFE0F' : reaction;
  return emojis.find((emoji) => emoji === written);
}

const definitions: EventDefinitions<ReactionEvent> = { ReactionAdded: { schema: 1 } };
const none: ReactionCounts = {};

/**
 * The reactions in one room that one node has taken (`reactions-<room>-<node>`), folded for audits. Nothing is decided on
 * them: such a stream is only ever written.
 */
export const reactions = {
  category: 'reactions',
  events: definitions,
  initial: none,
  evolve(state: ReactionCounts, event: ReactionEvent): ReactionCounts {
    switch (event.type) {
      case 'ReactionAdded':
        return withOne(state, event.data.emoji);
      default:
        return assertNever(event.type);
    }
  },
};

export const withOne = (counts: ReactionCounts, emoji: Emoji): ReactionCounts => ({
  ...counts,
  [emoji]: (counts[emoji] ?? 0) + 1,
});

/** Every node writes to a stream of its own, so that none ever waits for another. */
export const reactionStream = (room: string, node: string): string => `${reactions.category}-${room}-${node}`;
