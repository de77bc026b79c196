import { randomInt } from 'node:crypto';
import { Inject } from '@nestjs/common';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Config } from '../config/config.js';
import type { CommandContext } from '../eventsourcing/decider.js';
import { executionOf } from '../eventsourcing/execution.js';
import { CommandLoop, NotResent } from '../eventsourcing/handle.js';
import { Refused } from '../eventsourcing/refused.js';
import { CONFIG } from '../nest/injection.js';
import { GetInviteLink } from './invites.commands.js';
import { currentInvite, inviteTokens, roomInvites } from './invites.js';

export interface InviteLink {
  readonly position: bigint;
  readonly url: string;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const tokenLength = 6;
const tries = 10;

/** A token nobody can guess; every one is as likely as any other. */
export const newToken = (): string =>
  Array.from({ length: tokenLength }, () => alphabet[randomInt(alphabet.length)]).join('');

/** The room's link: the one it has, else a new one. Whoever asks at the same time gets the same. */
@CommandHandler(GetInviteLink)
export class GetInviteLinkHandler implements ICommandHandler<GetInviteLink> {
  constructor(
    private readonly loop: CommandLoop,
    @Inject(CONFIG) private readonly config: Pick<Config, 'publicUrl'>,
  ) {}

  async execute(command: GetInviteLink): Promise<InviteLink> {
    const { room } = command;
    const { context, onlyResend } = executionOf(command);
    const first = await this.loop.resent(roomInvites, room, context);
    if (first) return this.link(first.events.at(-1)?.data.token, first.position);
    if (onlyResend) throw new NotResent();
    const known = await this.known(room, context);
    if (known) return known;
    const token = await this.reserve(room, context);
    try {
      const { position } = await this.loop.handle(roomInvites, { type: 'GiveOutInvite', room, token }, context);
      return this.link(token, position);
    } catch (error) {
      // Somebody else was first.
      const winner = await this.known(room, context);
      if (winner && error instanceof Refused) return winner;
      throw error;
    }
  }

  /** The room's link as it is now. Nothing is appended for it. */
  private async known(room: string, context: CommandContext): Promise<InviteLink | undefined> {
    const { state, position } = await this.loop.momentOf(roomInvites, room);
    const token = currentInvite(state, context.now);
    return token === undefined ? undefined : this.link(token, position);
  }

  /** A token nobody has had, in whatever world. */
  private async reserve(room: string, context: CommandContext): Promise<string> {
    for (let attempt = 1; ; attempt++) {
      const token = newToken();
      try {
        // oxlint-disable-next-line no-await-in-loop -- the next one is only needed when this one is taken
        await this.loop.handle(inviteTokens, { type: 'ReserveToken', token, room }, context);
        return token;
      } catch (error) {
        if (!(error instanceof Refused && error.code === 'invite.taken') || attempt === tries) throw error;
      }
    }
  }

  private link(token: string | undefined, position: bigint): InviteLink {
    return { position, url: `${this.config.publicUrl}/${token}` };
  }
}
