import { openLiveView, type LiveView } from '../../projections/engine/live-view.js';
import type { ProjectionReader } from '../../projections/engine/reader.js';
import { roomConfig, type RoomConfigRow } from '../../projections/room-config.js';
import { worldConfig, type WorldConfigRow } from '../../projections/world-config.js';
import type { RecordedEvent } from '../eventsourcing/events.js';
import type { EventRegistry } from '../eventsourcing/registry.js';
import type { AccessFacts } from './access.js';

/** A session announced or a description changed leaves these as they were, and with them what was worked out. */
type Rights = Pick<RoomConfigRow, 'status' | 'trait_grants' | 'grants'>;

/** The facts of access in memory: loaded from the read models once, then kept by the log. */
export class LiveFacts implements AccessFacts {
  version = 0;
  /** The rooms' rights as of `version`. Folds keep what they don't change, so a look at the references tells. */
  private readonly rights = new Map<string, Rights>();
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
    if (this.worldView.apply(events).length > 0) this.version++;
    this.index(this.roomView.apply(events));
  }

  private index(ids: Iterable<string>): void {
    for (const id of ids) {
      const row = this.rooms.get(id);
      if (!row) continue;
      const { status, trait_grants, grants } = row;
      const before = this.rights.get(id);
      if (before?.status === status && before.trait_grants === trait_grants && before.grants === grants) continue;
      this.rights.set(id, { status, trait_grants, grants });
      this.version++;
      const known = this.byWorld.get(row.world);
      if (known) known.add(id);
      else this.byWorld.set(row.world, new Set([id]));
    }
  }
}
