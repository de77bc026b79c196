import { userSimple, type UserSimple } from '../users/user-simple.js';
import type { JsonObject } from '../eventsourcing/events.js';
import { sourceString, type Color, type SourceType } from './meeting-fields.js';
import { participantIds, roomOf, type Answer, type Invited, type PlannedMeeting } from './meetings.js';

/** A meeting as it is shown, from its stream or from the read model. */
export type KnownMeeting = Pick<
  PlannedMeeting,
  'meetingId' | 'world' | 'organizerId' | 'plan' | 'isValid' | 'created' | 'updated'
> & { readonly invited: readonly Pick<Invited, 'userId' | 'status'>[] };

/** Source: seed 004. */
export interface MeetingView {
  readonly meetingId: string;
  readonly created: Date;
  readonly subject: string;
  readonly description: string;
  readonly color: Color;
  readonly isValid: boolean;
  readonly organizerId: string;
  readonly participantIds: readonly string[];
  readonly sourceString: string;
  readonly sourceType: SourceType;
  readonly sourcePk: string;
  readonly networkId: string;
  readonly startDate: Date;
  readonly endDate: Date;
}

/** In a person's list, with what that person answered. */
export type UserMeetingView = { readonly userId: string; readonly status: Answer } & MeetingView;

/** What the deprecated endpoints show. Source: seed 004. */
export interface OldMeetingView {
  readonly id: string;
  readonly created: Date;
  readonly updated: Date;
  readonly startDate: Date;
  readonly endDate: Date;
  readonly subject: string;
  /** `''` where there is none, as with `propId`. */
  readonly roomId: string;
  readonly propId: string;
  readonly color: Color;
  readonly isValid: boolean;
  readonly room: { readonly id: string; readonly title: string; readonly thumbnail: null } | null;
  readonly prop: { readonly id: string; readonly title: string } | null;
  readonly organizer: UserSimple;
  /** Without the organizer. */
  readonly invitedUsers: readonly { readonly user: UserSimple; readonly status: Answer }[];
}

/** What else an old view says, by id; empty where it is not known. */
export interface Named {
  readonly roomTitle: (room: string) => string;
  readonly profile: (user: string) => JsonObject;
}

export function meetingView(meeting: KnownMeeting): MeetingView {
  const { meetingId, world, organizerId, isValid, plan } = meeting;
  const { subject, description, color, sourceType, sourceIds } = plan;
  return {
    meetingId,
    created: new Date(meeting.created),
    subject,
    description,
    color,
    isValid,
    organizerId,
    participantIds: participantIds(meeting),
    sourceString: sourceString(sourceIds),
    sourceType,
    sourcePk: sourceIds[0] ?? '',
    networkId: world,
    startDate: new Date(plan.startDate),
    endDate: new Date(plan.endDate),
  };
}

export function oldMeetingView(meeting: KnownMeeting, { roomTitle, profile }: Named): OldMeetingView {
  const { meetingId: id, organizerId, isValid, plan, invited } = meeting;
  const { subject, color, sourceType, sourceIds } = plan;
  const roomId = roomOf(plan) ?? '';
  const propId = (sourceType === 'prop' && sourceIds[1]) || '';
  const person = (userId: string): UserSimple => userSimple(userId, profile(userId));
  return {
    id,
    created: new Date(meeting.created),
    updated: new Date(meeting.updated),
    startDate: new Date(plan.startDate),
    endDate: new Date(plan.endDate),
    subject,
    roomId,
    propId,
    color,
    isValid,
    room: roomId === '' ? null : { id: roomId, title: roomTitle(roomId), thumbnail: null },
    // Props are not kept here: only their ids are known.
    prop: propId === '' ? null : { id: propId, title: '' },
    organizer: person(organizerId),
    invitedUsers: invited.map(({ userId, status }) => ({ user: person(userId), status })),
  };
}
