import type { JsonObject } from '../eventsourcing/events.js';
import { Refused } from '../eventsourcing/refused.js';
import type { Access } from '../identity/access.js';
import { personKey, type Session } from '../identity/session.js';
import type { Janitor } from '../presence/janitor.js';
import type { Register } from '../presence/register.js';
import type { PresenceChange, Viewers } from '../presence/viewers.js';
import { atMost } from '../waiting.js';
import type { Broadcast } from './broadcast.js';
import type { Connection } from './connection.js';
import type { LiveLog } from './live-log.js';
import type { Delivery } from './wire/wire.js';

/** How long a start waits for what a crash left to be recorded, and a stop for those who just hung up. */
const recordWithinMs = { start: 5_000, stop: 1_500 };

/** Where the presence of people meets their sockets: entering, leaving, and telling the others. */
export class Presence {
  constructor(
    private readonly register: Register,
    private readonly viewers: Viewers,
    private readonly janitor: Janitor,
    private readonly node: string,
    private readonly access: Access,
    private readonly broadcast: Broadcast,
    live: Pick<LiveLog, 'onEvents' | 'publish'>,
  ) {
    live.onEvents((events) => {
      register.follow(events);
      for (const change of viewers.apply(events)) live.publish(toldOf(change));
    });
  }

  /**
   * Call it when the log was read to its end and nobody is let in yet: whoever the log has on this node was cut off by a
   * crash. A store that goes away just now does not hold up the start.
   */
  async start(): Promise<void> {
    await atMost(recordWithinMs.start, this.register.resume([...this.viewers.on(this.node)]));
    this.janitor.start();
  }

  /** Call it when all sockets are closed; what cannot be recorded in time is recorded by the next start, or another node. */
  async stop(): Promise<void> {
    await atMost(
      recordWithinMs.stop,
      this.register.settled().then(() => this.janitor.stop()),
    );
    this.register.stop();
  }

  /** Joins the room once the entry is durable; answers who is in it to those who may know. @throws Refused room.unknown */
  async enter(connection: Connection, session: Session, room: string): Promise<JsonObject> {
    // What was sent before hanging up is handled after it, too; nobody would ever leave for a closed connection.
    const isIn = !connection.closed && (await this.register.enter(connection, room, session.world, session));
    if (!isIn) throw new Refused('room.unknown');
    this.broadcast.join(connection, `room:${room}`);
    return this.access.can(session, 'room:viewers', room) ? { viewers: this.viewers.of(room) } : {};
  }

  /** Hears nothing of the room any more; without effect on one who is not in it. */
  leave(connection: Connection, session: Session, room: string): void {
    this.broadcast.leave(connection, `room:${room}`);
    this.register.leave(connection, room, session);
  }

  closed(connection: Connection, session: Session): void {
    this.register.leaveAll(connection, session);
  }
}

/** What is told of a change. Source: wire contract, section 4. */
function toldOf(change: PresenceChange): Delivery {
  const { room } = change;
  const topic = `room:${room}`;
  const need = { permission: 'room:viewers', room } as const;
  switch (change.type) {
    case 'added': {
      const { user: id, profile } = change;
      const except = personKey({ userId: id });
      return { topic, name: 'room.viewer.added', body: { user: { id, profile } }, need, except };
    }
    case 'removed': {
      const { user: id } = change;
      return { topic, name: 'room.viewer.removed', body: { user_id: id }, need, except: personKey({ userId: id }) };
    }
    case 'fullness': {
      const { world, users } = change;
      const body = { room, users };
      return {
        topic: `world:${world}`,
        name: 'world.user_count_change',
        body,
        need: { permission: 'room:view', room },
      };
    }
  }
}
