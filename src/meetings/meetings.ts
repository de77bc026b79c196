import { assertNever, type Decider } from '../eventsourcing/decider.js';
import { Refused } from '../eventsourcing/refused.js';
import type { MeetingDetails } from './calendar.events.js';

/** Source: seed 004. */
export type Answer = 'accepted' | 'received' | 'declined';

/** What the organizer says of a meeting: what it is about, and when, in epoch milliseconds. */
export type MeetingPlan = MeetingDetails & { readonly startDate: number; readonly endDate: number };

/** Minutes that are busy beside the meeting itself. */
export type MeetingBuffers = { readonly bufferBefore: number; readonly bufferAfter: number };

/** In every event: `users` are all who may know the meeting, the organizer first. */
type OfMeeting = { readonly meetingId: string; readonly users: readonly string[] };
/** `answer` is the revision, in decimal, of that user's calendar that says so. */
type OfAnswer = OfMeeting & { readonly userId: string; readonly answer: string };

/** `booking` is the revision, in decimal, of the organizer's calendar that decided it. */
export type MeetingEvent =
  | {
      type: 'MeetingCreated';
      data: OfMeeting & {
        world: string;
        organizerId: string;
        booking: string;
        created: string;
        plan: MeetingPlan;
        buffers: MeetingBuffers;
      };
    }
  | { type: 'MeetingUpdated'; data: OfMeeting & { booking: string; updated: string; patch: Partial<MeetingPlan> } }
  | { type: 'MeetingDeleted'; data: OfMeeting }
  | { type: 'MeetingAccepted'; data: OfAnswer & { booking: string } }
  | { type: 'MeetingDeclined'; data: OfAnswer }
  /** The meeting moved onto busy time of someone who had accepted. */
  | { type: 'MeetingAcceptanceWithdrawn'; data: OfAnswer }
  | { type: 'MeetingInvalidated'; data: OfMeeting & { roomId: string } };

interface OnMeeting {
  readonly meetingId: string;
}

/** Each follows an event of a calendar; InvalidateMeeting the deletion of a room. */
export type MeetingCommand =
  | (OnMeeting & {
      readonly type: 'OpenMeeting';
      readonly organizerId: string;
      readonly invitedUserIds: readonly string[];
      readonly booking: string;
      readonly created: string;
      readonly plan: MeetingPlan;
      readonly buffers: MeetingBuffers;
    })
  | (OnMeeting & {
      readonly type: 'ReviseMeeting';
      readonly booking: string;
      readonly updated: string;
      readonly patch: Partial<MeetingPlan>;
    })
  | (OnMeeting & { readonly type: 'CloseMeeting' })
  | (OnMeeting & {
      readonly type: 'NoteAnswer';
      readonly userId: string;
      readonly answer: string;
      readonly said:
        { readonly status: 'accepted'; readonly booking: string } | { readonly status: 'declined' | 'received' };
    })
  | (OnMeeting & { readonly type: 'InvalidateMeeting'; readonly roomId: string });

export interface Invited {
  readonly userId: string;
  readonly status: Answer;
  /** Revision of the person's calendar that said so last; -1n before the first answer. */
  readonly answer: bigint;
}

export interface PlannedMeeting {
  readonly status: 'planned' | 'deleted';
  readonly world: string;
  readonly meetingId: string;
  readonly organizerId: string;
  readonly users: readonly string[];
  readonly invited: readonly Invited[];
  readonly plan: MeetingPlan;
  readonly buffers: MeetingBuffers;
  /** Revision of the organizer's calendar that set the time. */
  readonly booking: string;
  /** Which revision of the organizer's calendar said each field last. */
  readonly said: { readonly [field in keyof MeetingPlan]?: bigint };
  /** False once the room it is in was deleted. */
  readonly isValid: boolean;
  /** RFC 3339: when the organizer decided it first, and last. */
  readonly created: string;
  readonly updated: string;
}

export type Meeting = { readonly status: 'none' } | PlannedMeeting;

/**
 * One meeting. Nothing is refused here that a calendar has allowed: its time and the answers are decided on the calendars
 * (calendar.ts), and this stream follows. Follow-ups can come late and out of order; what is older than what is known
 * changes nothing. Source: wire contract, section 5.
 */
export const meetings: Decider<Meeting, MeetingCommand, MeetingEvent> = {
  category: 'meeting',
  events: {
    MeetingCreated: { schema: 1 },
    MeetingUpdated: { schema: 1 },
    MeetingDeleted: { schema: 1 },
    MeetingAccepted: { schema: 1 },
    MeetingDeclined: { schema: 1 },
    MeetingAcceptanceWithdrawn: { schema: 1 },
    MeetingInvalidated: { schema: 1 },
  },
  initial: { status: 'none' },
  streamOf: ({ meetingId }) => meetingId,
  evolve: (state, event) => {
    if (event.type === 'MeetingCreated') {
      const { world, meetingId, users, organizerId, booking, created, plan, buffers } = event.data;
      const invited = users.slice(1).map((userId) => ({ userId, status: 'received' as const, answer: -1n }));
      const known = { world, meetingId, users, organizerId, booking, created, plan, buffers, invited };
      return { ...known, status: 'planned', updated: created, said: {}, isValid: true };
    }
    if (state.status === 'none') return state;
    switch (event.type) {
      case 'MeetingUpdated': {
        const { patch, booking, updated } = event.data;
        const said = Object.fromEntries(Object.keys(patch).map((field) => [field, BigInt(booking)]));
        return {
          ...state,
          updated,
          plan: { ...state.plan, ...patch },
          said: { ...state.said, ...said },
          booking: patch.startDate === undefined ? state.booking : booking,
          // Another room may be there.
          isValid: state.isValid || roomOf({ ...state.plan, ...patch }) !== roomOf(state.plan),
        };
      }
      case 'MeetingDeleted':
        return { ...state, status: 'deleted' };
      case 'MeetingAccepted':
        return answered(state, event.data, 'accepted');
      case 'MeetingDeclined':
        return answered(state, event.data, 'declined');
      case 'MeetingAcceptanceWithdrawn':
        return answered(state, event.data, 'received');
      case 'MeetingInvalidated':
        return { ...state, isValid: false };
      default:
        return assertNever(event);
    }
  },
  decide: (command, state, { world }) => {
    const { meetingId } = command;
    if (command.type === 'OpenMeeting') {
      const { organizerId, invitedUserIds, booking, created, plan, buffers } = command;
      if (state.status !== 'none') throw new Refused('meeting.already_created');
      const users = [...new Set([organizerId, ...invitedUserIds])];
      return [
        { type: 'MeetingCreated', data: { world, meetingId, users, organizerId, booking, created, plan, buffers } },
      ];
    }
    if (state.status !== 'planned') throw new Refused('meeting.unknown');
    const { users } = state;
    switch (command.type) {
      case 'ReviseMeeting': {
        const { booking, updated } = command;
        const patch = newest(state, command.patch, BigInt(booking));
        return [{ type: 'MeetingUpdated', data: { meetingId, users, booking, updated, patch } }];
      }
      case 'CloseMeeting':
        return [{ type: 'MeetingDeleted', data: { meetingId, users } }];
      case 'NoteAnswer': {
        const { userId, answer, said } = command;
        const before = state.invited.find((one) => one.userId === userId);
        if (!before || BigInt(answer) <= before.answer) throw new Refused('meeting.already_answered');
        const data = { meetingId, users, userId, answer };
        if (said.status === 'accepted') return [{ type: 'MeetingAccepted', data: { ...data, booking: said.booking } }];
        return [{ type: said.status === 'declined' ? 'MeetingDeclined' : 'MeetingAcceptanceWithdrawn', data }];
      }
      case 'InvalidateMeeting': {
        const { roomId } = command;
        if (!state.isValid || roomOf(state.plan) !== roomId) throw new Refused('meeting.already_invalid');
        return [{ type: 'MeetingInvalidated', data: { meetingId, users, roomId } }];
      }
      default:
        return assertNever(command);
    }
  },
};

/** The room a meeting is in, if it is in one. */
export function roomOf({
  sourceType,
  sourceIds,
}: Pick<MeetingDetails, 'sourceType' | 'sourceIds'>): string | undefined {
  return sourceType === 'room' || sourceType === 'prop' ? sourceIds[0] : undefined;
}

/** The organizer and all invited who have not declined. */
export function participantIds({
  organizerId,
  invited,
}: Pick<PlannedMeeting, 'organizerId'> & {
  readonly invited: readonly Pick<Invited, 'userId' | 'status'>[];
}): string[] {
  return [organizerId, ...invited.filter(({ status }) => status !== 'declined').map(({ userId }) => userId)];
}

function answered(
  state: PlannedMeeting,
  { userId, answer }: { readonly userId: string; readonly answer: string },
  status: Answer,
): PlannedMeeting {
  const invited = state.invited.map((one) =>
    one.userId === userId ? { userId, status, answer: BigInt(answer) } : one,
  );
  return { ...state, invited };
}

/** The fields that no later decision of the organizer has said already. */
function newest({ said }: PlannedMeeting, patch: Partial<MeetingPlan>, booking: bigint): Partial<MeetingPlan> {
  const isNewer = ([field]: [string, unknown]): boolean => booking > (said[field as keyof MeetingPlan] ?? -1n);
  return Object.fromEntries(Object.entries(patch).filter(isNewer));
}
