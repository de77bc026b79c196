import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { userMeetings } from '../../projections/user-meetings.js';
import { toCommand } from '../../src/eventsourcing/validation.js';
import { black } from '../../src/meetings/meeting-fields.js';
import { CreateMeeting, CreateMeetingInRoom } from '../../src/meetings/meetings.commands.js';
import {
  CheckPropHasMeetings,
  CheckPropHasMeetingsHandler,
  GetMeeting,
  GetMeetingHandler,
  GetOldMeeting,
  GetOldMeetingHandler,
  ListOldMeetings,
  ListOldMeetingsHandler,
  ListUserMeetingCounts,
  ListUserMeetingCountsHandler,
  ListUserMeetings,
  ListUserMeetingsHandler,
} from '../../src/meetings/meetings.queries.js';
import { caughtUp } from '../../src/read-store/caught-up.js';
import { at, openStage, refusalOf, type Stage } from './stage.js';

let stage: Stage;

beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

const day = { startDate: '2026-03-02T00:00:00Z', endDate: '2026-03-03T00:00:00Z' };

async function list(user: string, query: object = day, over: object = {}): Promise<string[]> {
  const { meetings } = await new ListUserMeetingsHandler(stage.rows).execute(
    await stage.as(user, toCommand(ListUserMeetings, query), over),
  );
  return meetings.map(({ meetingId, status }) => `${meetingId} ${status}`);
}

describe('one meeting', () => {
  const get = async (user: string, meetingId: string, over: object = {}) =>
    new GetMeetingHandler(stage.rows).execute(await stage.as(user, toCommand(GetMeeting, { meetingId }), over));

  it('is shown to its organizer and to everyone invited, whatever they answered', async () => {
    await stage.open('one', ['ann', 'bob', 'cyd']);
    await stage.answer('one', 'cyd', 'declined');
    for (const user of ['ann', 'bob', 'cyd']) {
      expect(await get(user, 'one')).toMatchObject({ meeting: { meetingId: 'one', participantIds: ['ann', 'bob'] } });
    }
  });

  it('is unknown to all others, in another world, once it is deleted, and when there is none', async () => {
    await stage.open('other', ['ann', 'bob'], {}, 'elsewhere');
    await stage.open('gone', ['ann', 'bob']);
    await stage.tell({ type: 'CloseMeeting', meetingId: 'gone' });
    expect(await refusalOf(() => get('dan', 'one'))).toBe('meeting.unknown');
    expect(await refusalOf(() => get('ann', 'other'))).toBe('meeting.unknown');
    expect(await refusalOf(() => get('ann', 'gone'))).toBe('meeting.unknown');
    expect(await refusalOf(() => get('ann', 'none'))).toBe('meeting.unknown');
    // Both ids and keys may hold a slash.
    await stage.open('slashed', ['ann', 'org/bob']);
    expect(await get('org/bob', 'slashed')).toMatchObject({ meeting: { meetingId: 'slashed' } });
    expect(await refusalOf(() => get('bob', 'slashed/org'))).toBe('meeting.unknown');
    expect(await get('ann', 'other', { world: 'elsewhere' })).toMatchObject({ meeting: { networkId: 'elsewhere' } });
  });

  it('is there for one who heard of it a moment ago', async () => {
    const newest = await stage.open('heard', ['ann', 'bob']);
    // The connection itself has written nothing yet.
    expect(await get('bob', 'heard', { after: -1n, newest })).toMatchObject({ meeting: { meetingId: 'heard' } });
  });

  it('is shown to old clients with its people', async () => {
    const profile = { profile: { display_name: 'Bob Bee' }, traits: [] };
    const after = await stage.record('bob', profile);
    const handler = new GetOldMeetingHandler(stage.rows, stage.old);
    const { meeting } = await handler.execute(
      await stage.as('cyd', toCommand(GetOldMeeting, { meetingId: 'one' }), { after }),
    );
    expect(meeting).toMatchObject({ id: 'one', organizer: { id: 'ann', firstName: '' } });
    expect(meeting.invitedUsers.map(({ user, status }) => [user.id, user.lastName, status])).toEqual([
      ['bob', 'Bee', 'received'],
      ['cyd', '', 'declined'],
    ]);
  });

  it('is refused as unavailable, not as unknown, when the read model does not come', async () => {
    const ahead = (await stage.store.head()) + 1_000n;
    expect(await refusalOf(() => caughtUp(stage.projections, userMeetings, { after: ahead }, 20))).toBe(
      'server.unavailable',
    );
  });
});

describe("a person's meetings in a range", () => {
  const user = 'eve';

  beforeAll(async () => {
    await stage.open('b', [user], { startDate: at('02T12:00'), endDate: at('02T13:00') });
    await stage.open('a', [user], { startDate: at('02T12:00'), endDate: at('02T14:00') });
    await stage.open('over-night', ['ann', user], { startDate: at('01T23:00'), endDate: at('02T01:00') });
    await stage.open('until-midnight', [user], { startDate: at('01T23:00'), endDate: at('02T00:00') });
    await stage.open('from-midnight', [user], { startDate: at('03T00:00'), endDate: at('03T01:00') });
    await stage.open('a-year', [user], { startDate: at('02T00:00') - 365 * 24 * 3_600_000, endDate: at('02T00:01') });
    await stage.open('not-hers', ['ann', 'bob'], { startDate: at('02T12:00'), endDate: at('02T13:00') });
    await stage.open('deleted', [user], { startDate: at('02T12:00'), endDate: at('02T13:00') });
    await stage.tell({ type: 'CloseMeeting', meetingId: 'deleted' });
    await stage.answer('over-night', user, 'declined');
  });

  it('are those that overlap it, by their beginning, then by id, with what the person answered', async () => {
    expect(await list(user)).toEqual(['a-year accepted', 'over-night declined', 'a accepted', 'b accepted']);
    expect(await list('ann')).toContain('over-night accepted');
  });

  it('are shown with every field', async () => {
    const query = { startDate: at('02T12:00'), endDate: at('02T12:01') };
    const { meetings } = await new ListUserMeetingsHandler(stage.rows).execute(
      await stage.as(user, toCommand(ListUserMeetings, query)),
    );
    expect(meetings[1]).toEqual({
      userId: user,
      status: 'accepted',
      meetingId: 'b',
      created: new Date('2026-01-01T09:00:00.000Z'),
      subject: 'Stand-up',
      description: 'Daily',
      color: { r: 0, g: 0, b: 0, a: 1 },
      isValid: true,
      organizerId: user,
      participantIds: [user],
      sourceString: 'g1',
      sourceType: 'group',
      sourcePk: 'g1',
      networkId: 'demo',
      startDate: new Date(at('02T12:00')),
      endDate: new Date(at('02T13:00')),
    });
  });

  it('come to old clients in the same order', async () => {
    const handler = new ListOldMeetingsHandler(stage.rows, stage.old);
    const { meetings } = await handler.execute(await stage.as(user, toCommand(ListOldMeetings, day)));
    expect(meetings.map(({ id }) => id)).toEqual(['a-year', 'over-night', 'a', 'b']);
  });

  it('are none of another world', async () => {
    expect(await list(user, day, { world: 'elsewhere' })).toEqual([]);
  });
});

describe('a long list', () => {
  const many = { startDate: at('01T00:00'), endDate: '2027-03-01T00:00:00Z' };
  const old = async (user: string, query: object) => {
    const handler = new ListOldMeetingsHandler(stage.rows, stage.old);
    return (await handler.execute(await stage.as(user, toCommand(ListOldMeetings, query)))).meetings;
  };
  const ids = (count: number, of: string) => Array.from({ length: count }, (_none, n) => `${of}-${n}`);

  it('of up to 1,000 meetings is answered, a longer one asks for a shorter range and says so', async () => {
    await stage.writeRows(ids(1_001, 'long'), ['kim', 'lou'], { startDate: at('02T00:00') });
    const shorter = { ...many, endDate: at('02T00:00') + 1_000 * 3_600_000 };
    expect(await list('lou', shorter)).toEqual(ids(1_000, 'long').map((id) => `${id} received`));
    expect(await old('kim', shorter)).toHaveLength(1_000);
    const message = 'ask for a shorter range; there are more than 1000 meetings in this one';
    const refusal = { code: 'protocol.invalid', message, details: [{ field: 'endDate', message }] };
    await expect(list('lou', many)).rejects.toMatchObject(refusal);
    await expect(old('kim', many)).rejects.toMatchObject(refusal);
    const { meetingCounts } = await new ListUserMeetingCountsHandler(stage.rows).execute(
      await stage.as(
        'lou',
        toCommand(ListUserMeetingCounts, { localDateNow: '2026-03-01T00:00:00Z', offset: 0, size: 1_000 }),
      ),
    );
    expect(meetingCounts.reduce((sum, { count }) => sum + count, 0)).toBe(1_001);
  });

  it('needs no row of those who are invited: as many people as there are, it reads two rows of each meeting', async () => {
    const invited = ids(200, 'guest');
    await stage.writeRows(ids(20, 'big'), ['mia', ...invited]);
    const rows = await stage.projections.collection(userMeetings);
    await rows.deleteMany({ meeting_id: /^big-/, place: { $gt: 1 } });
    for (const user of ['mia', 'guest-0']) {
      const { meetings } = await new ListUserMeetingsHandler(stage.rows).execute(
        await stage.as(user, toCommand(ListUserMeetings, many)),
      );
      expect(meetings).toHaveLength(20);
      for (const one of meetings) {
        expect(one).toMatchObject({ participantIds: ['mia', ...invited], description: 'Daily', color: black });
      }
    }
  });

  it('leaves out a meeting whose rows are still being written', async () => {
    await stage.writeRows(['half', 'done'], ['nan', 'pia']);
    await (await stage.projections.collection(userMeetings)).deleteMany({ meeting_id: 'half', place: 0 });
    expect(await list('pia', many)).toEqual(['done received']);
  });
});

describe('inviting people', () => {
  const invite = (count: number) => Array.from({ length: count }, (_none, n) => `u-${n}`);
  const create = (invitedUserIds: readonly string[]) =>
    toCommand(CreateMeeting, { sourceType: 'group', sourceIds: ['g'], subject: 'Talk', ...day, invitedUserIds });
  const createInRoom = (invitedUserIds: readonly string[]) =>
    toCommand(CreateMeetingInRoom, { meeting: { subject: 'Talk', roomId: 'r', ...day, invitedUserIds } });

  it('is for up to 200 of them', async () => {
    expect(create(invite(200)).invitedUserIds).toHaveLength(200);
    expect(createInRoom(invite(200)).meeting.invitedUserIds).toHaveLength(200);
    expect(await refusalOf(() => create(invite(201)))).toBe('protocol.invalid invitedUserIds');
    expect(await refusalOf(() => createInRoom(invite(201)))).toBe('protocol.invalid meeting.invitedUserIds');
  });
});

describe('meetings of a source', () => {
  const [user, friend] = ['fay', 'gus'];
  const inSource = (sourceType?: string, ...sourceIds: string[]) =>
    list(user, { ...day, ...(sourceType && { sourceType }), ...(sourceIds.length > 0 && { sourceIds }) });

  beforeAll(async () => {
    await stage.open('s-room', [user], { sourceType: 'room', sourceIds: ['r'] });
    await stage.open('s-prop', [user], { sourceType: 'prop', sourceIds: ['r', 'p'] });
    await stage.open('s-group', [user], { sourceType: 'group', sourceIds: ['r'] });
    await stage.open('t-by', [user, friend], { sourceType: 'direct', sourceIds: [friend] });
    await stage.open('t-with', [friend, user], { sourceType: 'direct', sourceIds: [user] });
    await stage.open('t-other', [user, 'hal'], { sourceType: 'direct', sourceIds: ['hal'] });
    // Of two others, who took the person along.
    await stage.open('t-guest', [friend, 'hal', user], { sourceType: 'direct', sourceIds: ['hal'] });
  });

  it('are found exactly', async () => {
    expect(await inSource('room', 'r')).toEqual(['s-room accepted']);
    expect(await inSource('prop', 'r', 'p')).toEqual(['s-prop accepted']);
    expect(await inSource('prop', 'r', 'q')).toEqual([]);
    expect(await inSource('group', 'r')).toEqual(['s-group accepted']);
  });

  it('between two people are found from either side', async () => {
    expect(await inSource('direct', friend)).toEqual(['t-by accepted', 't-with received']);
  });

  it('are found by type alone', async () => {
    const all = 't-by accepted, t-guest received, t-other accepted, t-with received';
    expect(await inSource('direct')).toEqual(all.split(', '));
    expect(await inSource('prop')).toEqual(['s-prop accepted']);
  });

  it('are all of them in the own network, and none in another', async () => {
    expect(await inSource('network', 'demo')).toHaveLength(7);
    expect(await inSource('network')).toHaveLength(7);
    expect(await inSource('network', 'elsewhere')).toEqual([]);
  });

  it.each([
    [{ ...day, sourceIds: ['r'] }, 'sourceIds'],
    [{ ...day, sourceType: 'prop', sourceIds: ['r'] }, 'sourceIds'],
    [{ ...day, sourceType: 'network', sourceIds: ['demo', 'x'] }, 'sourceIds'],
    [{ ...day, sourceType: 'planet' }, 'sourceType'],
    [{ startDate: day.endDate, endDate: day.startDate }, 'endDate'],
    [{ startDate: day.startDate }, 'endDate'],
    [{ ...day, startDate: '2026-03-02T00:00:00' }, 'startDate'],
    [{ ...day, page: 1 }, 'page'],
  ])('are refused for %j', async (query, field) => {
    expect(await refusalOf(() => toCommand(ListUserMeetings, query))).toBe(`protocol.invalid ${field}`);
  });
});

describe('whether a prop has meetings', () => {
  const has = async (roomId: string, propId: string, over: object = {}): Promise<boolean> => {
    const query = toCommand(CheckPropHasMeetings, { roomId, propId });
    const handler = new CheckPropHasMeetingsHandler(stage.rows);
    return (await handler.execute(await stage.as('zoe', query, over))).hasMeetingsOrSocialSessions;
  };
  const times = (from: number, until: number) => {
    return { startDate: Date.now() + from, endDate: Date.now() + until };
  };

  it("is true for anyone's that is not over and not deleted", async () => {
    const prop = (propId: string) => ({ sourceType: 'prop', sourceIds: ['pr', propId] }) as const;
    await stage.open('p-now', ['ann'], { ...prop('now'), ...times(-60_000, 60_000) });
    await stage.open('p-over', ['ann'], { ...prop('over'), ...times(-60_000, -1) });
    await stage.open('p-deleted', ['ann'], { ...prop('deleted'), ...times(0, 60_000) });
    await stage.tell({ type: 'CloseMeeting', meetingId: 'p-deleted' });
    await stage.open('p-room', ['ann'], { sourceType: 'room', sourceIds: ['pr'], ...times(0, 60_000) });
    expect(await Promise.all(['now', 'over', 'deleted', 'none'].map((prop_) => has('pr', prop_)))).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect(await has('other', 'now')).toBe(false);
    expect(await has('pr', 'now', { world: 'elsewhere' })).toBe(false);
  });
});
