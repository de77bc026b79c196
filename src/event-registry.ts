import { EventRegistry } from './eventsourcing/registry.js';
import { worlds } from './identity/worlds.js';
import { roomDirectory } from './rooms/room-directory.js';
import { rooms } from './rooms/rooms.js';

/** Every event type this program writes and reads. */
export const eventRegistry = new EventRegistry(worlds.events, roomDirectory.events, rooms.events);
