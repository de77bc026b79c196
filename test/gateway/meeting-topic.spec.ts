import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { call, history, Stage } from './event-streams-parts.js';

let stage: Stage;
let meeting: string;
let foreign: string;
let deleted: string;

beforeAll(async () => {
  stage = await Stage.open();
  meeting = await stage.meeting('ann', ['bob']);
  foreign = await stage.meeting('ann', ['bob'], 'other');
  deleted = await stage.meeting('ann', ['bob']);
  await stage.onMeeting({ type: 'CloseMeeting', meetingId: deleted });
});

afterEach(() => stage.stopServing());
afterAll(() => stage.close());

describe('a meeting', () => {
  it('can be followed by its organizer and everyone invited, also who declined', async () => {
    const one = await stage.meeting('ann', ['bob', 'dan']);
    const said = { status: 'declined' } as const;
    await stage.onMeeting({ type: 'NoteAnswer', meetingId: one, userId: 'dan', answer: '0', said });
    const harness = await stage.serve();
    for (const user of ['ann', 'bob', 'dan']) {
      const client = await harness.client(user);
      const topics = [`meeting:${one}`];
      expect(await call(client, 'events.subscribe', { topics, after: 'start' })).toEqual({});
      const { events } = await history(client);
      expect(events.map(({ type }) => type)).toEqual(['MeetingCreated', 'MeetingDeclined']);
    }
    const clients = await Promise.all(['ann', 'dan'].map((user) => harness.client(user)));
    for (const client of clients) {
      await call(client, 'events.subscribe', { topics: [`meeting:${one}`] });
      await history(client);
    }
    await stage.onMeeting({ type: 'CloseMeeting', meetingId: one });
    for (const client of clients) expect(await client.next()).toMatchObject(['event', { type: 'MeetingDeleted' }]);
  });

  it('is unknown to everybody else, as one that is not there, is over or is of another world', async () => {
    const harness = await stage.serve();
    const refusal = async (token: string, id: string): Promise<unknown> =>
      call(await harness.client(token), 'events.subscribe', { topics: [`meeting:${id}`] });
    const unknown = await refusal('ann', randomUUID());
    const { message } = unknown as { message: string };
    const details = [{ field: 'topics', message: `topics[0]: ${message}` }];
    expect(unknown).toEqual({ code: 'meeting.unknown', message, details });
    for (const [token, id] of [
      ['cid', meeting],
      ['adm+admin', meeting],
      // With an invite, under the organizer's id.
      ['ann#hall', meeting],
      ['ann', foreign],
      ['ann', deleted],
      ['ann', meeting.toUpperCase()],
      ['ann', 'm1'],
      ['ann', '🎉'.repeat(390)],
    ] as const) {
      expect([token, id, await refusal(token, id)]).toEqual([token, id, unknown]);
    }
  });

  it('comes to nobody who is in the topic by another meeting of its', async () => {
    const harness = await stage.serve();
    const [ann, cid] = await Promise.all(['ann', 'cid'].map((user) => harness.client(user)));
    const own = await stage.meeting('cid', []);
    if (!ann || !cid) throw new Error('two clients');
    await call(ann, 'events.subscribe', { topics: [`meeting:${meeting}`, 'user:ann'] });
    await call(cid, 'events.subscribe', { topics: [`meeting:${own}`, 'user:cid', 'world'] });
    await Promise.all([history(ann), history(cid)]);
    const said = { status: 'declined' } as const;
    await stage.onMeeting({ type: 'NoteAnswer', meetingId: meeting, userId: 'bob', answer: '3', said });
    await stage.onMeeting({ type: 'CloseMeeting', meetingId: own });
    expect(await ann.next()).toMatchObject(['event', { type: 'MeetingDeclined' }]);
    expect(await cid.next()).toMatchObject(['event', { type: 'MeetingDeleted' }]);
  });
});
