import { Inject, type Provider } from '@nestjs/common';
import { CommandHandler } from '@nestjs/cqrs';
import type { Decider } from '../eventsourcing/decider.js';
import type { DomainEvent } from '../eventsourcing/events.js';
import { executionOf } from '../eventsourcing/execution.js';
import { CommandLoop, type Outcome } from '../eventsourcing/handle.js';
import type { CommandClass } from '../eventsourcing/validation.js';

/** One bus handler per command class, each running the one loop on this decider: `providers: handlersFor(rooms, [ScheduleRoom])`. */
export function handlersFor<S, C extends { readonly type: string }, E extends DomainEvent>(
  decider: Decider<S, C, E>,
  commands: readonly CommandClass<NoInfer<C>>[],
): Provider[] {
  return commands.map((command) => {
    class Handler {
      constructor(private readonly loop: CommandLoop) {}

      execute(given: C): Promise<Outcome<S, E>> {
        const { context, onlyResend } = executionOf(given);
        return this.loop.handle(decider, given, context, { onlyResend });
      }
    }
    Inject(CommandLoop)(Handler, undefined, 0);
    CommandHandler(command)(Handler);
    Object.defineProperty(Handler, 'name', { value: `${command.name}Handler` });
    return Handler;
  });
}
