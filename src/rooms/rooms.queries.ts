import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { NotCaughtUp } from '../../projections/engine/errors.js';
import { ProjectionReader } from '../../projections/engine/reader.js';
import { roomConfig, type RoomConfigRow } from '../../projections/room-config.js';
import { readerOf, type Reader } from '../eventsourcing/execution.js';
import { Refused } from '../eventsourcing/refused.js';
import { LiveFacts } from '../identity/live-facts.js';
import { IsRoomId } from '../eventsourcing/validation.js';
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

const waitMs = 5_000;

/** The read model once it has reached what the caller wrote last. @throws Refused server.unavailable */
async function rows(reader: ProjectionReader, { after }: Reader) {
  try {
    await reader.wait(roomConfig, after, waitMs);
  } catch (error) {
    if (error instanceof NotCaughtUp) throw new Refused('server.unavailable', 'The read model is behind; try again.');
    throw error;
  }
  return reader.collection<RoomConfigRow>(roomConfig);
}

@QueryHandler(GetRoomConfig)
export class GetRoomConfigHandler implements IQueryHandler<GetRoomConfig> {
  constructor(
    private readonly reader: ProjectionReader,
    private readonly facts: LiveFacts,
  ) {}

  async execute(query: GetRoomConfig): Promise<RoomConfigView> {
    const { room } = query;
    const { world, after } = readerOf(query);
    const open = async (position: bigint) =>
      (await rows(this.reader, { world, after: position })).findOne({ _id: room, world, status: 'open' });
    // Sockets hear of a room a moment before the read model knows it: what the caller was told of is waited for.
    const row = (await open(after)) ?? (await open(this.facts.position));
    if (!row) throw new Refused('room.unknown');
    return configView(room, row);
  }
}

@QueryHandler(ListRoomConfigs)
export class ListRoomConfigsHandler implements IQueryHandler<ListRoomConfigs> {
  constructor(private readonly reader: ProjectionReader) {}

  async execute(query: ListRoomConfigs): Promise<RoomConfigView[]> {
    const reader = readerOf(query);
    const collection = await rows(this.reader, reader);
    const found = collection.find({ world: reader.world, status: 'open' });
    return (await found.sort({ sorting_priority: 1, name: 1 }).toArray()).map((row) => configView(row._id, row));
  }
}
