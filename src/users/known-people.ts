import { hash, randomUUID } from 'node:crypto';
import type { CommandContext } from '../eventsourcing/decider.js';
import type { CommandLoop } from '../eventsourcing/handle.js';
import { Lru } from '../eventsourcing/lru.js';
import { Refused } from '../eventsourcing/refused.js';
import type { Session } from '../identity/session.js';
import type { People } from '../identity/sign-in.js';
import { profileOf, said, saysMore, userKey, users, type UserProfile } from './users.js';

const rememberedPeople = 10_000;

/** Keeps what the newest token of each person says. */
export class KnownPeople implements People {
  /** What was last recorded of whom: most sign-ins say nothing new, and need no look at the stream. */
  private readonly recorded = new Lru<string, number>(rememberedPeople);

  /**
   * The loop should be one of its own, with a small cache: people are many, and each is looked at once.
   * `live` resolves when this process has read a position in the log.
   */
  constructor(
    private readonly loop: Pick<CommandLoop, 'handle' | 'momentOf'>,
    private readonly live: { reached(position: bigint): Promise<void> | undefined },
  ) {}

  async record({ world, userId, ...rest }: Session): Promise<void> {
    const profile = profileOf(rest);
    const key = userKey(world, userId);
    const digest = digestOf(profile);
    if (this.recorded.get(key) === digest) return;
    const { state, position } = await this.loop.momentOf(users, key);
    const isNews = !state.recorded || saysMore(state.recorded, profile);
    await this.live.reached(isNews ? await this.append(world, userId, profile) : position);
    this.recorded.set(key, digest);
  }

  /** What the newest token of a person says. */
  async find(world: string, userId: string): Promise<UserProfile | undefined> {
    return (await this.loop.momentOf(users, userKey(world, userId))).state.recorded;
  }

  /** Its position; where another sign-in of the person was first, that one's. */
  private async append(world: string, userId: string, profile: UserProfile): Promise<bigint> {
    // A new id each time: what was said before, and is said again, is no resend.
    const commandId = randomUUID();
    const context: CommandContext = {
      commandId,
      action: 'user.record',
      correlationId: commandId,
      causationId: commandId,
      actorId: 'convoke',
      world,
      now: new Date().toISOString(),
    };
    try {
      return (await this.loop.handle(users, { type: 'RecordUserProfile', userId, ...profile }, context)).position;
    } catch (error) {
      if (!(error instanceof Refused && error.code === 'user.unchanged')) throw error;
      return (await this.loop.momentOf(users, userKey(world, userId))).position;
    }
  }
}

/** 48 bits in a number: the smallest thing that tells two profiles of one person apart, kept for thousands of people. */
const digestOf = (profile: UserProfile): number => Number.parseInt(hash('sha256', said(profile)).slice(0, 12), 16);
