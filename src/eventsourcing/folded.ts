import type { ExpectedRevision } from '../event-store/event-store.js';
import type { CommandContext, Decider } from './decider.js';
import type { DomainEvent } from './events.js';

/** A stream's state right after the event at `revision` (-1n: empty). */
export interface Moment<State> {
  readonly state: State;
  readonly revision: bigint;
  readonly position: bigint;
}

/** A stream folded up to `revision`. */
export interface Folded<State> extends Moment<State> {
  readonly hash: string;
  /** What each (world, actor, command id) of this stream did: the memory that makes commands idempotent. */
  readonly commands: Map<string, { readonly action: string; readonly first: bigint; readonly revision: bigint }>;
  /** The last moments, one event apart, up to this one: replies and resends look back a little, and folding anew is slow. */
  readonly recent: Moment<State>[];
}

const recentMoments = 32;

/** Whose command it is. The world counts: elsewhere the same user id is another person. The length keeps two pairs from reading alike. */
export const commandKey = ({
  world,
  actorId,
  commandId,
}: Pick<CommandContext, 'world' | 'actorId' | 'commandId'>): string =>
  `${world} ${actorId.length} ${actorId} ${commandId}`;

export function empty<S, C, E extends DomainEvent>(decider: Decider<S, C, E>): Folded<S> {
  return { state: decider.initial, revision: -1n, position: -1n, hash: '', commands: new Map(), recent: [] };
}

/** Keeps at least the last `recentMoments`; dropping them one by one would copy the list each time. */
export function remember<S>(recent: Moment<S>[], moment: Moment<S>): void {
  recent.push(moment);
  if (recent.length > 2 * recentMoments) recent.splice(0, recentMoments);
}

export function revisionOf(folded: { readonly revision: bigint }): ExpectedRevision {
  return folded.revision < 0n ? 'no_stream' : folded.revision;
}
