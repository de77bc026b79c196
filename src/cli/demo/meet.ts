import type { Cast } from './live.js';
import { heard } from './live.js';
import type { Show } from './show.js';

type Slots = { readonly availableTimeSlots: readonly { readonly startDate: string; readonly endDate: string }[] };
type Created = { readonly meeting: { readonly meetingId: string; readonly startDate: string } };

const atOnce = 20;
const tomorrow = (): number => Date.now() + 24 * 60 * 60 * 1_000;

/** Two attendees meet the moderator: a slot that suits all three is offered, booked once, and offered no more. */
export async function meet(show: Show, { moderator, attendees }: Cast): Promise<void> {
  show.scene('Meet', `a slot that suits three people is booked ${atOnce} times at once`);
  const guests = attendees.slice(0, 2);
  const users = [moderator, ...guests].map(({ name }) => ({ roomful: name }));
  const asked = { users, localDate: tomorrow(), slotLength: 30, bufferAfter: 10 };
  const { availableTimeSlots: offered } = await moderator.client.call<Slots>('meeting:getTimeSlotsForMeeting', asked);
  const [slot] = offered;
  if (!slot) throw new Error('nobody has time');
  show.line(`${offered.length} slots of half an hour tomorrow, the first at ${slot.startDate}`);

  const meeting = {
    ...slot,
    sourceType: 'direct',
    sourceIds: [guests[0]?.name],
    subject: 'Mentoring',
    bufferAfter: 10,
    invitedUserIds: guests.map(({ name }) => name),
  };
  const told = heard(guests, ({ name }) => name === 'meeting:onMeetingCreated');
  const answers = await Promise.allSettled(
    Array.from({ length: atOnce }, () => moderator.command<Created>('meeting:createMeeting', meeting)),
  );
  const [booked, ...more] = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  show.expect(booked !== undefined && more.length === 0, `one of ${atOnce} bookings won`, `${more.length + 1} did`);
  const heardOf = (await told).length;
  show.expect(heardOf === guests.length, 'both guests were told of it', `${heardOf} were`);

  const meetingId = booked?.meeting.meetingId;
  await Promise.all(guests.map((guest) => guest.command('meeting:acceptMeetingRequest', { meetingId })));
  const after = await moderator.client.call<Slots>('meeting:getTimeSlotsForMeeting', asked);
  const again = after.availableTimeSlots.some(({ startDate }) => startDate === slot.startDate);
  show.expect(!again, 'the slot is offered no more');
}
