import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { NotCaughtUp } from '../../projections/engine/errors.js';
import { ProjectionReader } from '../../projections/engine/reader.js';
import { roomConfig, type RoomConfigRow } from '../../projections/room-config.js';
import { currentReader } from '../eventsourcing/execution.js';
import { Refused } from '../eventsourcing/refused.js';
import { configView, IsRoomId, type RoomConfigView } from './room-fields.js';

/** `room.config.get {room}` */
export class GetRoomConfig {
  readonly type = 'GetRoomConfig' as const;
  @IsRoomId() room!: string;
}

/** `room.config.list {}` */
export class ListRoomConfigs {
  readonly type = 'ListRoomConfigs' as const;
}

const waitMs = 5_000;

/** The read model once it has reached what the caller wrote last. @throws Refused server.unavailable */
async function rows(reader: ProjectionReader) {
  try {
    await reader.wait(roomConfig, currentReader().after, waitMs);
  } catch (error) {
    if (error instanceof NotCaughtUp) throw new Refused('server.unavailable', 'The read model is behind; try again.');
    throw error;
  }
  return reader.collection<RoomConfigRow>(roomConfig);
}

@QueryHandler(GetRoomConfig)
export class GetRoomConfigHandler implements IQueryHandler<GetRoomConfig> {
  constructor(private readonly reader: ProjectionReader) {}

  async execute({ room }: GetRoomConfig): Promise<RoomConfigView> {
    const collection = await rows(this.reader);
    const row = await collection.findOne({ _id: room, world: currentReader().world, status: 'open' });
    if (!row) throw new Refused('room.unknown');
    return configView(room, row);
  }
}

@QueryHandler(ListRoomConfigs)
export class ListRoomConfigsHandler implements IQueryHandler<ListRoomConfigs> {
  constructor(private readonly reader: ProjectionReader) {}

  async execute(): Promise<RoomConfigView[]> {
    const collection = await rows(this.reader);
    const found = collection.find({ world: currentReader().world, status: 'open' });
    return (await found.sort({ sorting_priority: 1, name: 1 }).toArray()).map((row) => configView(row._id, row));
  }
}
