import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { toCommand } from '../../src/eventsourcing/validation.js';
import { ListUserMeetingCounts, ListUserMeetingCountsHandler } from '../../src/meetings/meetings.queries.js';
import { at, openStage, refusalOf, type Stage } from './stage.js';

let stage: Stage;

beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

describe('counts of meetings by day', () => {
  const user = 'ida';
  const counts = async (query: object, over: object = {}) => {
    const handler = new ListUserMeetingCountsHandler(stage.rows);
    const { meetingCounts } = await handler.execute(
      await stage.as(user, toCommand(ListUserMeetingCounts, query), over),
    );
    return meetingCounts.map(({ count, startDate, endDate }) => [
      startDate.toISOString().slice(5, 16),
      endDate.toISOString().slice(5, 16),
      count,
    ]);
  };

  beforeAll(async () => {
    await stage.open('c1', [user], { startDate: at('28T22:30'), endDate: at('28T23:30') });
    await stage.open('c2', [user], { startDate: at('29T09:00'), endDate: at('30T09:00') });
    await stage.open('c3', ['ann', user], { startDate: at('29T09:00'), endDate: at('29T10:00') });
    await stage.open('c4', ['ann', user], { startDate: at('29T11:00'), endDate: at('29T12:00') });
    await stage.answer('c4', user, 'declined');
  });

  it('are of exactly so many days, in the zone of the caller, each as long as it is', async () => {
    // On 29 March 2026 clocks in Paris go forward.
    const query = { localDateNow: '2026-03-28T23:59:59Z', offset: -1, size: 5 };
    expect(await counts(query, { zoneinfo: 'Europe/Paris' })).toEqual([
      ['03-26T23:00', '03-27T23:00', 0],
      ['03-27T23:00', '03-28T23:00', 1],
      ['03-28T23:00', '03-29T22:00', 3],
      ['03-29T22:00', '03-30T22:00', 1],
      ['03-30T22:00', '03-31T22:00', 0],
    ]);
  });

  it('without a zone are in the offset of the day, of epoch milliseconds in UTC', async () => {
    const first = { offset: 0, size: 1 };
    expect(await counts({ localDateNow: '2026-03-29T00:00:00+05:45', ...first })).toEqual([
      ['03-28T18:15', '03-29T18:15', 3],
    ]);
    expect(await counts({ localDateNow: at('29T23:00'), ...first })).toEqual([['03-29T00:00', '03-30T00:00', 2]]);
    // In Kathmandu it is the 30th by then.
    expect(await counts({ localDateNow: at('29T23:00'), ...first }, { zoneinfo: 'Asia/Kathmandu' })).toEqual([
      ['03-29T18:15', '03-30T18:15', 1],
    ]);
  });

  it('have a day that the clock left out, with none', async () => {
    // Samoa went over the date line at the end of 29 December 2011.
    await stage.open('c5', [user], {
      startDate: Date.parse('2011-12-29T12:00Z'),
      endDate: Date.parse('2011-12-31T12:00Z'),
    });
    const query = { localDateNow: '2011-12-29T12:00:00-10:00', offset: 0, size: 3 };
    expect(await counts(query, { zoneinfo: 'Pacific/Apia' })).toEqual([
      ['12-29T10:00', '12-30T10:00', 1],
      ['12-30T10:00', '12-30T10:00', 0],
      ['12-30T10:00', '12-31T10:00', 1],
    ]);
  });

  it('of no days are none', async () => {
    expect(await counts({ localDateNow: '2026-03-28T00:00:00Z', offset: 0, size: 0 })).toEqual([]);
  });

  it.each([
    [{ localDateNow: 'today', offset: 0, size: 1 }, 'localDateNow'],
    [{ localDateNow: 0, offset: 3_661, size: 1 }, 'offset'],
    [{ localDateNow: 0, offset: 0.5, size: 1 }, 'offset'],
    [{ localDateNow: 0, offset: 0, size: 1_001 }, 'size'],
    [{ localDateNow: 0, offset: 0, size: -1 }, 'size'],
    [{ localDateNow: 0, offset: 0 }, 'size'],
  ])('are refused for %j', async (query, field) => {
    expect(await refusalOf(() => toCommand(ListUserMeetingCounts, query))).toBe(`protocol.invalid ${field}`);
  });
});
