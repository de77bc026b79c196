import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import { eventsOf } from './stored-log.js';
import { connectAs, temporaryServers, tokenFor } from './support/server.js';

export interface AuditEvent {
  readonly id: string;
  readonly type: string;
  readonly subject: string;
  readonly time: string;
  readonly actorid: string;
  readonly world: string;
  readonly position: string;
  readonly revision: string;
}

export interface Answer {
  readonly status: number;
  readonly body: {
    readonly events: readonly AuditEvent[];
    readonly next?: string;
    readonly code?: string;
    readonly heads?: string;
    readonly [name: string]: unknown;
  };
  readonly text: string;
}

/** A server with a little history in the worlds `demo` and `other`, and an auditor of `demo`. */
export async function auditedServer() {
  const place = await temporaryServers();
  const server = await place.start();
  const token = await tokenFor('ada', ['admin']);
  const rooms: Record<string, string> = {};
  for (const world of ['demo', 'other']) {
    const client = await connectAs(server, 'ada', ['admin'], { world });
    const { room } = await client.call<{ room: string }>('room.create', { name: `Hall of ${world}` });
    rooms[world] = room;
    await client.call('room.schedule', { room, schedule_data: { title: 'Opening' } });
    await client.call('room.config.patch', { room, name: 'Foyer', description: `secret of ${world}` });
    await client.close();
    const bob = await connectAs(server, 'bob', ['admin'], { world });
    await bob.call('room.delete', { room });
    await bob.close();
  }
  const stored = await eventsOf(place.dataDir);

  /** `GET /audit/…` as an admin of `demo`, or with another token; null sends none. */
  async function ask(path: string, as: string | null = token, accept = '*/*'): Promise<Answer> {
    const headers = { accept, ...(as !== null && { authorization: `Bearer ${as}` }) };
    const response = await fetch(`${server.url}/audit/${path}`, { headers });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json;') === true;
    return { status: response.status, text, body: isJson && !text.includes('\n') ? JSON.parse(text) : { events: [] } };
  }

  const { dataDir, remove } = place;
  const inDemo: readonly RecordedEvent[] = stored.filter(({ metadata }) => metadata.world === 'demo');
  return { server, dataDir, rooms, stored, inDemo, ask, remove };
}

export type AuditedServer = Awaited<ReturnType<typeof auditedServer>>;
