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

/** Turns what a person shows into a session. Source: wire contract, sections 2 and 3. */
export class SignInService {
  constructor(
    private readonly tokens: Tokens,
    private readonly loop: CommandLoop,
    private readonly facts: Pick<AccessFacts, 'worlds'>,
    /** Resolves when the facts reflect a position. */
    private readonly live: { reached(position: bigint): Promise<void> | undefined },
  ) {}

  /** @throws Refused auth.*, world.unknown */
  async signIn({ token, client_id, invite_token }: Partial<Omit<SignIn, 'type'>>, world: string): Promise<Session> {
    if (token !== undefined) return this.byToken(token, world);
    if (client_id === undefined) throw new Refused('auth.missing_token');
    // No invitation has been given out that could be accepted.
    if (invite_token !== undefined) throw new Refused('auth.invalid_token');
    if (!this.facts.worlds.has(world)) throw new Refused('world.unknown');
    return { userId: `client:${client_id}`, world, traits: [], profile: {} };
  }

  /** Without a world, for the token's own. @throws Refused auth.* */
  async byToken(token: string | undefined, world?: string): Promise<Session> {
    const session = await this.tokens.verify(token, world);
    await this.openWorld(session.world);
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
