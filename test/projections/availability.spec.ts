import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { availabilityPatterns } from '../../projections/availability-patterns.js';
import { availabilitySlots, type AvailabilitySlotsRow } from '../../projections/availability-slots.js';
import type { AvailabilityEvent } from '../../src/availability/availability.js';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import type { CalendarEvent } from '../../src/meetings/calendar.events.js';
import { cases, logOf } from '../availability/worlds.js';
import { replay } from '../faults/oracle.js';
import { recorded } from '../spec/decider-spec.js';
import { circumstances, runThrough, troubles } from './session-runs.js';

const log = (...events: readonly (AvailabilityEvent | CalendarEvent)[]): RecordedEvent[] =>
  events.map((event, index) => recorded(event, { position: BigInt(index + 1) }));

const rowsOf = (events: readonly RecordedEvent[]): Record<string, AvailabilitySlotsRow | undefined> =>
  Object.fromEntries(
    // The rows are those of this model.
    [...replay(availabilitySlots, events)].map(([key, { row }]) => [key, row as AvailabilitySlotsRow | undefined]),
  );

const minute = 60_000;
const time = (from: string, until: string, zone: string, buffer = 0) => {
  const [startDate, endDate] = [Date.parse(from), Date.parse(until)];
  return { startDate, endDate, busyFrom: startDate - buffer * minute, busyUntil: endDate + buffer * minute, zone };
};

describe('availability_slots', () => {
  it('has a row for each local day that busy time touches, buffers included', () => {
    const booked = time('2031-05-05T22:30:00Z', '2031-05-05T23:00:00Z', 'Europe/Paris', 45);
    const data = { userId: 'ann', meetingId: 'm1', booking: '0', time: booked };
    const taken = [{ meeting: 'm1', from: booked.busyFrom, until: booked.busyUntil }];
    const row = { world: 'demo', user: 'ann', available: null };
    const accepted: CalendarEvent = { type: 'InvitationAccepted', data };
    expect(rowsOf(log(accepted))).toEqual({
      'demo/ann/2031-05-05': { ...row, date: '2031-05-05', busy: taken },
      'demo/ann/2031-05-06': { ...row, date: '2031-05-06', busy: taken },
    });
    const released: CalendarEvent = {
      type: 'BookingReleased',
      data: { userId: 'ann', meetingId: 'm1', booking: '1', was: booked, reason: 'deleted' },
    };
    expect(rowsOf(log(accepted, released))).toEqual({
      'demo/ann/2031-05-05': { ...row, date: '2031-05-05', busy: [] },
      'demo/ann/2031-05-06': { ...row, date: '2031-05-06', busy: [] },
    });
  });

  it('files a move under the days it left and the days it came to, whatever zone each was decided in', () => {
    const was = time('2031-05-05T23:00:00Z', '2031-05-05T23:30:00Z', 'Asia/Kathmandu');
    const now = time('2031-05-07T23:00:00Z', '2031-05-07T23:30:00Z', 'America/New_York');
    const data = { userId: 'ann', meetingId: 'm1', booking: '0' };
    const rows = rowsOf(
      log(
        { type: 'InvitationAccepted', data: { ...data, time: was } },
        { type: 'BookingMoved', data: { ...data, booking: '1', was, time: now } },
      ),
    );
    expect(Object.entries(rows).map(([key, row]) => [key, row?.busy.length])).toEqual([
      ['demo/ann/2031-05-06', 0],
      ['demo/ann/2031-05-07', 1],
    ]);
  });

  it('is left alone by a change of something else than the time', () => {
    const was = { startDate: 0, endDate: 60_000, busyFrom: 0, busyUntil: 366 * 86_400_000, zone: 'UTC' };
    const change = { userId: 'ann', meetingId: 'm', was };
    const [same, moved] = log(
      { type: 'BookingChanged', data: { ...change, time: was, patch: { subject: 'New' } } },
      {
        type: 'BookingChanged',
        data: { ...change, time: { ...was, zone: 'Asia/Tokyo' }, patch: {} },
      },
    ).map((event) => availabilitySlots.on.BookingChanged?.keys(event).length);
    expect([same, moved]).toEqual([0, 367]);
  });

  it('keeps the cut of an override past midnight with the day whose minutes it takes', () => {
    const set = { userId: 'ann', zone: 'UTC', date: '2031-05-05' };
    const rows = rowsOf(
      log(
        { type: 'AvailabilityOverrideSet', data: { ...set, status: 'NotAvailable', intervals: [[1_320, 1_500]] } },
        { type: 'AvailabilityOverrideSet', data: { ...set, status: 'Available', intervals: [[540, 600]] } },
      ),
    );
    expect(Object.values(rows).map((row) => [row?.date, row?.available])).toEqual([
      ['2031-05-05', { set: [540, 600], cut: [] }],
      ['2031-05-06', { set: null, cut: [0, 60] }],
    ]);
  });
});

describe('what is known of people’s time', () => {
  it('comes to the cold replay whatever is cut off in between (property)', async () => {
    const histories = cases.map(({ people }) => logOf(people).map((event, n) => ({ ...event, revision: BigInt(n) })));
    for (const model of [availabilitySlots, availabilityPatterns]) {
      await fc.assert(
        fc.asyncProperty(histories, circumstances, troubles, async (events, given, befalls) => {
          const disk = await runThrough({ model, events, given, troubles: befalls });
          expect(disk.rows).toEqual(replay(model, events));
        }),
        { numRuns: 60 },
      );
    }
  });
});
