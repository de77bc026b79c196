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
  /** The rooms as of the last events. Folds keep what they don't change, so a look at the references tells. */
  private readonly known = new Map<string, RoomConfigRow>();
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

  /** The rooms that are now configured otherwise. */
  apply(events: readonly RecordedEvent[]): readonly string[] {
    if (this.worldView.apply(events).length > 0) this.version++;
    return this.index(this.roomView.apply(events));
  }

  private index(ids: Iterable<string>): string[] {
    const changed: string[] = [];
    for (const id of ids) {
      const row = this.rooms.get(id);
      if (!row) continue;
      const before = this.known.get(id);
      if (before && same(before, row, Object.keys(row))) continue;
      this.known.set(id, row);
      changed.push(id);
      // A session announced or a description changed leaves the rights as they were, and with them what was worked out.
      if (before && same(before, row, ['status', 'trait_grants', 'grants'])) continue;
      this.version++;
      const known = this.byWorld.get(row.world);
      if (known) known.add(id);
      else this.byWorld.set(row.world, new Set([id]));
    }
    return changed;
  }
}

const same = (a: RoomConfigRow, b: RoomConfigRow, fields: readonly string[]): boolean =>
  (fields as readonly (keyof RoomConfigRow)[]).every((field) => a[field] === b[field]);
