import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { executionOf } from '../eventsourcing/execution.js';
import { CommandLoop } from '../eventsourcing/handle.js';
import { inOrder, placeOf, roomDirectory, type RoomDirectory } from './room-directory.js';
import { configView, emptyConfig, publicGrants, type RoomConfigView } from './room-fields.js';
import { CreateRoom, DeleteRoom, PatchRoomConfig, ReorderRooms } from './rooms.commands.js';
import { changeListing } from './rooms.policy.js';
import { rooms } from './rooms.js';

export interface RoomChanged {
  readonly position: bigint;
  /** As it was right after the command, also for a resend. */
  readonly config: RoomConfigView;
}

export interface RoomsReordered {
  readonly position: bigint;
  readonly configs: readonly RoomConfigView[];
}

/** A room as of a position: its own stream's config in the directory's place; undefined when it is not open then. */
async function configAt(
  loop: CommandLoop,
  directory: RoomDirectory,
  room: string,
  position: bigint,
): Promise<RoomConfigView | undefined> {
  const sorting_priority = placeOf(directory, room);
  const state = await loop.stateOf(rooms, room, position);
  if (sorting_priority === undefined || state.status !== 'open') return undefined;
  return configView(room, { ...state.config, sorting_priority });
}

async function changed(loop: CommandLoop, world: string, room: string, position: bigint): Promise<RoomChanged> {
  const directory = await loop.stateOf(roomDirectory, world, position);
  const config = await configAt(loop, directory, room, position);
  if (!config) throw new Error(`room ${room} is not open at ${position}`);
  return { position, config };
}

@CommandHandler(CreateRoom)
export class CreateRoomHandler implements ICommandHandler<CreateRoom> {
  constructor(private readonly loop: CommandLoop) {}

  async execute(command: CreateRoom): Promise<RoomChanged> {
    const { type: _type, modules, permission_preset, ...fields } = command;
    const register = {
      ...fields,
      ...(modules && { module_config: modules }),
      ...(permission_preset && { trait_grants: publicGrants }),
      type: 'RegisterRoom' as const,
      defaults: emptyConfig,
    };
    const execution = executionOf(command);
    const { room, position } = await changeListing(this.loop, register, execution);
    return changed(this.loop, execution.context.world, room, position);
  }
}

@CommandHandler(PatchRoomConfig)
export class PatchRoomConfigHandler implements ICommandHandler<PatchRoomConfig> {
  constructor(private readonly loop: CommandLoop) {}

  async execute(command: PatchRoomConfig): Promise<RoomChanged> {
    const execution = executionOf(command);
    const { context, onlyResend } = execution;
    const relists = command.name !== undefined || command.sorting_priority !== undefined;
    const { room, position } = relists
      ? await changeListing(this.loop, command, execution)
      : { room: command.room, ...(await this.loop.handle(rooms, command, context, { onlyResend })) };
    return changed(this.loop, context.world, room, position);
  }
}

@CommandHandler(DeleteRoom)
export class DeleteRoomHandler implements ICommandHandler<DeleteRoom> {
  constructor(private readonly loop: CommandLoop) {}

  execute(command: DeleteRoom): Promise<{ readonly position: bigint }> {
    return changeListing(this.loop, command, executionOf(command));
  }
}

@CommandHandler(ReorderRooms)
export class ReorderRoomsHandler implements ICommandHandler<ReorderRooms> {
  constructor(private readonly loop: CommandLoop) {}

  async execute(command: ReorderRooms): Promise<RoomsReordered> {
    const { context, onlyResend } = executionOf(command);
    const { state, position } = await this.loop.handle(roomDirectory, command, context, { onlyResend });
    const configs = await Promise.all(inOrder(state).map((id) => configAt(this.loop, state, id, position)));
    return { position, configs: configs.filter((config) => config !== undefined) };
  }
}

export const roomHandlers = [CreateRoomHandler, PatchRoomConfigHandler, DeleteRoomHandler, ReorderRoomsHandler];
