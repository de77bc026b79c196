import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bookedTime, bookingOf, calendars, type Calendar, type CalendarCommand } from '../../src/meetings/calendar.js';
import type { BookedTime, CalendarEvent } from '../../src/meetings/calendar.events.js';
import { black } from '../../src/meetings/meeting-fields.js';
import { alice, codeOf, given, golden } from '../spec/decider-spec.js';

const hour = 3_600_000;
const noon = Date.UTC(2026, 10, 20, 12);
const at = (hours: number, length = 1, before = 0, after = 0): BookedTime => ({
  ...bookedTime(noon + hours * hour, noon + (hours + length) * hour, before, after),
  zone: 'Europe/Paris',
});
const details = { sourceType: 'room', sourceIds: ['r-1'], subject: 'Talk', description: '', color: black } as const;
const of = (meetingId: string) => ({ userId: 'alice', meetingId });
const book = (meetingId: string, time: BookedTime, conflicts: 'reject' | 'allow' = 'reject') =>
  ({ type: 'BookMeeting', ...of(meetingId), time, details, invitedUserIds: ['bob'], conflicts }) as const;
const booked = (meetingId: string, time: BookedTime): CalendarEvent => ({
  type: 'MeetingBooked',
  data: { ...of(meetingId), time, details, invitedUserIds: ['bob'] },
});
const accept = (meetingId: string, time: BookedTime, booking = '0') =>
  ({ type: 'AcceptInvitation', ...of(meetingId), booking, time, conflicts: 'reject' }) as const;
const accepted = (meetingId: string, time: BookedTime, booking = '0'): CalendarEvent => ({
  type: 'InvitationAccepted',
  data: { ...of(meetingId), booking, time },
});
const change = (meetingId: string, fields: object = {}) =>
  ({
    type: 'ChangeBooking',
    ...of(meetingId),
    patch: {},
    zone: 'Europe/Paris',
    conflicts: 'reject',
    ...fields,
  }) as const;

describe('booking a meeting', () => {
  it('takes free time', () => {
    given(calendars)
      .when(book('m-1', at(0)))
      .then(booked('m-1', at(0)));
  });

  it('is refused over busy time, and allowed where overlaps are', () => {
    given(calendars, booked('m-1', at(0)))
      .when(book('m-2', at(0.5)))
      .refused('meeting.conflict');
    given(calendars, booked('m-1', at(0)))
      .when(book('m-2', at(0.5), 'allow'))
      .then(booked('m-2', at(0.5)));
  });

  it('fits exactly between two meetings', () => {
    given(calendars, booked('m-1', at(0)), booked('m-2', at(2)))
      .when(book('m-3', at(1)))
      .then(booked('m-3', at(1)));
  });

  it('is not fooled by a meeting that began weeks before', () => {
    given(calendars, booked('long', at(0, 24 * 60)))
      .when(book('m-2', at(24 * 40)))
      .refused('meeting.conflict');
  });

  it('keeps the buffers of both meetings free: buffers cannot be bypassed', () => {
    const before = booked('m-1', at(0, 1, 0, 30));
    given(calendars, before)
      .when(book('m-2', at(1)))
      .refused('meeting.conflict');
    given(calendars, before)
      .when(book('m-2', at(1.5, 1, 15)))
      .refused('meeting.conflict');
    given(calendars, before)
      .when(book('m-2', at(1.5)))
      .then(booked('m-2', at(1.5)));
  });

  it('takes the time of a meeting that was cancelled', () => {
    const cancelled: CalendarEvent = { type: 'BookingCancelled', data: { ...of('m-1'), was: at(0) } };
    given(calendars, booked('m-1', at(0)), cancelled)
      .when(book('m-2', at(0)))
      .then(booked('m-2', at(0)));
  });
});

describe('changing a meeting', () => {
  const past = [booked('m-1', at(0, 1, 10, 20)), booked('m-2', at(3))];

  it('moves it with its buffers, over its own time too', () => {
    const time = at(0.5, 1, 10, 20);
    given(calendars, ...past)
      .when(change('m-1', { startDate: time.startDate, endDate: time.endDate }))
      .then({ type: 'BookingChanged', data: { ...of('m-1'), was: at(0, 1, 10, 20), time, patch: {} } });
  });

  it('is refused onto busy time', () => {
    given(calendars, ...past)
      .when(change('m-1', { endDate: noon + 3.5 * hour }))
      .refused('meeting.conflict');
  });

  it('says what is wrong with an end that is not after the start', () => {
    given(calendars, ...past)
      .when(change('m-1', { startDate: noon + 2 * hour }))
      .refused('protocol.invalid');
  });

  it('of other things asks nobody for time', () => {
    const overlapping = [booked('m-1', at(0)), booked('m-2', at(0))];
    const patch = { subject: 'New' };
    given(calendars, ...overlapping)
      .when(change('m-1', { patch }))
      .then({ type: 'BookingChanged', data: { ...of('m-1'), was: at(0), time: at(0), patch } });
  });

  it('is for the organizer only', () => {
    given(calendars, accepted('m-1', at(0)))
      .when(change('m-1'))
      .refused('meeting.unknown');
    given(calendars, accepted('m-1', at(0)))
      .when({ type: 'CancelBooking', ...of('m-1') })
      .refused('meeting.unknown');
  });
});

describe('answering an invitation', () => {
  it('takes the time once: of two invitations at one time only one is accepted', () => {
    given(calendars)
      .when(accept('m-1', at(0)))
      .then(accepted('m-1', at(0)));
    given(calendars, accepted('m-1', at(0)))
      .when(accept('m-2', at(0)))
      .refused('meeting.conflict');
  });

  it('again after declining', () => {
    const declined: CalendarEvent = { type: 'InvitationDeclined', data: { ...of('m-1'), was: at(0) } };
    given(calendars, accepted('m-1', at(0)))
      .when({ type: 'DeclineInvitation', ...of('m-1') })
      .then(declined);
    given(calendars, accepted('m-1', at(0)), declined)
      .when(accept('m-1', at(0)))
      .then(accepted('m-1', at(0)));
    given(calendars, accepted('m-1', at(0)), declined)
      .when(book('m-2', at(0)))
      .then(booked('m-2', at(0)));
  });

  it('is not for the organizer', () => {
    given(calendars, booked('m-1', at(0)))
      .when(accept('m-1', at(0)))
      .refused('meeting.own');
    given(calendars, booked('m-1', at(0)))
      .when({ type: 'DeclineInvitation', ...of('m-1') })
      .refused('meeting.own');
  });

  it('twice frees nothing', () => {
    const data = { ...of('m-1'), booking: '0', time: at(0), was: at(0) };
    given(calendars, accepted('m-1', at(0)))
      .when(accept('m-1', at(0)))
      .then({ type: 'InvitationAccepted', data });
  });

  it('that moved meanwhile takes the time that this calendar already knows', () => {
    const moved: CalendarEvent = {
      type: 'BookingMoved',
      data: { ...of('m-1'), booking: '4', was: at(0), time: at(5) },
    };
    const data = { ...of('m-1'), booking: '4', time: at(5), was: at(5) };
    given(calendars, accepted('m-1', at(0)), moved)
      .when(accept('m-1', at(0), '0'))
      .then({ type: 'InvitationAccepted', data });
  });
});

describe('a meeting that moves', () => {
  const move = (meetingId: string, time: BookedTime, booking: string) =>
    ({ type: 'MoveBooking', ...of(meetingId), booking, time, conflicts: 'reject' }) as const;
  const past = [accepted('m-1', at(0)), booked('m-2', at(3))];

  it('takes those who accepted along', () => {
    given(calendars, ...past)
      .when(move('m-1', at(1), '7'))
      .then({ type: 'BookingMoved', data: { ...of('m-1'), booking: '7', was: at(0), time: at(1) } });
  });

  it('onto their busy time loses them', () => {
    given(calendars, ...past)
      .when(move('m-1', at(3), '7'))
      .then({
        type: 'BookingReleased',
        data: { ...of('m-1'), booking: '7', was: at(0), reason: 'conflict' },
      });
  });

  it('moves nobody back, and nobody who declined', () => {
    given(calendars, accepted('m-1', at(0), '7'))
      .when(move('m-1', at(1), '5'))
      .refused('meeting.already_moved');
    given(calendars)
      .when(move('m-1', at(1), '5'))
      .refused('meeting.already_moved');
  });
});

it('is never booked twice, whatever is asked in whatever order', () => {
  const meetingId = fc.integer({ min: 0, max: 7 }).map((n) => `m-${n}`);
  const time = fc
    .tuple(fc.integer({ min: -400, max: 400 }), fc.integer({ min: 1, max: 300 }), fc.nat(120), fc.nat(120))
    .map(([start, length, before, after]) => at(start / 2, length / 2, before, after));
  const command: fc.Arbitrary<CalendarCommand> = fc.oneof(
    fc.tuple(meetingId, time).map(([id, when]) => book(id, when)),
    fc.tuple(meetingId, time, fc.nat(9)).map(([id, when, booking]) => accept(id, when, String(booking))),
    fc.tuple(meetingId, time).map(([id, { startDate, endDate }]) => change(id, { startDate, endDate })),
    meetingId.map((id) => ({ type: 'CancelBooking', ...of(id) }) as const),
    meetingId.map((id) => ({ type: 'DeclineInvitation', ...of(id) }) as const),
    meetingId.map((id) => ({ type: 'ReleaseBooking', ...of(id) }) as const),
    fc
      .tuple(meetingId, time, fc.nat(9))
      .map(([id, when, booking]) => ({ ...accept(id, when, String(booking)), type: 'MoveBooking' }) as const),
  );
  fc.assert(
    fc.property(fc.array(command, { maxLength: 30 }), (commands) => {
      let state: Calendar = calendars.initial;
      // What a reader keeps who knows nothing but what each event takes and frees.
      const told = new Map<string, BookedTime>();
      for (const one of commands) {
        let events: readonly CalendarEvent[] = [];
        const refused = codeOf(() => (events = calendars.decide(one, state, alice)));
        expect(refused).toMatch(/^(not refused|meeting[.](conflict|unknown|own|already_\w+)|protocol.invalid)$/);
        for (const event of events) {
          const { data } = event;
          const before = told.get(data.meetingId);
          expect('was' in data ? data.was : undefined).toEqual(before);
          if ('time' in data) told.set(data.meetingId, data.time);
          else told.delete(data.meetingId);
          state = calendars.evolve(state, event);
        }
        const times = [...told.values()].toSorted((a, b) => a.busyFrom - b.busyFrom);
        times
          .slice(1)
          .forEach(({ busyFrom }, index) => expect(busyFrom).toBeGreaterThanOrEqual(times[index]?.busyUntil ?? 0));
        for (const [id, when] of told) expect(bookingOf(state, id)?.time).toEqual(when);
      }
    }),
    { numRuns: 500 },
  );
});

describe('events of a calendar', () => {
  const time = { startDate: 1_000, endDate: 2_000, busyFrom: 1_000, busyUntil: 62_000, zone: 'Europe/Paris' };
  const was = { startDate: 0, endDate: 500, busyFrom: 0, busyUntil: 500, zone: '+05:45' };
  golden(calendars, {
    MeetingBooked: [
      {
        schema: 1,
        stored: { ...of('m-1'), time, details: { ...details, color: { ...black } }, invitedUserIds: ['bob'] },
      },
    ],
    BookingChanged: [{ schema: 1, stored: { ...of('m-1'), was, time, patch: { subject: 'New', sourceIds: ['r-2'] } } }],
    BookingCancelled: [{ schema: 1, stored: { ...of('m-1'), was } }],
    InvitationAccepted: [{ schema: 1, stored: { ...of('m-1'), booking: '12', time, was } }],
    InvitationDeclined: [{ schema: 1, stored: { ...of('m-1'), was } }],
    BookingMoved: [{ schema: 1, stored: { ...of('m-1'), booking: '13', was, time } }],
    BookingReleased: [{ schema: 1, stored: { ...of('m-1'), booking: '13', was, reason: 'conflict' } }],
  });
});
