import { availabilityWire } from './availability.js';
import { calendarFeedsWire } from './calendar-feeds.js';
import { eventsWire } from './events.js';
import { identityWire } from './identity.js';
import { invitesWire } from './invites.js';
import { meetingsWire } from './meetings.js';
import { presenceWire } from './presence.js';
import { reactionsWire } from './reactions.js';
import { roomsWire } from './rooms.js';
import { usersWire } from './users.js';
import type { Wire } from './wire.js';

const tables = [
  eventsWire,
  identityWire,
  presenceWire,
  invitesWire,
  reactionsWire,
  roomsWire,
  usersWire,
  meetingsWire,
  availabilityWire,
  calendarFeedsWire,
];

/** Every action and event clients know, whatever their dialect. */
export const wireTable: Wire = {
  actions: Object.assign(Object.create(null), ...tables.map(({ actions }) => actions)),
  events: Object.assign(Object.create(null), ...tables.map(({ events }) => events)),
  topics: Object.assign(Object.create(null), ...tables.map(({ topics }) => topics)),
  streams: Object.assign(Object.create(null), ...tables.map(({ streams }) => streams)),
};
