import { SetUserAvailability } from '../../availability/availability.commands.js';
import {
  GetUserAvailabilityForDay,
  GetUserAvailabilityForMonth,
  GetUserAvailabilityForWeek,
  GetUserAvailabilityPattern,
} from '../../availability/availability.queries.js';
import type { AvailabilityEvent } from '../../availability/availability.js';
import { GetMeetingTimeSlotsForMonth, GetTimeSlotsForMeeting } from '../../availability/slots.queries.js';
import { command, query, wire } from './wire.js';

const needs = () => ({ permission: 'world:view', account: true }) as const;
/** When a person wants to be met is told by slots; the rules themselves are the person's own. */
const forPerson = ({ data: { userId } }: { readonly data: { readonly userId: string } }) => [
  { topic: `user:${userId}`, need: needs() },
];

/** Source: seed 004 and wire contract, section 5. */
export const availabilityWire = wire<AvailabilityEvent>(
  {
    'meeting:setUserAvailability': command({ shape: SetUserAvailability, needs, reply: () => ({}) }),
    'meeting:getUserAvailabilityPattern': query({ shape: GetUserAvailabilityPattern, needs }),
    'meeting:getUserAvailabilityForDay': query({ shape: GetUserAvailabilityForDay, needs }),
    'meeting:getUserAvailabilityForWeek': query({ shape: GetUserAvailabilityForWeek, needs }),
    'meeting:getUserAvailabilityForMonth': query({ shape: GetUserAvailabilityForMonth, needs }),
    'meeting:getTimeSlotsForMeeting': query({ shape: GetTimeSlotsForMeeting, needs }),
    'meeting:getMeetingTimeSlotsForMonth': query({ shape: GetMeetingTimeSlotsForMonth, needs }),
  },
  {},
  { topics: {}, events: { AvailabilityPatternSet: forPerson, AvailabilityOverrideSet: forPerson } },
);
