import { Module } from '@nestjs/common';
import { handlersFor } from '../nest/handlers-for.js';
import { roomCommands } from './rooms.commands.js';
import { roomHandlers } from './rooms.handlers.js';
import { GetRoomConfigHandler, ListRoomConfigsHandler } from './rooms.queries.js';
import { rooms } from './rooms.js';

@Module({
  providers: [...handlersFor(rooms, roomCommands), ...roomHandlers, GetRoomConfigHandler, ListRoomConfigsHandler],
})
export class RoomsModule {}
