import { GetCalendarLink, ResetCalendarLink } from '../../calendar-feeds/calendar-feeds.commands.js';
import type { CalendarFeedEvent } from '../../calendar-feeds/calendar-feeds.js';
import type { CalendarLink } from '../../calendar-feeds/calendar-links.js';
import { command, wire } from './wire.js';

const needs = () => ({ permission: 'world:view', account: true }) as const;
const reply = ({ url }: CalendarLink) => ({ url });

/** Whoever has the secret may read the person's meetings: its event is for that person only. */
export const calendarFeedsWire = wire<CalendarFeedEvent>(
  {
    'meeting:getCalendarLink': command<GetCalendarLink, CalendarLink>({ shape: GetCalendarLink, needs, reply }),
    'meeting:resetCalendarLink': command<ResetCalendarLink, CalendarLink>({ shape: ResetCalendarLink, needs, reply }),
  },
  {},
  {
    topics: {},
    events: { CalendarLinkIssued: ({ data: { userId } }) => [{ topic: `user:${userId}`, need: needs() }] },
  },
);
