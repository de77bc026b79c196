import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedEventStore } from '../../src/event-store/embedded/embedded-event-store.js';
import type { EventStore } from '../../src/event-store/event-store.js';
import type { DomainEvent, NewEvent, RecordedEvent } from '../../src/eventsourcing/events.js';
import { chain } from '../../src/eventsourcing/hash-chain.js';
import { uuidv5 } from '../../src/eventsourcing/ids.js';

const start = Date.parse('2026-01-01T00:00:00.000Z');

/** Chained events of one stream, one a second, each of a command of its own. */
export function chained(stream: string, world: string, events: readonly DomainEvent[]): NewEvent[] {
  const unchained = events.map((event, index) => {
    const command = { commandId: `${stream}-${index}`, actorId: index % 2 === 0 ? 'alice' : 'bob', world };
    return {
      ...event,
      id: uuidv5(command.commandId),
      metadata: {
        ...command,
        action: 'test',
        correlationId: 'correlation',
        causationId: command.commandId,
        schema: 1,
        at: new Date(start + index * 1_000).toISOString(),
      },
    };
  });
  return chain('', unchained);
}

export interface TestLog {
  readonly dir: string;
  readonly store: EventStore;
  remove(): Promise<void>;
}

/** An embedded log in a folder of its own, in `<dir>/log` as a data folder has it. */
export async function emptyLog(): Promise<TestLog> {
  const dir = await mkdtemp(join(tmpdir(), 'convoke-audit-'));
  const store = await openEmbeddedEventStore({ dir: join(dir, 'log') });
  return {
    dir,
    store,
    remove: async () => {
      await store.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** `streams` streams that grow in turns; every second one is of the world `other`, the rest of `demo`. */
export async function fillLog(store: EventStore, streams: number, perStream: number): Promise<void> {
  const all = Array.from({ length: streams }, (_none, index) => {
    const stream = `hall-${index}`;
    const events = Array.from({ length: perStream }, (_one, number) => ({
      type: number % 3 === 0 ? 'HallOpened' : 'HallClosed',
      data: { number, note: `Grüße “${stream}” \u0001 � 👏`, size: number / 7 },
    }));
    return { stream, events: chained(stream, index % 2 === 0 ? 'demo' : 'other', events) };
  });
  for (let first = 0; first < perStream; first += 5) {
    await Promise.all(
      all.map(({ stream, events }) => {
        const expected = first === 0 ? 'no_stream' : BigInt(first - 1);
        return store.append(stream, expected, events.slice(first, first + 5));
      }),
    );
  }
}

/** What `change` makes of the log while it is read. */
export async function* altered(
  events: AsyncIterable<RecordedEvent>,
  change: (event: RecordedEvent) => RecordedEvent,
): AsyncGenerator<RecordedEvent, void> {
  for await (const event of events) yield change(event);
}
