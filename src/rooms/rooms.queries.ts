import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { ProjectionReader } from '../../projections/engine/reader.js';
import { roomConfig } from '../../projections/room-config.js';
import { readerOf } from '../eventsourcing/execution.js';
import { Refused } from '../eventsourcing/refused.js';
import { IsRoomId } from '../eventsourcing/validation.js';
import { caughtUp, found } from '../read-store/caught-up.js';
import { configView, type RoomConfigView } from './room-fields.js';

/** `room.config.get {room}` */
export class GetRoomConfig {
  readonly type = 'GetRoomConfig' as const;
  @IsRoomId() room!: string;
}

/** `room.config.list {}` */
export class ListRoomConfigs {
  readonly type = 'ListRoomConfigs' as const;
}

@QueryHandler(GetRoomConfig)
export class GetRoomConfigHandler implements IQueryHandler<GetRoomConfig> {
  constructor(private readonly reader: ProjectionReader) {}

  async execute(query: GetRoomConfig): Promise<RoomConfigView> {
    const { room } = query;
    const reader = readerOf(query);
    const filter = { _id: room, world: reader.world, status: 'open' } as const;
    const row = await found(reader, async (fresh) => (await caughtUp(this.reader, roomConfig, fresh)).findOne(filter));
    if (!row) throw new Refused('room.unknown');
    return configView(room, row);
  }
}

@QueryHandler(ListRoomConfigs)
export class ListRoomConfigsHandler implements IQueryHandler<ListRoomConfigs> {
  constructor(private readonly reader: ProjectionReader) {}

  async execute(query: ListRoomConfigs): Promise<RoomConfigView[]> {
    const reader = readerOf(query);
    const rows = await caughtUp(this.reader, roomConfig, reader);
    const open = rows.find({ world: reader.world, status: 'open' });
    return (await open.sort({ sorting_priority: 1, name: 1 }).toArray()).map((row) => configView(row._id, row));
  }
}
