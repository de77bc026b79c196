import { expect } from '@jest/globals';
import type { EventStore } from '../../src/event-store/event-store.js';
import { CommandLoop } from '../../src/eventsourcing/handle.js';
import { EventRegistry } from '../../src/eventsourcing/registry.js';
import { bookingOf, calendarOf, calendars } from '../../src/meetings/calendar.js';
import { meetings } from '../../src/meetings/meetings.js';

export const registry = new EventRegistry(calendars.events, meetings.events);

/**
 * Every meeting of a world is in the calendars of exactly those who organize or accepted it, at its time, and nobody is
 * booked twice. Looks at the log from a position on; answers how many meetings it found.
 */
export async function expectWhole(store: EventStore, world: string, after = -1n): Promise<number> {
  const loop = new CommandLoop(store, registry);
  const ids = new Set<string>();
  const people = new Set<string>();
  for await (const { metadata, stream, data } of store.readAll({ after })) {
    if (metadata.world !== world || !/^(calendar|meeting)-/.test(stream)) continue;
    ids.add(String(data.meetingId));
    for (const user of [data.userId, ...[data.users ?? []].flat()]) if (user !== undefined) people.add(String(user));
  }
  for (const who of people) {
    const calendar = await loop.stateOf(calendars, calendarOf(world, who));
    const taken: (readonly [number, number])[] = [];
    for (const id of ids) {
      const booking = bookingOf(calendar, id);
      const meeting = await loop.stateOf(meetings, id);
      const planned = meeting.status === 'planned';
      const accepted = (one: { readonly userId: string; readonly status: string }): boolean =>
        one.userId === who && one.status === 'accepted';
      const comes = planned && (meeting.organizerId === who || meeting.invited.some(accepted));
      expect({ who, id, booked: booking !== undefined }).toEqual({ who, id, booked: comes });
      if (!planned || !booking) continue;
      const { startDate, endDate } = meeting.plan;
      const busyUntil = endDate + meeting.buffers.bufferAfter * 60_000;
      expect(booking.time).toMatchObject({ startDate, endDate, busyUntil });
      taken.push([booking.time.busyFrom, booking.time.busyUntil]);
    }
    taken.sort(([a], [b]) => a - b);
    taken.slice(1).forEach(([from], index) => expect(from).toBeGreaterThanOrEqual(taken[index]?.[1] ?? 0));
  }
  return ids.size;
}
