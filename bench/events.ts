import { aggregateId, eventId } from '../src/eventsourcing/ids.js';
import type { DomainEvent, NewEvent } from '../src/eventsourcing/events.js';
import { chain } from '../src/eventsourcing/hash-chain.js';
import type { EventStore } from '../src/event-store/event-store.js';

const world = 'demo';
const at = '2026-03-01T09:00:00.000Z';

let lastCommand = 0;

/** Events as the command loop would make them: ids, metadata and hash chain included. One command each. */
export class StreamWriter {
  private hash = '';
  private next = -1n;

  constructor(readonly stream: string) {}

  make(events: readonly DomainEvent[]): NewEvent[] {
    const made = chain(
      this.hash,
      events.map((event) => {
        const commandId = `bench-${++lastCommand}`;
        const context = { world, actorId: 'bench', commandId, correlationId: commandId, now: at };
        return {
          ...event,
          id: eventId(context, this.stream, 0),
          metadata: {
            world,
            actorId: 'bench',
            commandId,
            action: 'bench',
            correlationId: commandId,
            causationId: commandId,
            schema: 1,
            at,
          },
        };
      }),
    );
    this.hash = made.at(-1)?.metadata.hash ?? this.hash;
    return made;
  }

  async append(store: EventStore, events: readonly DomainEvent[]): Promise<void> {
    const expected = this.next < 0n ? 'no_stream' : this.next;
    const made = this.make(events);
    this.next += BigInt(events.length);
    await store.append(this.stream, expected, made);
  }
}

const config = {
  description: 'Everything about events that are stored, and what can be folded from them.',
  picture: null,
  module_config: [{ type: 'livestream.native', config: { hls_url: 'https://example.org/hall/index.m3u8' } }],
  trait_grants: { viewer: [], moderator: ['moderator'] },
  force_join: false,
  schedule_data: null,
  import_id: null,
};

export const scheduled = (roomId: string, n: number): DomainEvent => ({
  type: 'RoomScheduleChanged',
  data: { roomId, schedule_data: { session: n, title: `Session ${n} of a long day` } },
});

/** What happens to a room after it was made: mostly its schedule, now and then its configuration. */
const change = (roomId: string, n: number): DomainEvent =>
  n % 10 === 9
    ? { type: 'RoomConfigPatched', data: { roomId, patch: { description: `Version ${n}` } } }
    : scheduled(roomId, n);

/** A log of so many events over so many rooms, as a busy world leaves it: rooms take turns. */
export async function fillLog(store: EventStore, count: number, roomCount: number): Promise<void> {
  const directory = new StreamWriter(`room_directory-${world}`);
  const opening = new StreamWriter(`world-${world}`);
  await opening.append(store, [
    { type: 'WorldOpened', data: { title: world, trait_grants: { viewer: [], admin: ['admin'] } } },
  ]);
  const rooms = Array.from({ length: roomCount }, (_, n) => {
    const id = aggregateId({ world, actorId: 'bench', commandId: `room-${n}` });
    return { id, n, stream: new StreamWriter(`room-${id}`) };
  });
  const registered = rooms.map(({ id, n }) => ({
    type: 'RoomRegistered',
    data: { roomId: id, sorting_priority: n + 1, config: { ...config, name: `Room ${n}` } },
  }));
  await directory.append(store, registered);
  await Promise.all(
    rooms.map(({ id, n, stream }) => {
      const data = {
        roomId: id,
        listing: String(n),
        sorting_priority: n + 1,
        config: { ...config, name: `Room ${n}` },
      };
      return stream.append(store, [{ type: 'RoomCreated', data }]);
    }),
  );
  const perTurn = 5;
  let left = count - 1 - 2 * roomCount;
  for (let turn = 0; left > 0; turn++) {
    const appends: Promise<void>[] = [];
    for (const { id, stream } of rooms) {
      const size = Math.min(perTurn, left);
      if (size === 0) break;
      left -= size;
      appends.push(
        stream.append(
          store,
          Array.from({ length: size }, (_, n) => change(id, turn * perTurn + n)),
        ),
      );
    }
    await Promise.all(appends);
  }
}
