import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { executionOf } from '../eventsourcing/execution.js';
import { NotResent } from '../eventsourcing/handle.js';
import { Refused } from '../eventsourcing/refused.js';
import { ReactionCounter } from './reaction-counter.js';
import { React } from './reactions.commands.js';
import { emojiOf, emojis } from './reactions.js';

@CommandHandler(React)
export class ReactHandler implements ICommandHandler<React> {
  constructor(private readonly counter: ReactionCounter) {}

  /** @throws Refused, NotResent, StoreUnavailable */
  async execute(command: React): Promise<{ readonly position: bigint }> {
    const execution = executionOf(command);
    const before = this.counter.earlier(command.room, execution);
    if (before) return before;
    if (execution.onlyResend) throw new NotResent();
    const emoji = emojiOf(command.reaction);
    if (!emoji) throw new Refused('room.unknown_reaction', `The reaction must be one of ${emojis.join(' ')}`);
    return this.counter.add(command.room, emoji, execution);
  }
}
