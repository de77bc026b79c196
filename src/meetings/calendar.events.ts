import type { Color, SourceType } from './meeting-fields.js';

/** When a meeting takes a person's time, in epoch milliseconds. Its buffers are part of the busy time. */
export type BookedTime = {
  readonly startDate: number;
  readonly endDate: number;
  /** startDate less the buffer before. */
  readonly busyFrom: number;
  /** endDate plus the buffer after. */
  readonly busyUntil: number;
  /** The person's zone when it was decided, in which the local days of the busy time are counted. */
  readonly zone: string;
};

/** What an organizer says of a meeting, beside its time. */
export type MeetingDetails = {
  readonly sourceType: SourceType;
  readonly sourceIds: readonly string[];
  readonly subject: string;
  readonly description: string;
  readonly color: Color;
};

/**
 * What is decided on a person's calendar: the person's own meetings and answers to invitations. Each event says what time
 * it takes and what time it frees. `booking` is the revision, in decimal, of the organizer's calendar that set the time.
 */
export type CalendarEvent =
  | {
      type: 'MeetingBooked';
      data: {
        userId: string;
        meetingId: string;
        time: BookedTime;
        details: MeetingDetails;
        invitedUserIds: readonly string[];
      };
    }
  | {
      type: 'BookingChanged';
      data: {
        userId: string;
        meetingId: string;
        was: BookedTime;
        time: BookedTime;
        /** Only what the organizer named. */
        patch: Partial<MeetingDetails>;
      };
    }
  | { type: 'BookingCancelled'; data: { userId: string; meetingId: string; was: BookedTime } }
  | {
      type: 'InvitationAccepted';
      data: { userId: string; meetingId: string; booking: string; time: BookedTime; was?: BookedTime };
    }
  | { type: 'InvitationDeclined'; data: { userId: string; meetingId: string; was?: BookedTime } }
  /** Follows a meeting that the person accepted to another time. */
  | {
      type: 'BookingMoved';
      data: { userId: string; meetingId: string; booking: string; was: BookedTime; time: BookedTime };
    }
  /** The meeting moved onto busy time of the person, or is no more. */
  | {
      type: 'BookingReleased';
      data: { userId: string; meetingId: string; booking: string; was: BookedTime; reason: 'conflict' | 'deleted' };
    };
