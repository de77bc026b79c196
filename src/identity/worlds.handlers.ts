import { CommandHandler, QueryHandler, type ICommandHandler, type IQueryHandler } from '@nestjs/cqrs';
import { executionOf, readerOf } from '../eventsourcing/execution.js';
import { CommandLoop } from '../eventsourcing/handle.js';
import { Refused } from '../eventsourcing/refused.js';
import { LiveFacts } from './live-facts.js';
import { PatchWorldConfig } from './worlds.commands.js';
import { worlds, type WorldSettings } from './worlds.js';

/** The object clients get for a world's settings. */
export type WorldSettingsView = WorldSettings & { readonly id: string };

export interface WorldPatched {
  readonly position: bigint;
  /** As they were right after the command, also for a resend. */
  readonly settings: WorldSettingsView;
}

/** `world.config.get {}` */
export class GetWorldConfig {
  readonly type = 'GetWorldConfig' as const;
}

function settingsView(id: string, from: WorldSettings): WorldSettingsView {
  const { title, trait_grants, connection_limit, roles } = from;
  return { id, title, trait_grants, connection_limit, roles };
}

@CommandHandler(PatchWorldConfig)
export class PatchWorldConfigHandler implements ICommandHandler<PatchWorldConfig> {
  constructor(private readonly loop: CommandLoop) {}

  async execute(command: PatchWorldConfig): Promise<WorldPatched> {
    const { context, onlyResend } = executionOf(command);
    const { state, position } = await this.loop.handle(worlds, command, context, { onlyResend });
    if (state.status !== 'open') throw new Error(`world ${context.world} is not open after its patch`);
    return { position, settings: settingsView(context.world, state.settings) };
  }
}

/** Answered from the read model as it is in memory: it has reached what the caller wrote last. */
@QueryHandler(GetWorldConfig)
export class GetWorldConfigHandler implements IQueryHandler<GetWorldConfig> {
  constructor(private readonly facts: LiveFacts) {}

  execute(query: GetWorldConfig): Promise<WorldSettingsView> {
    const { world } = readerOf(query);
    const row = this.facts.worlds.get(world);
    return row ? Promise.resolve(settingsView(world, row)) : Promise.reject(new Refused('world.unknown'));
  }
}

export const worldHandlers = [PatchWorldConfigHandler, GetWorldConfigHandler];
