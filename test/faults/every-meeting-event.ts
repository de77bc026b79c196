import { availability } from '../../src/availability/availability.js';
import type { CommandContext } from '../../src/eventsourcing/decider.js';
import type { CommandLoop } from '../../src/eventsourcing/handle.js';
import { Bookings } from '../../src/meetings/bookings.js';
import { black } from '../../src/meetings/meeting-fields.js';
import { meetings } from '../../src/meetings/meetings.js';

const hour = 3_600_000;

/** Writes at least one event of each type of meetings, calendars and availability. */
export async function writeEveryMeetingEvent(
  loop: CommandLoop,
  as: (action: string, over?: Partial<CommandContext>) => CommandContext,
): Promise<void> {
  const bookings = new Bookings(loop, 'reject');
  const by = (actorId: string, action: string) => ({ context: as(action, { actorId }), onlyResend: false });
  const create = async (actorId: string, start: number, invitedUserIds: readonly string[]): Promise<string> => {
    const times = { startDate: start * hour, endDate: (start + 1) * hour };
    const plan = {
      sourceType: 'room',
      sourceIds: ['r-1'],
      subject: 'Talk',
      description: '',
      color: black,
      ...times,
    } as const;
    const made = { plan, invitedUserIds, bufferBefore: 0, bufferAfter: 0 };
    return (await bookings.create(made, by(actorId, 'meeting:createMeeting'))).meeting.meetingId;
  };
  const move = (meetingId: string, start: number): Promise<unknown> => {
    const times = { startDate: start * hour, endDate: (start + 1) * hour };
    return bookings.update(meetingId, () => times, by('ann', 'meeting:updateMeeting'));
  };
  const meeting = await create('ann', 9, ['bob', 'cem']);
  const other = await create('bob', 14, []);
  await bookings.accept(meeting, by('bob', 'meeting:acceptMeetingRequest'));
  await bookings.decline(meeting, by('cem', 'meeting:declineMeetingRequest'));
  await move(meeting, 10);
  await move(meeting, 14);
  await loop.handle(meetings, { type: 'InvalidateMeeting', meetingId: meeting, roomId: 'r-1' }, as('room.delete'));
  await bookings.delete(meeting, by('ann', 'meeting:deleteMeeting'));
  await bookings.delete(other, by('bob', 'meeting:deleteMeeting'));
  const localDate = '2027-03-28T00:00:00+01:00';
  const rule = { type: 'SetUserAvailability', availability: { status: 'NotAvailable' }, localDate } as const;
  await loop.handle(availability, rule, as('meeting:setUserAvailability'));
  const weekly = { ...rule, availability: { ...rule.availability, repetition: 62 } } as const;
  await loop.handle(availability, weekly, as('meeting:setUserAvailability'));
}
