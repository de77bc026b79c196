import { availabilityPatterns } from './availability-patterns.js';
import { availabilitySlots } from './availability-slots.js';
import type { ReadModel } from './engine/read-model.js';
import { reactionTimeline } from './reaction-timeline.js';
import { roomConfig } from './room-config.js';
import { roomList } from './room-list.js';
import { roomViewers } from './room-viewers.js';
import { userMeetings } from './user-meetings.js';
import { users } from './users.js';
import { worldConfig } from './world-config.js';

/** Every read model of the program. */
export const readModels: readonly ReadModel[] = [
  worldConfig,
  roomConfig,
  roomList,
  roomViewers,
  reactionTimeline,
  users,
  availabilityPatterns,
  availabilitySlots,
  userMeetings,
];
