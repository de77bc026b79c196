import { assertNever, type Decider } from '../eventsourcing/decider.js';
import { Refused } from '../eventsourcing/refused.js';

export type CalendarFeedEvent = { type: 'CalendarLinkIssued'; data: { userId: string; secret: string } };

/** Given by the handlers, which make the secret; `resets` ends the link there is. */
export type IssueCalendarLink = {
  readonly type: 'IssueCalendarLink';
  readonly userId: string;
  readonly secret: string;
  readonly resets: boolean;
};

/** The secret of the one link that works; undefined before the first. */
export type CalendarFeed = { readonly secret?: string };

/** The secret link to one person's meetings. */
export const calendarFeeds: Decider<CalendarFeed, IssueCalendarLink, CalendarFeedEvent> = {
  category: 'calendar_feed',
  events: { CalendarLinkIssued: { schema: 1 } },
  initial: {},
  streamOf: ({ userId }, { world }) => feedKey(world, userId),
  evolve: (_state, event) => {
    switch (event.type) {
      case 'CalendarLinkIssued':
        return { secret: event.data.secret };
      default:
        return assertNever(event.type);
    }
  },
  decide: ({ userId, secret, resets }, state) => {
    if (state.secret !== undefined && !resets) throw new Refused('calendar.exists');
    return [{ type: 'CalendarLinkIssued', data: { userId, secret } }];
  },
};

/** Second part of the name of the stream. A world's name has no slash. */
export const feedKey = (world: string, userId: string): string => `${world}/${userId}`;
