import type { JsonObject } from '../eventsourcing/events.js';
import { listed, type Access, type AccessFacts } from '../identity/access.js';
import type { Session } from '../identity/session.js';
import { configView } from './room-fields.js';

/** What a client is told of its world: only what it may see. Source: wire contract, section 3 (`world.config`). */
export function worldConfig(facts: AccessFacts, access: Access, session: Session): JsonObject {
  const { world } = session;
  const visible = [...facts.roomsOf(world)].flatMap((id) => {
    const row = facts.rooms.get(id);
    return row?.status === 'open' && access.can(session, 'room:view', id) ? [{ id, row }] : [];
  });
  visible.sort((a, b) => a.row.sorting_priority - b.row.sorting_priority || (a.row.name < b.row.name ? -1 : 1));
  return {
    world: { id: world, title: facts.worlds.get(world)?.title ?? world },
    permissions: listed(access.inWorld(session)),
    rooms: visible.map(({ id, row }) => ({ ...configView(id, row), permissions: listed(access.inRoom(session, id)) })),
  };
}
