import { Controller, Get, Inject, Param, Res, UseFilters } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Config } from '../config/config.js';
import { Refused } from '../eventsourcing/refused.js';
import { SignInService } from '../identity/sign-in.js';
import { CONFIG } from '../nest/injection.js';
import { ProblemFilter } from './problem.filter.js';

/** `GET /<token>`, an invite as people get it. Source: wire contract, section 4. Routes with a name of their own come before it. */
@Controller()
@UseFilters(ProblemFilter)
export class InviteLinkController {
  constructor(
    @Inject(SignInService) private readonly signIns: SignInService,
    @Inject(CONFIG) private readonly config: Pick<Config, 'publicUrl'>,
  ) {}

  /** To the room's page for people without an account. @throws Refused invite.unknown */
  @Get(':token')
  async follow(@Param('token') token: string, @Res() reply: FastifyReply): Promise<void> {
    // Whoever keeps answers should not keep this one: it holds the token, and the invite may end.
    void reply.header('cache-control', 'no-store');
    const invite = await this.signIns.openInvite(token);
    if (!invite) throw new Refused('invite.unknown');
    const page = `${this.config.publicUrl}/standalone/${encodeURIComponent(invite.room)}/anonymous`;
    await reply.redirect(`${page}#invite=${token}`, 302);
  }
}
