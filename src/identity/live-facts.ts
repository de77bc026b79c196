import { openLiveView, type LiveView } from '../../projections/engine/live-view.js';
import type { ProjectionReader } from '../../projections/engine/reader.js';
import { roomConfig, type RoomConfigRow } from '../../projections/room-config.js';
import { worldConfig, type WorldConfigRow } from '../../projections/world-config.js';
import type { RecordedEvent } from '../eventsourcing/events.js';
import type { EventRegistry } from '../eventsourcing/registry.js';
import type { AccessFacts } from './access.js';

/** The facts of access in memory: loaded from the read models once, then kept by the log. */
export class LiveFacts implements AccessFacts {
  version = 0;
  private readonly byWorld = new Map<string, Set<string>>();

  private constructor(
    private readonly worldView: LiveView<WorldConfigRow>,
    private readonly roomView: LiveView<RoomConfigRow>,
  ) {
    this.index(roomView.rows.keys());
  }

  static async open(reader: ProjectionReader, registry: EventRegistry, epoch: string): Promise<LiveFacts> {
    const upcast = (event: RecordedEvent): RecordedEvent => registry.read(event);
    const worlds = await openLiveView({ model: worldConfig, source: await reader.active(worldConfig), epoch, upcast });
    const rooms = await openLiveView({ model: roomConfig, source: await reader.active(roomConfig), epoch, upcast });
    return new LiveFacts(worlds, rooms);
  }

  get worlds(): ReadonlyMap<string, WorldConfigRow> {
    return this.worldView.rows;
  }

  get rooms(): ReadonlyMap<string, RoomConfigRow> {
    return this.roomView.rows;
  }

  /** Where to go on in the log. */
  get position(): bigint {
    const [a, b] = [this.worldView.position, this.roomView.position];
    return a < b ? a : b;
  }

  roomsOf(world: string): Iterable<string> {
    return this.byWorld.get(world) ?? [];
  }

  apply(events: readonly RecordedEvent[]): void {
    const worlds = this.worldView.apply(events);
    const rooms = this.roomView.apply(events);
    if (worlds.length + rooms.length > 0) this.version++;
    this.index(rooms);
  }

  private index(ids: Iterable<string>): void {
    for (const id of ids) {
      const world = this.rooms.get(id)?.world;
      if (world === undefined) continue;
      const known = this.byWorld.get(world);
      if (known) known.add(id);
      else this.byWorld.set(world, new Set([id]));
    }
  }
}
