import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MeetingNews } from '../../src/meetings/meeting-news.js';
import type { JsonObject } from '../../src/eventsourcing/events.js';
import type { EventsListener } from '../../src/gateway/live-log.js';
import type { Delivery } from '../../src/gateway/wire/wire.js';
import { recorded } from '../spec/decider-spec.js';
import { openStage, type Stage } from './stage.js';

type ToPeople = Extract<Delivery, { readonly people: readonly string[] }>;

let stage: Stage;
let news: MeetingNews;
/** What was published, in order. */
let told: ToPeople[];
let errors: string[];
/** Who is connected here; `old` asked for the events of deprecated endpoints. */
let here: Set<string>;
let old: Set<string>;
let listener: EventsListener;
let looked: number;
let followed: bigint;

beforeEach(async () => {
  stage = await openStage();
  [told, errors, here, old, looked, followed] = [[], [], new Set(['ann', 'bob', 'cyd']), new Set(), 0, -1n];
  news = new MeetingNews({
    live: { onEvents: (take) => (listener = take), publish: (delivery) => void told.push(delivery as ToPeople) },
    people: {
      hasPeople: (_world, users, { deprecated = false } = {}) =>
        users.some((user) => (deprecated ? old : here).has(user)),
    },
    loop: {
      stateOf: (...which) => {
        looked++;
        return stage.loop.stateOf(...which);
      },
    },
    old: stage.old,
    log: { error: (_context, message) => void errors.push(message) },
  });
});
afterEach(() => stage.close());

/** Hands over what the log has since the last time, as the live log does, and waits until it was told. */
async function follow(): Promise<void> {
  const events = [];
  for await (const event of stage.store.readAll({ after: followed })) events.push(event);
  followed = events.at(-1)?.position ?? followed;
  listener(events);
  await news.settled();
}

const heard = () => told.map(({ name, people }) => [name, ...people]);

describe('news of meetings', () => {
  it('go to the organizer and to everyone invited who has not declined', async () => {
    await stage.open('m', ['ann', 'bob', 'cyd']);
    await stage.answer('m', 'bob', 'declined', 0);
    await follow();
    await stage.answer('m', 'cyd', 'accepted', 0);
    await follow();
    expect(heard()).toEqual([
      ['meeting:onMeetingCreated', 'ann', 'bob', 'cyd'],
      // Whoever declines hears that.
      ['meeting:onMeetingUpdated', 'ann', 'bob', 'cyd'],
      ['meeting:onMeetingUpdated', 'ann', 'cyd'],
    ]);
    expect(
      told.every(({ world, need, deprecated }) => world === 'demo' && need.permission === 'world:view' && !deprecated),
    ).toBe(true);
  });

  it('tell the meeting as it was right after what happened, not as it is by now', async () => {
    await stage.open('m', ['ann', 'bob']);
    const patch = { subject: 'Later' };
    await stage.tell({ type: 'ReviseMeeting', meetingId: 'm', booking: '1', updated: '2026-03-01T00:00:00Z', patch });
    await stage.tell({ type: 'CloseMeeting', meetingId: 'm' });
    await follow();
    expect(told.map(({ body }) => body)).toEqual([
      { meeting: expect.objectContaining({ meetingId: 'm', subject: 'Stand-up' }) },
      { meeting: expect.objectContaining({ meetingId: 'm', subject: 'Later' }) },
      { meetingId: 'm' },
    ]);
    expect(heard().map(([name]) => name)).toEqual([
      'meeting:onMeetingCreated',
      'meeting:onMeetingUpdated',
      'meeting:onMeetingDeleted',
    ]);
  });

  it('tell that the room is gone', async () => {
    await stage.open('m', ['ann'], { sourceType: 'room', sourceIds: ['r1'] });
    await stage.tell({ type: 'InvalidateMeeting', meetingId: 'm', roomId: 'r1' });
    await follow();
    expect(told.at(-1)).toMatchObject({
      name: 'meeting:onMeetingUpdated',
      body: { meeting: { meetingId: 'm', isValid: false } },
    });
  });

  it('tell connections for deprecated endpoints the old way besides', async () => {
    old.add('bob');
    await stage.open('m', ['ann', 'bob']);
    await stage.answer('m', 'bob', 'accepted', 0);
    await stage.tell({ type: 'CloseMeeting', meetingId: 'm' });
    await follow();
    expect(told.map(({ name, deprecated = false }) => [name, deprecated])).toEqual([
      ['meeting:onMeetingCreated', false],
      ['meeting:onMeetingUpdated', false],
      ['meeting:meetingUpdated', true],
      ['meeting:onMeetingDeleted', false],
      ['meeting:meetingDeleted', true],
    ]);
    expect(told[2]?.body).toMatchObject({
      meeting: { id: 'm', invitedUsers: [{ user: { id: 'bob' }, status: 'accepted' }] },
    });
    expect(told[4]?.body).toEqual({ meetingId: 'm' });
  });

  it('cost no look at a meeting nobody here is concerned with', async () => {
    here.clear();
    await stage.open('m', ['ann', 'bob']);
    await follow();
    expect([looked, told]).toEqual([0, []]);
    here.add('bob');
    await stage.answer('m', 'bob', 'declined', 0);
    await follow();
    expect(heard()).toEqual([['meeting:onMeetingUpdated', 'ann', 'bob']]);
  });

  it('go on after one that could not be told', async () => {
    await stage.open('m', ['ann', 'bob']);
    await stage.answer('m', 'bob', 'accepted', 0);
    const { stateOf } = stage.loop;
    stage.loop.stateOf = () => Promise.reject(new Error('no store'));
    const first = follow();
    await first;
    stage.loop.stateOf = stateOf;
    await stage.answer('m', 'bob', 'declined', 1);
    await follow();
    expect(errors).toEqual(Array(2).fill('people could not be told of a meeting'));
    expect(heard()).toEqual([['meeting:onMeetingUpdated', 'ann', 'bob']]);
  });

  it('pass over events of any shape', async () => {
    const shapes: JsonObject[] = [
      {},
      { meetingId: 1, users: ['ann'] },
      { meetingId: 'm', users: 'ann' },
      { meetingId: 'm', users: [1] },
    ];
    listener(shapes.map((data) => recorded({ type: 'MeetingCreated', data })));
    await news.settled();
    expect([told, errors, looked]).toEqual([[], [], 0]);
  });
});
