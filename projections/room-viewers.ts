import type { JsonObject } from '../src/eventsourcing/events.js';
import type { PresenceEvent } from '../src/presence/presence.js';
import { defineReadModel, type RecordedAs } from './engine/read-model.js';

/** A person in a room, now or before. Rows stay when people leave: `present` tells. */
export type RoomViewerRow = {
  readonly world: string;
  readonly room: string;
  readonly user: string;
  /** As it was when the person entered. */
  readonly profile: JsonObject;
  readonly anonymous: boolean;
  /** Where the person is connected; more than one while it has tabs on several nodes. */
  readonly nodes: readonly string[];
  readonly present: boolean;
  /** RFC 3339: since when, or when last. */
  readonly entered_at: string;
  /** RFC 3339; null while present. */
  readonly left_at: string | null;
};

/**
 * Who came with an invite is another person than the plain one of the same id. The world is part of the key: what others
 * write of a room that is not theirs reaches no row of the room's world. Without the fields such events have, nothing is said.
 */
function keys({ type, data, metadata: { world } }: RecordedAs<PresenceEvent>): string[] {
  const { roomId, userId, node, anonymous } = data;
  if (![roomId, userId, node].every((text) => typeof text === 'string')) return [];
  if (type === 'ViewerEntered' && !(typeof data.profile === 'object' && data.profile !== null)) return [];
  return [`${world}/${roomId}${anonymous ? '#' : '/'}${userId}`];
}

export const roomViewers = defineReadModel<RoomViewerRow, PresenceEvent>({
  name: 'room_viewers',
  version: 2,
  indexes: [{ world: 1, room: 1, present: 1 }],
  on: {
    ViewerEntered: {
      keys,
      apply: (row, { data, metadata: { world, at } }) => {
        const { roomId: room, userId: user, node, profile, anonymous = false } = data;
        if (row?.present) return row.nodes.includes(node) ? undefined : { ...row, nodes: [...row.nodes, node] };
        return { world, room, user, profile, anonymous, nodes: [node], present: true, entered_at: at, left_at: null };
      },
    },
    ViewerLeft: {
      keys,
      apply: (row, { data: { node }, metadata: { at } }) => {
        if (!row?.nodes.includes(node)) return undefined;
        const nodes = row.nodes.filter((other) => other !== node);
        return nodes.length > 0 ? { ...row, nodes } : { ...row, nodes, present: false, left_at: at };
      },
    },
  },
});
