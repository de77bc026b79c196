import { readModels } from '../../projections/read-models.js';
import { ProjectionReader } from '../../projections/engine/reader.js';
import { eventRegistry } from '../../src/event-registry.js';
import type { EventStore } from '../../src/event-store/event-store.js';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import { Broadcast } from '../../src/gateway/broadcast.js';
import { LiveLog } from '../../src/gateway/live-log.js';
import { Access } from '../../src/identity/access.js';
import { LiveFacts } from '../../src/identity/live-facts.js';
import { PresenceLog } from '../../src/presence/presence-log.js';
import { presence, presenceStream, type PresenceEvent } from '../../src/presence/presence.js';
import { Register, type RegisterOptions } from '../../src/presence/register.js';
import { Viewers, type PresenceChange, type RoomFacts } from '../../src/presence/viewers.js';
import type { Stores } from '../projections/stores.js';

/** All rooms are of one world, and open. */
export const openRooms: RoomFacts = { worldOf: () => 'demo', isOpen: () => true };

export const silent = { error: () => undefined, warn: () => undefined };

/** What a process knows of presence, on a log and a read store it may share with others. */
export interface Node {
  readonly live: LiveLog;
  readonly viewers: Viewers;
  readonly register: Register;
  readonly changes: PresenceChange[];
  /** Resolves when the log holds what should be there, and this node has read it. */
  settled(): Promise<void>;
  /** Ends it as a crash would: nothing is recorded any more. */
  end(): Promise<void>;
}

export async function startNode(
  { store, read }: Pick<Stores, 'store' | 'read'>,
  node: string,
  written: RegisterOptions['store'] = store,
): Promise<Node> {
  const reader = new ProjectionReader({ db: read.db, log: store, models: readModels });
  const facts = await LiveFacts.open(reader, eventRegistry, store.epoch);
  const viewers = await Viewers.open(reader, eventRegistry, store.epoch, openRooms);
  const live = new LiveLog(store, eventRegistry, facts, new Access(facts), new Broadcast(silent), silent);
  const retry = { first: 1, longest: 2 };
  const register = new Register({ store: written, registry: eventRegistry, node, live, log: silent, retry });
  const changes: PresenceChange[] = [];
  live.onEvents((events) => {
    register.follow(events);
    changes.push(...viewers.apply(events));
  });
  await live.start();
  return {
    live,
    viewers,
    register,
    changes,
    async settled() {
      for (;;) {
        const head = await store.head();
        await live.reached(head);
        await register.settled();
        if ((await store.head()) === head) return;
      }
    },
    async end() {
      register.stop();
      await live.stop();
    },
  };
}

/** Presence events of the log, of one stream or all. */
export async function presenceEvents(store: EventStore, stream?: string): Promise<(RecordedEvent & PresenceEvent)[]> {
  const events: RecordedEvent[] = [];
  const all =
    stream === undefined ? store.readAll({ filter: { streamPrefixes: ['presence-'] } }) : store.readStream(stream);
  for await (const event of all) events.push(event);
  return events.map((event) => eventRegistry.read(event) as RecordedEvent & PresenceEvent);
}

/** Who the log says is in a room on a node. */
export async function peopleIn(store: EventStore, stream: string): Promise<string[]> {
  const events = await presenceEvents(store, stream);
  const { people } = events.reduce((state, event) => presence.evolve(state, event), presence.initial);
  return [...people.values()].map(({ userId }) => userId).toSorted();
}

/** What another node does that takes this one for lost. */
export async function declareLost(store: EventStore, room: string, node: string): Promise<void> {
  const stream = presenceStream(room, node);
  const log = new PresenceLog(store, room, node, 'demo');
  await log.load();
  const people = await peopleIn(store, stream);
  if (people.length === 0) return;
  const left = people.map((userId) => ({ roomId: room, userId, node, reason: 'lost' as const }));
  try {
    await log.append(log.prepare(left.map((data) => ({ type: 'ViewerLeft', data }))));
  } catch (error) {
    if ((error as Error).name !== 'WrongExpectedRevision') throw error;
  }
}
