import { availability } from './availability/availability.js';
import { calendarFeeds } from './calendar-feeds/calendar-feeds.js';
import type { DomainEvent } from './eventsourcing/events.js';
import { EventRegistry, type EventDefinition } from './eventsourcing/registry.js';
import { worlds } from './identity/worlds.js';
import { inviteTokens, roomInvites } from './invites/invites.js';
import { calendars } from './meetings/calendar.js';
import { meetings } from './meetings/meetings.js';
import { presence } from './presence/presence.js';
import { reactions } from './reactions/reactions.js';
import { roomDirectory } from './rooms/room-directory.js';
import { rooms } from './rooms/rooms.js';
import { users } from './users/users.js';

/** What folding a stream needs of its decider, whatever the types of its state and events. */
export interface Folding {
  /** First part of the stream's name, up to the dash. */
  readonly category: string;
  readonly events: Readonly<Record<string, EventDefinition>>;
  readonly initial: unknown;
  evolve(state: unknown, event: DomainEvent): unknown;
}

/** Every decider of the program. */
export const deciders: readonly Folding[] = [
  worlds,
  inviteTokens,
  roomInvites,
  calendars,
  meetings,
  availability,
  presence,
  reactions,
  roomDirectory,
  rooms,
  users,
  calendarFeeds,
];

/** Every event type this program writes and reads. */
export const eventRegistry = new EventRegistry(...deciders.map(({ events }) => events));
