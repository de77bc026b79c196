import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Config } from '../config/config.js';
import type { CommandContext } from '../eventsourcing/decider.js';
import { executionOf } from '../eventsourcing/execution.js';
import { CommandLoop } from '../eventsourcing/handle.js';
import { Refused } from '../eventsourcing/refused.js';
import { isWorldName } from '../identity/tokens.js';
import { isUserId } from '../identity/user-id.js';
import { CONFIG } from '../nest/injection.js';
import { GetCalendarLink, ResetCalendarLink } from './calendar-feeds.commands.js';
import { calendarFeeds, feedKey } from './calendar-feeds.js';

export interface CalendarLink {
  readonly position: bigint;
  readonly url: string;
}

/** Gives out the secret links to people's meetings, and says whose one is. */
export class CalendarLinks {
  constructor(
    private readonly loop: CommandLoop,
    private readonly publicUrl: string,
  ) {}

  /** The caller's link as it is now, else a new one. Whoever asks at the same time gets the same. @throws NotResent */
  async current(context: CommandContext, onlyResend: boolean): Promise<CalendarLink> {
    try {
      return await this.issue(context, { resets: false, onlyResend });
    } catch (error) {
      if (!(error instanceof Refused && error.code === 'calendar.exists')) throw error;
      // Nothing is appended for it.
      const { state, position } = await this.loop.momentOf(calendarFeeds, feedKey(context.world, context.actorId));
      return this.link(context, state.secret, position);
    }
  }

  /** A new link; the one before ends. @throws NotResent */
  async issue(context: CommandContext, { resets, onlyResend }: Issuing): Promise<CalendarLink> {
    const secret = randomBytes(24).toString('base64url');
    const command = { type: 'IssueCalendarLink', userId: context.actorId, secret, resets } as const;
    const { events, position } = await this.loop.handle(calendarFeeds, command, context, { onlyResend });
    return this.link(context, events.at(-1)?.data.secret, position);
  }

  /** The world of the person's link with this secret (`<world>.<secret>`). Says nothing by the time it takes. @throws Refused calendar.unknown */
  async worldOf(userId: string, secret: unknown): Promise<string> {
    const [, world, given] = (typeof secret === 'string' && /^([^.]*)[.](.*)$/s.exec(secret)) || [];
    if (!isUserId(userId) || !isWorldName(world) || given === undefined) throw new Refused('calendar.unknown');
    const { secret: issued } = await this.loop.stateOf(calendarFeeds, feedKey(world, userId));
    const isSame = timingSafeEqual(digest(given), digest(issued ?? ''));
    if (issued === undefined || !isSame) throw new Refused('calendar.unknown');
    return world;
  }

  private link({ world, actorId }: CommandContext, secret: string | undefined, position: bigint): CalendarLink {
    const url = `${this.publicUrl}/users/${encodeURIComponent(actorId)}/calendar.ics?secret=${world}.${secret}`;
    return { position, url };
  }
}

interface Issuing {
  readonly resets: boolean;
  readonly onlyResend: boolean;
}

const digest = (text: string): Buffer => hash('sha256', text, 'buffer');

@CommandHandler(GetCalendarLink)
export class GetCalendarLinkHandler implements ICommandHandler<GetCalendarLink> {
  constructor(private readonly links: CalendarLinks) {}

  execute(command: GetCalendarLink): Promise<CalendarLink> {
    const { context, onlyResend } = executionOf(command);
    return this.links.current(context, onlyResend);
  }
}

@CommandHandler(ResetCalendarLink)
export class ResetCalendarLinkHandler implements ICommandHandler<ResetCalendarLink> {
  constructor(private readonly links: CalendarLinks) {}

  execute(command: ResetCalendarLink): Promise<CalendarLink> {
    const { context, onlyResend } = executionOf(command);
    return this.links.issue(context, { resets: true, onlyResend });
  }
}

export const calendarLinks = {
  provide: CalendarLinks,
  inject: [CommandLoop, CONFIG],
  useFactory: (loop: CommandLoop, { publicUrl }: Config): CalendarLinks => new CalendarLinks(loop, publicUrl),
};
