import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { ProjectionReader } from '../../projections/engine/reader.js';
import { toStored } from '../../projections/engine/stored-row.js';
import { roomViewers, type RoomViewerRow } from '../../projections/room-viewers.js';
import { eventRegistry } from '../../src/event-registry.js';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import { fullness, presenceStream, type PresenceEvent } from '../../src/presence/presence.js';
import { Viewers, type PresenceChange } from '../../src/presence/viewers.js';
import { replay } from '../faults/oracle.js';
import { recorded } from '../spec/decider-spec.js';
import { openRooms } from './nodes.js';

const isAnonymous = (user: string): boolean => user.startsWith('anonymous');

/** Every node says of each person in turn: entered, left, entered, …; the nodes' events come in any order. */
const histories = fc
  .array(fc.tuple(fc.constantFrom('r1', 'r2'), fc.nat(13), fc.constantFrom('n1', 'n2', 'n3')), {
    maxLength: 80,
    size: 'max',
  })
  .map((steps) => {
    const inside = new Set<string>();
    return steps.map(([roomId, n, node], index): RecordedEvent => {
      const userId = n > 11 ? `anonymous ${n}` : `u${n}`;
      const key = `${roomId} ${userId} ${node}`;
      const anonymous = isAnonymous(userId) && ({ anonymous: true } as const);
      const event: PresenceEvent = inside.delete(key)
        ? { type: 'ViewerLeft', data: { roomId, userId, node, reason: 'left', ...anonymous } }
        : { type: 'ViewerEntered', data: { roomId, userId, node, profile: { of: userId }, ...anonymous } };
      if (event.type === 'ViewerEntered') inside.add(key);
      return recorded(event, { stream: presenceStream(roomId, node), position: BigInt(index * 2) });
    });
  });

/** The same said simply: who is where, counted anew for every event. */
function model(events: readonly RecordedEvent[]) {
  const inside = new Set<string>();
  const people = (room: string): string[] => [
    ...new Set([...inside].flatMap((key) => (key.startsWith(`${room} `) ? [key.split('|')[1] ?? ''] : []))),
  ];
  const changes: PresenceChange[] = [];
  for (const { type, data } of events) {
    const { roomId: room, userId: user, node } = data as PresenceEvent['data'];
    const key = `${room} |${user}|${node}`;
    const before = people(room);
    if (type === 'ViewerEntered') inside.add(key);
    else inside.delete(key);
    const after = people(room);
    if (!isAnonymous(user)) {
      if (after.length > before.length) changes.push({ type: 'added', room, user, profile: { of: user } });
      if (after.length < before.length) changes.push({ type: 'removed', room, user });
    }
    const users = fullness(after.length);
    if (users !== fullness(before.length)) changes.push({ type: 'fullness', world: 'demo', room, users });
  }
  return { changes, people };
}

/** What is read of the read store: rows that reflect the log up to `rows`, a checkpoint that was written at `checkpoint`. */
function readerOf(events: readonly RecordedEvent[], checkpoint: bigint, rows: bigint): ProjectionReader {
  const stored = [
    ...replay(
      roomViewers,
      events.filter(({ position }) => position <= rows),
    ),
  ].flatMap(([key, { row, position }]) => (row ? [toStored(key, row as RoomViewerRow, position)] : []));
  return {
    active: async () => ({
      position: checkpoint,
      build: { n: 1, version: roomViewers.version, epoch: 'e' },
      parked: [],
      collection: { find: ({ present }: { present: boolean }) => stored.filter((row) => row.present === present) },
    }),
  } as never;
}

const idsIn = (viewers: Viewers, room: string): string[] => viewers.of(room).map(({ id }) => id);

describe('the viewers', () => {
  it('are those with a tab on any node; every coming and going is told once, every change of fullness, too', () => {
    fc.assert(
      fc.property(histories, fc.integer({ min: 1, max: 7 }), (events, size) => {
        const viewers = new Viewers(eventRegistry, openRooms);
        const told: PresenceChange[] = [];
        for (let at = 0; at < events.length; at += size) told.push(...viewers.apply(events.slice(at, at + size)));
        const { changes, people } = model(events);
        expect(told).toEqual(changes);
        for (const room of ['r1', 'r2']) {
          expect(viewers.size(room)).toBe(people(room).length);
          expect(idsIn(viewers, room).toSorted()).toEqual(
            people(room)
              .filter((one) => !isAnonymous(one))
              .toSorted(),
          );
        }
      }),
      { numRuns: 150 },
    );
  });

  it('come to the same from the read model, however far its rows are ahead of its checkpoint', async () => {
    await fc.assert(
      fc.asyncProperty(histories, fc.nat(160), fc.nat(40), async (events, checkpoint, ahead) => {
        const at = BigInt(checkpoint);
        const viewers = await Viewers.open(readerOf(events, at, at + BigInt(ahead)), eventRegistry, 'e', openRooms);
        expect(viewers.position).toBe(at);
        // The log goes on where the slowest of all views is: what is known already comes again.
        viewers.apply(events);
        const { people } = model(events);
        for (const room of ['r1', 'r2']) expect(viewers.size(room)).toBe(people(room).length);
        const { people: onOne } = model(events.filter(({ data }) => data.node === 'n1'));
        const found = [...viewers.on('n1')].map(({ room, userId }) => `${room} ${userId}`);
        expect(found.toSorted()).toEqual(
          ['r1', 'r2'].flatMap((room) => onOne(room).map((user) => `${room} ${user}`)).toSorted(),
        );
      }),
      { numRuns: 150 },
    );
  });

  it('begin with the whole log where the rows are of another log, and tell nothing of rooms that are closed', async () => {
    const entered = recorded({
      type: 'ViewerEntered',
      data: { roomId: 'r1', userId: 'ann', node: 'n1', profile: {} },
    });
    const viewers = await Viewers.open(readerOf([entered], 5n, 5n), eventRegistry, 'another', {
      ...openRooms,
      isOpen: () => false,
    });
    expect(viewers.position).toBe(-1n);
    expect(viewers.apply([entered])).toEqual([]);
    expect(viewers.size('r1')).toBe(1);
  });
});

describe('what says nothing of the room', () => {
  const data = { roomId: 'r1', userId: 'ann', node: 'n1', profile: {} };
  const entered = recorded({ type: 'ViewerEntered', data });
  const { metadata } = entered;
  const strange: [string, RecordedEvent][] = [
    ['an event of another world', { ...entered, metadata: { ...metadata, world: 'other' } }],
    ['one without a node', { ...entered, data: { roomId: 'r1', userId: 'ann', profile: {} } }],
    ['one whose person is no text', { ...entered, data: { ...data, userId: 7 } }],
    ['one without a profile', { ...entered, data: { roomId: 'r1', userId: 'ann', node: 'n1' } }],
    ['one without data', { ...entered, data: null as never }],
  ];
  it.each(strange)('is passed over by the viewers: %s', (_name, event) => {
    const viewers = new Viewers(eventRegistry, openRooms);
    expect(viewers.apply([event])).toEqual([]);
    expect([viewers.size('r1'), viewers.position]).toEqual([0, 0n]);
    expect(viewers.apply([{ ...entered, position: 1n }])).toHaveLength(2);
  });

  it.each(strange.slice(0, 4))('reaches no row of the room in its world: %s', (_name, event) => {
    const rowsAfter = (events: readonly RecordedEvent[]): unknown[] =>
      [...replay(roomViewers, events)].flatMap(([, { row }]) => {
        const viewer = row as RoomViewerRow | undefined;
        return viewer?.world === 'demo' ? [viewer] : [];
      });
    const after = { ...entered, position: 1n };
    expect(rowsAfter([event, after])).toEqual(rowsAfter([after]));
  });

  it('is passed over in rows, too', async () => {
    const foreign = { ...entered, metadata: { ...metadata, world: 'other' } };
    const viewers = await Viewers.open(readerOf([foreign], 5n, 5n), eventRegistry, 'e', openRooms);
    expect([viewers.size('r1'), viewers.nodes().size]).toEqual([0, 0]);
  });
});

it('an invited and a plain person of the same id have a row each', () => {
  const data = { roomId: 'r1', userId: 'client:x', node: 'n1' };
  const events = [
    recorded({ type: 'ViewerEntered', data: { ...data, profile: {}, anonymous: true } }),
    recorded({ type: 'ViewerEntered', data: { ...data, profile: {} } }, { position: 1n }),
    recorded({ type: 'ViewerLeft', data: { ...data, reason: 'left' } }, { position: 2n }),
  ];
  const rows = [...replay(roomViewers, events)].map(([, { row }]) => row as RoomViewerRow);
  expect(rows.map(({ anonymous, present }) => [anonymous, present])).toEqual([
    [true, true],
    [false, false],
  ]);
});
