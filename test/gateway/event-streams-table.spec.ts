import { describe, expect, it } from '@jest/globals';
import { eventRegistry } from '../../src/event-registry.js';
import { wireTable } from '../../src/gateway/wire/index.js';
import type { Place } from '../../src/gateway/wire/wire.js';
import { codesIn, markdown, tableOf } from '../architecture/support/markdown.js';
import { recorded, alice } from '../spec/decider-spec.js';

const session = { userId: 'alice', world: 'demo', traits: [], profile: {} };

/** What an event of the room `r` about the user `u` needs, as the documentation words it. */
function needOf({ topic, need }: Place): string {
  if (!need) return 'nothing in `user:…`';
  const permissions = [need.permission].flat();
  const said = permissions.map((one) => `\`${one}\``).join(' or ');
  if (permissions.every((one) => one.startsWith('world:'))) return said;
  expect(need.room).toBe(need.room === undefined ? undefined : 'r');
  return `${said} in the ${need.room === undefined ? topic : 'room'}`;
}

/** Where an event of the type is found. Of its data only what says where it belongs. */
function placesOf(type: string): readonly Place[] {
  const data = { roomId: 'r', meetingId: 'r', user: 'u', userId: 'u', users: ['u'] };
  return wireTable.streams[type]?.(recorded({ type, data })) ?? [];
}

describe('the table of what can be followed', () => {
  it('has every type of event', () => {
    expect(Object.keys(wireTable.streams).toSorted()).toEqual(eventRegistry.types.toSorted());
  });

  it('is the one of docs/wire.md', async () => {
    const text = await markdown('docs/wire.md');
    const documented = tableOf(text, 'log event').flatMap((row) => {
      const topics = codesIn(row['found in']).map((topic) =>
        topic.replace('<id>', 'r').replace('<who it is for>', 'u'),
      );
      return codesIn(row['log event']).map((type) => ({ type, topics: topics.toSorted(), needs: row['needs'] }));
    });
    const actual = documented.map(({ type }) => {
      const places = placesOf(type);
      return {
        type,
        topics: places.map(({ topic }) => topic).toSorted(),
        needs: [...new Set(places.map(needOf))].join('; '),
      };
    });
    expect(actual).toEqual(documented);
    // All but what is in no topic.
    const [, unlisted = ''] = /^(`.*) is in no topic\./m.exec(text) ?? [];
    for (const type of codesIn(unlisted)) expect([type, placesOf(type)]).toEqual([type, []]);
    const types = [...documented.map(({ type }) => type), ...codesIn(unlisted)];
    expect(types.toSorted()).toEqual(eventRegistry.types.toSorted());
  });

  it('has the kinds of topics documented', async () => {
    const rows = tableOf(await markdown('docs/wire.md'), 'topic');
    const kinds = Object.entries(wireTable.topics).map(async ([kind, { id, needs }]) => {
      const asked: string[] = [];
      const ofMeeting = async (meeting: string, world: string): Promise<string[]> => {
        asked.push(meeting, world);
        return [session.userId];
      };
      const need = await needs(kind === 'user' ? alice.actorId : 'r', session, { ofMeeting });
      const place = need?.room === undefined ? '' : ' in the room';
      const being = asked.length > 0 ? 'being one of its people and ' : '';
      expect(asked).toEqual(kind === 'meeting' ? ['r', 'demo'] : []);
      const said = need ? `${being}\`${need.permission}\`${place}` : 'being that user';
      return [id === undefined ? kind : `${kind}:${id}`, said];
    });
    expect(rows.map((row) => [codesIn(row['topic'])[0], row['following it needs']]).toSorted()).toEqual(
      (await Promise.all(kinds)).toSorted(),
    );
  });
});
