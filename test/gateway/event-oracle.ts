import type { RecordedEvent } from '../../src/eventsourcing/events.js';

/** Who follows topics, as long as its rights stay as they are. */
export interface Follower {
  readonly user: string;
  readonly world: string;
  /** Holds every right in its world. */
  readonly isAdmin?: boolean;
  /** Rooms it may view, where it is no admin. */
  readonly rooms?: readonly string[];
}

/** docs/wire.md, "Following events", once more: what a follower gets to see of the log. */
export function mayFollow({ user, world, isAdmin = false, rooms = [] }: Follower, topics: readonly string[]) {
  const isIn = (topic: string): boolean => topics.includes(topic);
  return (event: RecordedEvent): boolean => {
    if (event.metadata.world !== world) return false;
    const room = String(event.data.roomId);
    const isView = isAdmin || rooms.includes(room);
    const isOwn = [event.data.user, event.data.userId].includes(user) && isIn(`user:${user}`);
    switch (event.type) {
      case 'WorldOpened':
      case 'RoomRegistered':
      case 'RoomRelisted':
      case 'RoomsReordered':
      case 'RoomDelisted':
        return isAdmin && isIn('world');
      case 'WorldRoleGranted':
      case 'WorldRoleRevoked':
      case 'UserProfileRecorded':
        return isOwn || (isAdmin && isIn('world'));
      case 'RoomRoleGranted':
      case 'RoomRoleRevoked':
        return isOwn || (isAdmin && isIn(`room:${room}`));
      case 'RoomCreated':
      case 'RoomConfigPatched':
      case 'RoomDeleted':
        return isView && (isIn('world') || isIn(`room:${room}`));
      case 'RoomScheduleChanged':
        return isView && isIn(`room:${room}`);
      case 'ViewerEntered':
      case 'ViewerLeft':
        return isOwn || (isAdmin && event.data.anonymous !== true && isIn(`room:${room}`));
      default:
        throw new Error(`nothing says who may follow ${event.type}`);
    }
  };
}
