import type { Emoji, ReactionEvent } from '../src/reactions/reactions.js';
import { defineReadModel, type RecordedAs } from './engine/read-model.js';

/** The reactions that counted in a room in one second. */
export type ReactionTimelineRow = {
  readonly world: string;
  readonly room: string;
  /** Epoch seconds. */
  readonly second: number;
  readonly reactions: { readonly [E in Emoji]?: number };
  readonly total: number;
};

const secondOf = ({ metadata: { at } }: RecordedAs<ReactionEvent>): number => Math.floor(Date.parse(at) / 1000);

export const reactionTimeline = defineReadModel<ReactionTimelineRow, ReactionEvent>({
  name: 'reaction_timeline',
  version: 1,
  indexes: [{ world: 1, room: 1, second: 1 }],
  on: {
    ReactionAdded: {
      keys: (event) => [`${event.data.roomId}/${secondOf(event)}`],
      apply: (row, event) => {
        const { roomId, emoji } = event.data;
        const reactions = row?.reactions ?? {};
        return {
          world: event.metadata.world,
          room: roomId,
          second: secondOf(event),
          reactions: { ...reactions, [emoji]: (reactions[emoji] ?? 0) + 1 },
          total: (row?.total ?? 0) + 1,
        };
      },
    },
  },
});
