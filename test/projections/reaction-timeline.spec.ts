import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fold, prepare } from '../../projections/engine/fold.js';
import { ParkedStreams } from '../../projections/engine/parked-streams.js';
import type { RowVersion } from '../../projections/engine/stored-row.js';
import { reactionTimeline, type ReactionTimelineRow } from '../../projections/reaction-timeline.js';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import { emojis, type ReactionEvent } from '../../src/reactions/reactions.js';
import { recorded } from '../spec/decider-spec.js';
import { circumstances, runThrough, troubles } from './session-runs.js';

const begin = Date.parse('2026-01-01T09:00:00.000Z');
const heart = '\u2764\uFE0F';

/** A reaction so many milliseconds after the beginning. */
function reacted(
  { data }: Pick<ReactionEvent, 'data'>,
  position: number,
  ms: number,
  { world = 'demo', stream = `reactions-${data.roomId}-a` } = {},
): RecordedEvent {
  const event = recorded({ type: 'ReactionAdded', data }, { stream, position: BigInt(position) });
  return { ...event, metadata: { ...event.metadata, world, at: new Date(begin + ms).toISOString() } };
}

const foldAll = (events: readonly RecordedEvent[]): Map<string, RowVersion<ReactionTimelineRow>> => {
  const rows = new Map<string, RowVersion<ReactionTimelineRow>>();
  fold(
    reactionTimeline,
    prepare(reactionTimeline, events, (event) => event),
    rows,
    new ParkedStreams(),
  );
  return rows;
};

describe('the timeline of reactions', () => {
  it('has a row per room and second, of all nodes', () => {
    const of = (roomId: string, emoji: ReactionEvent['data']['emoji']) => ({ data: { roomId, userId: 'ann', emoji } });
    const rows = foldAll([
      reacted(of('r1', '👏'), 1, 0),
      reacted(of('r1', heart), 2, 999, { stream: 'reactions-r1-b' }),
      reacted(of('r1', '👏'), 5, 400),
      reacted(of('r2', '👏'), 6, 400, { world: 'other' }),
      reacted(of('r1', '👏'), 7, 1_000),
    ]);
    const second = begin / 1_000;
    const row = { world: 'demo', room: 'r1', second };
    expect(rows).toEqual(
      new Map([
        [`r1/${second}`, { position: 5n, row: { ...row, reactions: { '👏': 2, [heart]: 1 }, total: 3 } }],
        [
          `r2/${second}`,
          { position: 6n, row: { world: 'other', room: 'r2', second, reactions: { '👏': 1 }, total: 1 } },
        ],
        [`r1/${second + 1}`, { position: 7n, row: { ...row, second: second + 1, reactions: { '👏': 1 }, total: 1 } }],
      ]),
    );
  });

  it('adds up to the log, and to the cold replay whatever is cut off in between (property)', async () => {
    const reaction = fc.record({
      roomId: fc.constantFrom('r1', 'r2', '__proto__'),
      userId: fc.constantFrom('ann', 'bob'),
      emoji: fc.constantFrom(...emojis),
    });
    const histories = fc
      .array(fc.tuple(reaction, fc.nat({ max: 3_000 }), fc.constantFrom('a', 'b')), { maxLength: 40 })
      .map((all) =>
        all.map(([data, ms, node], n) => reacted({ data }, n * 2, ms, { stream: `reactions-${data.roomId}-${node}` })),
      );
    await fc.assert(
      fc.asyncProperty(histories, circumstances, troubles, async (events, given, befalls) => {
        const disk = await runThrough({ model: reactionTimeline, events, given, troubles: befalls });
        const cold = foldAll(events);
        expect(disk.rows).toEqual(cold);
        const rows = [...cold.values()].flatMap(({ row }) => row ?? []);
        expect(rows.reduce((sum, { total }) => sum + total, 0)).toBe(events.length);
        for (const { reactions, total } of rows) {
          expect(Object.values(reactions).reduce((sum, count) => sum + count, 0)).toBe(total);
        }
      }),
      { numRuns: 60 },
    );
  });
});
