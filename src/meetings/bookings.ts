import type { Execution } from '../eventsourcing/execution.js';
import { NotResent, type CommandLoop, type Outcome } from '../eventsourcing/handle.js';
import { aggregateId } from '../eventsourcing/ids.js';
import { Refused } from '../eventsourcing/refused.js';
import type { CalendarEvent } from './calendar.events.js';
import {
  bookedTime,
  calendarOf,
  calendars,
  requireLength,
  type Calendar,
  type CalendarCommand,
  type Conflicts,
} from './calendar.js';
import { followCalendar } from './meetings.policy.js';
import { meetings, type Meeting, type MeetingBuffers, type MeetingPlan, type PlannedMeeting } from './meetings.js';

/** What a command did to a meeting; `meeting` is as it was right after it, also for a resend. */
export interface MeetingChanged {
  readonly position: bigint;
  readonly meeting: PlannedMeeting;
}

export interface NewMeeting extends MeetingBuffers {
  readonly plan: MeetingPlan;
  readonly invitedUserIds: readonly string[];
}

/** What changes in a meeting that is planned like this. */
export type MeetingChange = (plan: MeetingPlan) => Partial<MeetingPlan>;

/**
 * What people do with meetings: decided on the caller's own calendar first, then on the meeting's stream. Where a crash
 * came between the two, a resend finishes what was begun.
 */
export class Bookings {
  constructor(
    private readonly loop: CommandLoop,
    private readonly conflicts: Conflicts,
  ) {}

  /** @throws Refused meeting.conflict, protocol.invalid */
  async create(
    { plan, bufferBefore, bufferAfter, invitedUserIds }: NewMeeting,
    by: Execution,
  ): Promise<MeetingChanged> {
    const { actorId: userId } = by.context;
    const meetingId = aggregateId(by.context);
    const { startDate, endDate, ...details } = plan;
    requireLength(startDate, endDate);
    const time = { ...bookedTime(startDate, endDate, bufferBefore, bufferAfter), zone: zoneOf(by) };
    const { conflicts } = this;
    const book = { type: 'BookMeeting', userId, meetingId, time, details, invitedUserIds, conflicts } as const;
    return this.followed(await this.loop.handle(calendars, book, by.context, { onlyResend: by.onlyResend }));
  }

  /** @throws Refused meeting.unknown, protocol.denied, meeting.conflict, protocol.invalid */
  async update(meetingId: string, change: MeetingChange, by: Execution): Promise<MeetingChanged> {
    return this.once(by, async () => {
      const { plan } = await this.requireOwn(meetingId, by);
      const { startDate, endDate, ...patch } = change(plan);
      const times = { ...(startDate !== undefined && { startDate }), ...(endDate !== undefined && { endDate }) };
      const { conflicts } = this;
      const of = { userId: by.context.actorId, meetingId, zone: zoneOf(by), conflicts };
      return { type: 'ChangeBooking', ...of, patch, ...times };
    });
  }

  /** @throws Refused meeting.unknown, protocol.denied */
  async delete(meetingId: string, by: Execution): Promise<MeetingChanged> {
    return this.once(by, async () => {
      await this.requireOwn(meetingId, by);
      return { type: 'CancelBooking', userId: by.context.actorId, meetingId };
    });
  }

  /** @throws Refused meeting.unknown, meeting.own, meeting.conflict */
  async accept(meetingId: string, by: Execution): Promise<MeetingChanged> {
    return this.once(by, async () => {
      const { booking, plan, buffers } = await this.requireInvited(meetingId, by);
      const planned = bookedTime(plan.startDate, plan.endDate, buffers.bufferBefore, buffers.bufferAfter);
      const time = { ...planned, zone: zoneOf(by) };
      const { conflicts } = this;
      return { type: 'AcceptInvitation', userId: by.context.actorId, meetingId, booking, time, conflicts };
    });
  }

  /** @throws Refused meeting.unknown, meeting.own */
  async decline(meetingId: string, by: Execution): Promise<MeetingChanged> {
    return this.once(by, async () => {
      await this.requireInvited(meetingId, by);
      return { type: 'DeclineInvitation', userId: by.context.actorId, meetingId };
    });
  }

  /** The caller's own calendar remembers what was asked, so a resend is known before anything else is looked at. */
  private async once(
    { context, onlyResend }: Execution,
    command: () => Promise<CalendarCommand>,
  ): Promise<MeetingChanged> {
    const own = calendarOf(context.world, context.actorId);
    const first = await this.loop.resent(calendars, own, context);
    if (first) return this.followed(first);
    if (onlyResend) throw new NotResent();
    return this.followed(await this.loop.handle(calendars, await command(), context));
  }

  private async followed(decided: Outcome<Calendar, CalendarEvent>): Promise<MeetingChanged> {
    const event = decided.events.at(-1);
    if (!event) throw new Error('a calendar decided nothing');
    try {
      const { position, meeting } = await followCalendar(this.loop, event, this.conflicts);
      return changed({ position, state: meeting ?? { status: 'none' } });
    } catch (error) {
      // A later answer of the same person was quicker: this one has had its turn.
      if (!(error instanceof Refused && error.code === 'meeting.already_answered')) throw error;
      return changed(await this.loop.momentOf(meetings, event.data.meetingId));
    }
  }

  /** @throws Refused meeting.unknown */
  private async requireVisible(meetingId: string, { context }: Execution): Promise<PlannedMeeting> {
    const meeting = await this.loop.stateOf(meetings, meetingId);
    const known = meeting.status === 'planned' && meeting.world === context.world;
    if (!known || !meeting.users.includes(context.actorId)) throw new Refused('meeting.unknown');
    return meeting;
  }

  private async requireOwn(meetingId: string, by: Execution): Promise<PlannedMeeting> {
    const meeting = await this.requireVisible(meetingId, by);
    if (meeting.organizerId === by.context.actorId) return meeting;
    throw new Refused('protocol.denied', 'Only the organizer can do this.');
  }

  private async requireInvited(meetingId: string, by: Execution): Promise<PlannedMeeting> {
    const meeting = await this.requireVisible(meetingId, by);
    if (meeting.organizerId === by.context.actorId) throw new Refused('meeting.own');
    return meeting;
  }
}

function changed({ position, state }: { readonly position: bigint; readonly state: Meeting }): MeetingChanged {
  if (state.status === 'none') throw new Error('a meeting was followed that is not there');
  return { position, meeting: state };
}

/** Only says under which local days the time is filed: a reader looks at the days around, too. */
const zoneOf = ({ zoneinfo }: Execution): string => zoneinfo ?? 'UTC';
