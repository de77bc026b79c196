import { v5 as uuidv5 } from 'uuid';
import type { CommandContext } from './decider.js';

const namespace = '6f0c1f0e-6f4b-5d9a-9f57-8b3f0d2a7c11';

type CommandKey = Pick<CommandContext, 'world' | 'actorId' | 'commandId'>;

/** The same command makes the same event ids, so a retried append is recognised. Two users may use the same command id. */
export function eventId(command: CommandKey, stream: string, index: number): string {
  return uuidv5(JSON.stringify([command.world, command.actorId, command.commandId, stream, index]), namespace);
}

/** Id of an aggregate a command creates: a resend finds its stream. */
export function aggregateId(command: CommandKey): string {
  return uuidv5(JSON.stringify([command.world, command.actorId, command.commandId]), namespace);
}
