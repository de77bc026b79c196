import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { eventRegistry } from '../../src/event-registry.js';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import type { EventsListener } from '../../src/gateway/live-log.js';
import type { RoomConfigRow } from '../../projections/room-config.js';
import { wireTable } from '../../src/gateway/wire/index.js';
import type { Delivery } from '../../src/gateway/wire/wire.js';
import { roomReactions } from '../../src/reactions/room-reactions.js';
import { recorded } from '../spec/decider-spec.js';

const added = (roomId: string, over: object = {}): RecordedEvent =>
  recorded({ type: 'ReactionAdded', data: { roomId, userId: 'bob', emoji: '👏', ...over } });

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

describe('what rooms hear of reactions', () => {
  /** Rooms that are there, and what was told, of a counter on an empty log. */
  async function rooms(...ids: string[]) {
    const told: Delivery[] = [];
    const listeners: EventsListener[] = [];
    const open = new Map(ids.map((id) => [id, { status: 'open' } as RoomConfigRow]));
    await roomReactions({
      store: {
        append: () => Promise.reject(new Error('not asked for')),
        retain: () => Promise.resolve(),
        readAll: async function* () {},
      },
      registry: eventRegistry,
      node: 'a',
      log: { error: () => undefined },
      facts: { rooms: open },
      live: {
        onEvents: (listener) => void listeners.push(listener),
        publish: (delivery) => void told.push(delivery),
      },
    });
    const hear = (...events: RecordedEvent[]): void => listeners.forEach((listener) => listener(events));
    return { told, open, hear };
  }

  it('is nothing when they were deleted in the second that was open', async () => {
    const { told, open, hear } = await rooms('hall', 'stage');
    hear(added('hall'), added('stage'));
    open.delete('hall');
    hear(added('hall'));
    jest.advanceTimersByTime(2_000);
    const need = { permission: 'room:view', room: 'stage' };
    const body = { room: 'stage', reactions: { '👏': 1 } };
    expect(told).toEqual([{ topic: 'room:stage', name: 'room.reaction', body, need }]);
  });
});

describe('reactions as events', () => {
  it('are for those who may see who is in the room, and for who reacted; anonymous ones for nobody', () => {
    const places = (event: RecordedEvent) => wireTable.streams['ReactionAdded']?.(event);
    expect(places(added('hall'))).toEqual([
      { topic: 'room:hall', need: { permission: 'room:viewers', room: 'hall' } },
      { topic: 'user:bob', need: undefined },
    ]);
    expect(places(added('hall', { anonymous: true }))).toEqual([]);
  });
});
