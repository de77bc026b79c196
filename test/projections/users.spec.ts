import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { users } from '../../projections/users.js';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import type { UserEvent } from '../../src/users/users.js';
import { replay } from '../faults/oracle.js';
import { recorded } from '../spec/decider-spec.js';
import { circumstances, runThrough, troubles } from './session-runs.js';

function at(data: UserEvent['data'], position: number, world = 'demo'): RecordedEvent {
  const event = recorded({ type: 'UserProfileRecorded', data }, { position: BigInt(position) });
  const stream = `user-${world}/${data.userId}`;
  return { ...event, stream, metadata: { ...event.metadata, world, at: `2026-01-0${position}T09:00:00.000Z` } };
}

describe('the people of a world', () => {
  it('are as the newest token says, with its e-mail in lower case', () => {
    const rows = replay(users, [
      at({ userId: 'ann', profile: {}, traits: [], email: 'Ann@X.org', zoneinfo: 'Asia/Tokyo' }, 1),
      at({ userId: 'bob', profile: {}, traits: [], email: '' }, 2),
      at({ userId: 'ann', profile: {}, traits: [] }, 3, 'other'),
      at({ userId: 'ann', profile: { display_name: 'Ann' }, traits: [], email: 'ÄNN@x.org' }, 4),
    ]);
    const row = { world: 'demo', user: 'ann', email: null, profile: {}, zone: null };
    expect(rows).toEqual(
      new Map([
        [
          'demo/ann',
          {
            position: 4n,
            row: {
              ...row,
              email: 'änn@x.org',
              profile: { display_name: 'Ann' },
              first_seen: '2026-01-01T09:00:00.000Z',
            },
          },
        ],
        ['demo/bob', { position: 2n, row: { ...row, user: 'bob', first_seen: '2026-01-02T09:00:00.000Z' } }],
        ['other/ann', { position: 3n, row: { ...row, world: 'other', first_seen: '2026-01-03T09:00:00.000Z' } }],
      ]),
    );
  });

  it('come to the cold replay whatever is cut off in between (property)', async () => {
    const said = fc.record(
      {
        userId: fc.constantFrom('ann', 'bob', '__proto__'),
        profile: fc.record({ display_name: fc.string({ maxLength: 3 }) }, { requiredKeys: [] }),
        traits: fc.constant([]),
        email: fc.constantFrom('A@x', 'b@X'),
        zoneinfo: fc.constantFrom('UTC', 'Asia/Tokyo'),
      },
      { requiredKeys: ['userId', 'profile', 'traits'] },
    );
    const histories = fc
      .array(fc.tuple(said, fc.constantFrom('demo', 'other')), { maxLength: 9 })
      .map((all) => all.map(([data, world], n) => at(data, n + 1, world)));
    await fc.assert(
      fc.asyncProperty(histories, circumstances, troubles, async (events, given, befalls) => {
        const disk = await runThrough({ model: users, events, given, troubles: befalls });
        expect(disk.rows).toEqual(replay(users, events));
      }),
      { numRuns: 60 },
    );
  });
});
