import type { SocketClient } from '../e2e/support/server.js';
import type { Entry, Ledger } from './ledger.js';

export type Random = (below: number) => number;

/** Whole numbers from 0 to below `below`, the same for the same seed (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** Rooms at hand, so that several writers meet on the same ones. */
const minRooms = 8;
const maxRooms = 24;
const hotRooms = 3;

/** Writers that send a mix of commands, and what they know in common. */
export class Workload {
  readonly rooms: string[] = [];
  private issued = 0;

  constructor(
    private readonly ledger: Ledger,
    private readonly random: Random,
  ) {}

  /** Sends one command after the other until the connection is lost or `stop` says so. */
  async write(client: SocketClient, actor: string, stop: () => boolean = () => false): Promise<void> {
    while (client.open && !stop()) {
      const command = this.next(actor);
      const { state, action, reply, refusal } = await this.ledger.send(client, command);
      if (state === 'acknowledged' && action === 'room.create') this.rooms.push((reply as { room: string }).room);
      if (refusal === 'room.unknown') this.forget(command.payload.room);
    }
  }

  private next(actor: string): Pick<Entry, 'id' | 'actor' | 'action' | 'payload'> {
    const { random, rooms } = this;
    const id = `${actor}-${++this.issued}`;
    // Every other room is one that everybody sees, wherever viewers have to be named.
    const seen = this.issued % 2 === 0 ? { trait_grants: { viewer: [] } } : {};
    const create = { id, actor, action: 'room.create', payload: { name: `room ${id}`, description: id, ...seen } };
    const room = rooms[random(random(2) === 0 ? Math.min(hotRooms, rooms.length) : rooms.length)];
    if (room === undefined || rooms.length < minRooms) return create;
    const dice = random(100);
    if (dice < 8 && rooms.length < maxRooms) return create;
    // Names come from so few that some are taken.
    if (dice < 22) return patch(id, actor, { room, name: `hall ${random(40)}`, description: id });
    if (dice < 32) return patch(id, actor, { room, sorting_priority: random(50), picture: id });
    if (dice < 52) return patch(id, actor, { room, description: id });
    if (dice < 70) return { id, actor, action: 'room.schedule', payload: { room, schedule_data: { title: id } } };
    if (dice < 88) return { id, actor, action: 'room.grant', payload: { room, user: id, role: 'speaker' } };
    if (dice < 93) return { id, actor, action: 'room.config.reorder', payload: { rooms: this.some() } };
    if (rooms.length <= minRooms) return patch(id, actor, { room, description: id });
    // Others go on with the room until they are told: commands race with its end.
    return { id, actor, action: 'room.delete', payload: { room } };
  }

  private some(): string[] {
    const { rooms, random } = this;
    return rooms.filter(() => random(2) === 0).toSorted(() => random(3) - 1);
  }

  private forget(room: unknown): void {
    const index = this.rooms.findIndex((one) => one === room);
    if (index >= 0) this.rooms.splice(index, 1);
  }
}

function patch(id: string, actor: string, payload: Record<string, unknown>) {
  return { id, actor, action: 'room.config.patch', payload };
}
