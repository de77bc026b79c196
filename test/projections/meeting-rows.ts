import type { UserMeetingRow } from '../../projections/user-meetings.js';
import { roomOf, type Meeting } from '../../src/meetings/meetings.js';

/** What a row says, as `rowsOf` puts it. */
export const shown = (row: UserMeetingRow): object => ({
  user: row.user,
  status: row.status,
  participants: row.participants,
  plan: {
    subject: row.subject,
    ...(row.place === 0 && { description: row.description, color: row.color }),
    sourceType: row.source_type,
    sourceIds: row.source_ids,
    startDate: row.start,
    endDate: row.end,
  },
  room: row.room,
  is_valid: row.is_valid,
  deleted: row.deleted,
});

/** What the rows of a meeting should say of it. */
export function rowsOf(meeting: Meeting): [string, object][] {
  if (meeting.status === 'none') return [];
  const { meetingId, organizerId, invited, plan: said, isValid, status } = meeting;
  const people = [{ userId: organizerId, status: 'accepted' }, ...invited];
  const { description, color, ...slim } = said;
  const all = { room: roomOf(said) ?? null, is_valid: isValid, deleted: status === 'deleted' };
  return people.map(({ userId: user, status: answer }, place) => [
    `${meetingId}/${user}`,
    {
      user,
      status: answer,
      participants: place === 0 ? invited.map((one) => ({ user: one.userId, status: one.status })) : undefined,
      plan: { ...slim, ...(place === 0 && { description, color }) },
      ...all,
    },
  ]);
}
