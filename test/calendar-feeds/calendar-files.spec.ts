import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { userMeetings } from '../../projections/user-meetings.js';
import { CalendarFiles } from '../../src/calendar-feeds/calendar-files.js';
import { CalendarRows, longestMs } from '../../src/calendar-feeds/calendar.queries.js';
import type { FeedMeeting } from '../../src/calendar-feeds/icalendar.js';
import { longestMs as longestMeeting } from '../../src/meetings/calendar.js';
import { openStage, type Stage } from '../meetings/stage.js';
import { parseICalendar, valueOf } from './parse-icalendar.js';

let stage: Stage;

beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

const hour = 3_600_000;
const day = 24 * hour;
const ids = (count: number, of: string): string[] => Array.from({ length: count }, (_none, n) => `${of}-${n}`);
const meetingsOf = async (user: string): Promise<FeedMeeting[]> =>
  new CalendarRows(stage.projections, { position: await stage.store.head() }).meetingsOf('demo', user);

describe('the meetings of a feed', () => {
  it('are those that were not over 90 days ago', async () => {
    const ago = Date.now() - 90 * day;
    const past = (name: string, from: number, until: number) =>
      stage.open(name, ['ann'], { startDate: ago + from, endDate: ago + until });
    await past('over', -hour, -1);
    await past('not-over', -hour, hour);
    await past('a-year', -longestMeeting + hour, hour);
    expect((await meetingsOf('ann')).map((one) => one.meeting_id)).toEqual(['a-year', 'not-over']);
    expect(longestMs).toBe(longestMeeting);
  });

  it('are the first 1,000 by their beginning', async () => {
    await stage.writeRows(ids(1_001, 'many'), ['bob', 'eve'], { startDate: Date.now() });
    expect((await meetingsOf('eve')).map((one) => one.meeting_id)).toEqual(ids(1_000, 'many'));
  });

  it('name up to ten people: the organizer, whose feed it is, and the first of the others', async () => {
    const invited = ids(200, 'guest');
    await stage.writeRows(['crowd'], ['cid', ...invited], { startDate: Date.now() });
    // Nobody else's row is needed.
    const rows = await stage.projections.collection(userMeetings);
    await rows.deleteMany({ meeting_id: 'crowd', user: { $nin: ['cid', 'guest-4', 'guest-150'] } });
    const people = async (user: string) => (await meetingsOf(user))[0]?.people.map((one) => one.user);
    expect(await people('cid')).toEqual(['cid', ...invited.slice(0, 9)]);
    expect(await people('guest-4')).toEqual(['cid', 'guest-4', ...ids(9, 'guest').filter((one) => one !== 'guest-4')]);
    expect(await people('guest-150')).toEqual(['cid', 'guest-150', ...invited.slice(0, 8)]);
  });

  it('say what each of them answered', async () => {
    await stage.open('said', ['dan', 'flo', 'gil'], { startDate: Date.now(), endDate: Date.now() + hour });
    await stage.answer('said', 'gil', 'accepted');
    const [meeting] = await meetingsOf('flo');
    expect(meeting).toMatchObject({ meeting_id: 'said', status: 'received', description: 'Daily' });
    expect(meeting?.people.map(({ user, status }) => [user, status])).toEqual([
      ['dan', 'accepted'],
      ['flo', 'received'],
      ['gil', 'accepted'],
    ]);
  });
});

const meeting = (n: number, description: string): FeedMeeting => ({
  meeting_id: `m-${n}`,
  status: 'accepted',
  organizer: 'u-0',
  subject: `Stand-up ${n}`,
  description,
  start: n * hour,
  end: (n + 1) * hour,
  created: '2026-01-01T09:00:00.000Z',
  updated: '2026-01-01T09:00:00.000Z',
  people: ids(10, 'u').map((user) => ({ user, status: 'accepted', profile: { display_name: `Person ${user}` } })),
});

function rowsOf(count: number, description = 'Daily') {
  const asked: string[] = [];
  return {
    asked,
    meetingsOf: async (world: string, user: string): Promise<FeedMeeting[]> => {
      asked.push(`${world}/${user}`);
      return Array.from({ length: count }, (_none, n) => meeting(n, description));
    },
  };
}

describe('the file of a feed', () => {
  it('is made once for all who ask for it at the same time, and anew for who asks later', async () => {
    const rows = rowsOf(1);
    const files = new CalendarFiles(rows);
    const asking = [files.fileOf('demo', 'ann'), files.fileOf('demo', 'ann'), files.fileOf('demo', 'bob')];
    const [one, two] = await Promise.all(asking);
    expect(two).toBe(one);
    expect(rows.asked).toEqual(['demo/ann', 'demo/bob']);
    await files.fileOf('demo', 'ann');
    expect(rows.asked).toEqual(['demo/ann', 'demo/bob', 'demo/ann']);
  });

  it('that cannot be made is refused to all who asked, and made for who asks later', async () => {
    let fails = true;
    const files = new CalendarFiles({
      meetingsOf: async () => (fails ? Promise.reject(new Error('away')) : []),
    });
    const both = await Promise.allSettled([files.fileOf('demo', 'ann'), files.fileOf('demo', 'ann')]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    fails = false;
    expect(parseICalendar(await files.fileOf('demo', 'ann')).events).toEqual([]);
  });

  it.each([
    ['1,000 meetings of ten people', 1_000, 1, 'Daily'],
    ['as many, for twenty people at once', 50, 20, 'Daily'],
    ['long descriptions', 40, 2, 'ä,\n'.repeat(3_333)],
  ])('leaves others their turn: %s', async (_of, count, feeds, description) => {
    const files = new CalendarFiles(rowsOf(count, description));
    // What was done first is compiled by and by.
    await files.fileOf('demo', 'warm');
    let longest = 0;
    let busy = true;
    const looked = (async () => {
      // Once more after the end: what was done last is a turn, too.
      for (let last = performance.now(), goesOn = true; goesOn;) {
        goesOn = busy;
        await setImmediate();
        const now = performance.now();
        [longest, last] = [Math.max(longest, now - last), now];
      }
    })();
    const began = performance.now();
    const made = await Promise.all(ids(feeds, 'user').map((user) => files.fileOf('demo', user)));
    busy = false;
    const took = performance.now() - began;
    await looked;
    const { events } = parseICalendar(made[0] ?? '');
    expect(events.map((event) => valueOf(event, 'UID'))).toEqual(ids(count, 'm'));
    // In shares of the whole, as a busy machine is slower at everything.
    expect(longest).toBeLessThan(Math.max(took / 5, 50));
  });
});
