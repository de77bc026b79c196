import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { executionOf } from '../eventsourcing/execution.js';
import { CommandLoop } from '../eventsourcing/handle.js';
import { SetUserAvailability } from './availability.commands.js';
import { availability } from './availability.js';

@CommandHandler(SetUserAvailability)
export class SetUserAvailabilityHandler implements ICommandHandler<SetUserAvailability> {
  constructor(private readonly loop: CommandLoop) {}

  execute(command: SetUserAvailability): Promise<{ readonly position: bigint }> {
    const { context, onlyResend, zoneinfo } = executionOf(command);
    const rule = { ...command, ...(zoneinfo !== undefined && { zoneinfo }) };
    return this.loop.handle(availability, rule, context, { onlyResend });
  }
}
