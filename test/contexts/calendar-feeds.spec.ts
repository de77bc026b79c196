import { describe, it } from '@jest/globals';
import { calendarFeeds, type CalendarFeedEvent } from '../../src/calendar-feeds/calendar-feeds.js';
import { given, golden } from '../spec/decider-spec.js';

const issued = (secret: string): CalendarFeedEvent => {
  return { type: 'CalendarLinkIssued', data: { userId: 'ann', secret } };
};
const issue = { type: 'IssueCalendarLink', userId: 'ann', resets: false } as const;

describe('the secret link to a calendar', () => {
  it('is issued once, unless it is reset', () => {
    given(calendarFeeds)
      .when({ ...issue, secret: 'a' })
      .then(issued('a'));
    given(calendarFeeds, issued('a'))
      .when({ ...issue, secret: 'b' })
      .refused('calendar.exists');
    given(calendarFeeds, issued('a'))
      .when({ ...issue, secret: 'b', resets: true })
      .then(issued('b'));
  });

  it('may be reset where there is none', () => {
    given(calendarFeeds)
      .when({ ...issue, secret: 'a', resets: true })
      .then(issued('a'));
  });
});

describe('events of calendar links', () => {
  golden(calendarFeeds, {
    CalendarLinkIssued: [{ schema: 1, stored: { userId: 'ann', secret: 'Zk3…' } }],
  });
});
