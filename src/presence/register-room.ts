import type { Session } from '../identity/session.js';
import type { PreparedEvent, PresenceLog } from './presence-log.js';
import { personOf, type LeaveReason, type PresenceEvent } from './presence.js';

/** Who entered; only its identity counts. */
export type Tab = object;

export type Who = Pick<Session, 'userId' | 'profile' | 'anonymous'>;
export type Identity = Pick<Session, 'userId' | 'anonymous'>;

/** Someone the log has in a room on this node. */
export interface RecordedPerson extends Who {
  readonly room: string;
  readonly world: string;
}

export interface Person {
  readonly who: Who;
  /** What should be: in the room for as long as this is not empty. */
  readonly tabs: Set<Tab>;
  /** What the log says. */
  recorded: boolean;
  /** No append can take the profile. */
  bare: boolean;
  /** Why the last tab went. */
  reason: LeaveReason;
  /** Told when the log says what should be. */
  readonly waiting: (() => void)[];
}

export interface Room {
  readonly id: string;
  readonly world: string;
  readonly log: PresenceLog;
  /** By `personKey`. */
  readonly people: Map<string, Person>;
  /** Those for whom what should be and what is recorded may differ. */
  readonly due: Set<string>;
  /** Events in one append; fewer after one was refused. */
  most: number;
  /** Another node wrote to the stream. */
  stale: boolean;
  /** Sent, and not known to be in the log or never to be. */
  pending: readonly PreparedEvent[];
  /** Position of the last event known of the stream. */
  position: bigint;
  work?: Promise<void>;
}

/** That someone is no longer in the room by this node. */
export function leaving(roomId: string, who: Identity, node: string, reason: LeaveReason): PresenceEvent {
  return { type: 'ViewerLeft', data: { roomId, userId: who.userId, node, reason, ...markOf(who) } };
}

/** That someone is in the room by this node. */
export function entering(roomId: string, who: Who, node: string): PresenceEvent {
  return { type: 'ViewerEntered', data: { roomId, userId: who.userId, node, profile: who.profile, ...markOf(who) } };
}

const markOf = ({ anonymous }: Identity): { readonly anonymous?: true } => (anonymous ? { anonymous: true } : {});

/** Someone who is about to enter. */
export const personFrom = (who: Who): Person => ({
  who,
  tabs: new Set(),
  recorded: false,
  bare: false,
  reason: 'left',
  waiting: [],
});

/**
 * After an append that was refused for what is in it: half of it next time, in the end one person without a profile, so
 * that one does not lock out the others. False when nothing is left to try.
 */
export function makeSmaller(room: Room, error: unknown): boolean {
  const { pending, people } = room;
  const [first] = pending;
  const person = first && people.get(personOf(first.data));
  if (pending.length > 1) room.most = Math.floor(pending.length / 2);
  else if (person && !person.bare && error instanceof Error && error.name === 'EventTooLarge') person.bare = true;
  else return false;
  room.pending = [];
  return true;
}
