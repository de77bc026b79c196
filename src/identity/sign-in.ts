import { Refused } from '../eventsourcing/refused.js';
import type { CommandLoop } from '../eventsourcing/handle.js';
import { Must, Optional, Text } from '../eventsourcing/validation.js';
import type { AccessFacts } from './access.js';
import { defaultTraitGrants } from './roles.js';
import type { Session } from './session.js';
import type { Tokens } from './tokens.js';
import { worlds } from './worlds.js';

/** `authenticate {token}` or `{client_id, invite_token?}`; a token goes first. */
export class SignIn {
  readonly type = 'SignIn' as const;
  @Optional() @Must('a text', (value) => typeof value === 'string') token?: string;
  @Optional() @Text(100) client_id?: string;
  @Optional() @Text(100) invite_token?: string;
}

/** An invite that was given out: where it lets people in, and until when. */
export interface Invite {
  readonly room: string;
  /** RFC 3339 UTC with milliseconds. */
  readonly expiresAt: string;
  /** In the log; on this process the room may only be known once it is reached. */
  readonly position: bigint;
}

/** Where invites are looked up: by their token, undefined for one that was never given out. */
export interface Invites {
  find(token: string): Promise<Invite | undefined>;
}

/** Where it is kept what the newest token of each person says. */
export interface People {
  /** Resolves when it is durable. @throws StoreUnavailable */
  record(session: Session): Promise<void>;
}

/** Turns what a person shows into a session. Source: wire contract, sections 2 and 3. */
export class SignInService {
  constructor(
    private readonly tokens: Tokens,
    private readonly loop: CommandLoop,
    private readonly facts: Pick<AccessFacts, 'worlds' | 'rooms'>,
    /** Resolves when the facts reflect a position. */
    private readonly live: { reached(position: bigint): Promise<void> | undefined },
    private readonly invites: Invites,
    private readonly people: People,
  ) {}

  /** Who shows a token is known to the world from then on. @throws Refused auth.*, world.unknown; StoreUnavailable */
  async signIn({ token, client_id, invite_token }: Partial<Omit<SignIn, 'type'>>, world: string): Promise<Session> {
    if (token !== undefined) return this.byToken(token, world);
    if (client_id === undefined) throw new Refused('auth.missing_token');
    const session = { userId: `client:${client_id}`, world, traits: [], profile: {} };
    if (invite_token !== undefined) return { ...session, ...(await this.byInvite(invite_token, world)) };
    if (!this.facts.worlds.has(world)) throw new Refused('world.unknown');
    return { ...session, claimed: true };
  }

  /** One answer for whatever is wrong with an invite: it tells nothing of other worlds and rooms. @throws Refused auth.invalid_token */
  private async byInvite(token: string, world: string): Promise<Pick<Session, 'anonymous' | 'expiresAt'>> {
    const invite = await this.openInvite(token);
    if (!invite || this.facts.rooms.get(invite.room)?.world !== world) throw new Refused('auth.invalid_token');
    return { anonymous: { room: invite.room }, expiresAt: Date.parse(invite.expiresAt) };
  }

  /** An invite that lets somebody in now: given out, not over, its room open. */
  async openInvite(token: string): Promise<Invite | undefined> {
    const invite = await this.invites.find(token);
    if (!invite || Date.parse(invite.expiresAt) <= Date.now()) return undefined;
    await this.live.reached(invite.position);
    return this.facts.rooms.get(invite.room)?.status === 'open' ? invite : undefined;
  }

  /** Without a world, for the token's own. @throws Refused auth.* */
  async byToken(token: string | undefined, world?: string): Promise<Session> {
    const session = await this.tokens.verify(token, world);
    await this.openWorld(session.world);
    await this.people.record(session);
    return session;
  }

  /** A world exists from its first valid token on. */
  private async openWorld(world: string): Promise<void> {
    if (this.facts.worlds.has(world)) return;
    const context = {
      commandId: 'open',
      action: 'world.open',
      correlationId: world,
      causationId: world,
      actorId: 'convoke',
      world,
      now: new Date().toISOString(),
    };
    const command = { type: 'OpenWorld', trait_grants: defaultTraitGrants } as const;
    const { position } = await this.loop.handle(worlds, command, context);
    await this.live.reached(position);
  }
}
