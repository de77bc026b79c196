import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OwnAvailability, type View } from '../../src/availability/own-availability.js';
import { merge } from '../../src/time/intervals.js';
import { dateOf, dayIn, monthOf, oneDay, weekOf, type Day } from '../../src/time/zones.js';
import { cases, storedPeople, type Simulated } from './worlds.js';

/** A person's views of the days around a day of the person's zone. */
function viewsOf({ user, zone }: Simulated, people: readonly Simulated[]) {
  const own = new OwnAvailability({ read: () => Promise.resolve(storedPeople(people)) });
  const caller = { world: 'demo', userId: user, after: -1n, zoneinfo: zone };
  return {
    day: (day: Day): Promise<View> => own.view(caller, `${dateOf(day)}T12:00:00Z`, oneDay),
    week: (day: Day): Promise<View> => own.view(caller, `${dateOf(day)}T12:00:00Z`, weekOf),
    month: (day: Day): Promise<View> => own.view(caller, `${dateOf(day)}T12:00:00Z`, monthOf),
  };
}

/** As instants, merged; nothing where the view says that there is none. */
const instantsOf = (views: readonly View[]): readonly number[] =>
  merge(
    views
      .filter(({ status }) => status === 'Available')
      .flatMap(({ dates }) => dates.flatMap(({ startDate, endDate }) => [startDate.getTime(), endDate.getTime()])),
  );

const all = (of: (day: Day) => Promise<View>, from: Day, until: Day): Promise<View[]> =>
  Promise.all(Array.from({ length: until - from }, (_none, index) => of(from + index)));

it('day views put together are the week view and the month view', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async ({ window, people }) => {
      const [person] = people;
      if (!person) throw new Error('there is nobody');
      const views = viewsOf(person, people);
      const day = dayIn(person.zone, window.from + 36 * 3_600_000);
      for (const [whole, { from, until }] of [
        [await views.week(day), weekOf(day)],
        [await views.month(day), monthOf(day)],
      ] as const) {
        const days = await all(views.day, from, until);
        expect(instantsOf(days)).toEqual(instantsOf([whole]));
        // A day without a free moment is told whole, and so is a week or a month.
        expect(whole.status).toBe(days.some(({ status }) => status === 'Available') ? 'Available' : 'NotAvailable');
        if (whole.status === 'Available') continue;
        const [first, last] = [days[0]?.dates[0]?.startDate, days.at(-1)?.dates.at(-1)?.endDate];
        expect(whole.dates).toEqual([{ startDate: first, endDate: last }]);
      }
    }),
    { numRuns: 300 },
  );
});
