import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { black } from '../../src/meetings/meeting-fields.js';
import { meetingView, oldMeetingView, type KnownMeeting } from '../../src/meetings/meeting-views.js';
import { plan } from './stage.js';

/** Where the original document lies beside the repository; absent in a plain clone. */
const seed = '../shared/seeds/004_104ef59ab785aaf3.txt';

const meeting: KnownMeeting = {
  meetingId: 'm1',
  world: 'demo',
  organizerId: 'ann',
  isValid: true,
  created: '2026-02-01T00:00:00.000Z',
  updated: '2026-02-02T00:00:00.000Z',
  plan,
  invited: [
    { userId: 'bob', status: 'declined' },
    { userId: 'cyd', status: 'received' },
    { userId: 'dan', status: 'accepted' },
  ],
};
const inProp: KnownMeeting = { ...meeting, plan: { ...plan, sourceType: 'prop', sourceIds: ['r1', 'p1'] } };
const named = {
  roomTitle: (room: string) => (room === 'r1' ? 'Hall' : ''),
  profile: (user: string) => ({ display_name: `${user} Example` }),
};

describe('a meeting as it is shown', () => {
  it('has its participants without those who declined', () => {
    expect(meetingView(meeting)).toEqual({
      meetingId: 'm1',
      created: new Date('2026-02-01T00:00:00.000Z'),
      subject: 'Stand-up',
      description: 'Daily',
      color: black,
      isValid: true,
      organizerId: 'ann',
      participantIds: ['ann', 'cyd', 'dan'],
      sourceString: 'g1',
      sourceType: 'group',
      sourcePk: 'g1',
      networkId: 'demo',
      startDate: new Date(plan.startDate),
      endDate: new Date(plan.endDate),
    });
  });

  it('joins the ids of its source', () => {
    expect(meetingView(inProp)).toMatchObject({ sourceString: 'r1+p1', sourceType: 'prop', sourcePk: 'r1' });
  });
});

describe('a meeting as old clients are shown it', () => {
  it('in a prop', () => {
    const person = (id: string) => expect.objectContaining({ id, firstName: id, lastName: 'Example' });
    expect(oldMeetingView(inProp, named)).toEqual({
      id: 'm1',
      created: new Date('2026-02-01T00:00:00.000Z'),
      updated: new Date('2026-02-02T00:00:00.000Z'),
      startDate: new Date(plan.startDate),
      endDate: new Date(plan.endDate),
      subject: 'Stand-up',
      roomId: 'r1',
      propId: 'p1',
      color: black,
      isValid: true,
      room: { id: 'r1', title: 'Hall', thumbnail: null },
      prop: { id: 'p1', title: '' },
      organizer: person('ann'),
      invitedUsers: [
        { user: person('bob'), status: 'declined' },
        { user: person('cyd'), status: 'received' },
        { user: person('dan'), status: 'accepted' },
      ],
    });
  });

  it('in a room has no prop, elsewhere neither', () => {
    const room: KnownMeeting = { ...meeting, plan: { ...plan, sourceType: 'room', sourceIds: ['r2'] } };
    expect(oldMeetingView(room, named)).toMatchObject({ roomId: 'r2', propId: '', room: { title: '' }, prop: null });
    expect(oldMeetingView(meeting, named)).toMatchObject({ roomId: '', propId: '', room: null, prop: null });
  });
});

/** Names of the fields of the first meeting that is printed under a heading of the document. */
function printedFields(heading: string): string[] {
  const text = readFileSync(seed, 'utf8');
  const [, after = ''] = text.split(new RegExp(`^${heading}\\n(?:Method|Event):`, 'm'));
  const [, body = ''] = after.split(/^"meetings?": \[?{$/m);
  const fields: string[] = [];
  let depth = 0;
  for (const line of body.split('\n')) {
    if (depth === 0 && line.startsWith('}')) break;
    const [, name] = /^"(\w+)":/.exec(line) ?? [];
    if (depth === 0 && name) fields.push(name);
    depth += (line.match(/{/g)?.length ?? 0) - (line.match(/}/g)?.length ?? 0);
  }
  return fields.toSorted();
}

function hasPrintedFields(): void {
  expect(Object.keys(meetingView(meeting)).toSorted()).toEqual(printedFields('On meeting created event'));
  expect(Object.keys(oldMeetingView(meeting, named)).toSorted()).toEqual(printedFields('On meeting updated event'));
}

describe('the fields', () => {
  (existsSync(seed) ? it : it.skip)('are those of the original document', hasPrintedFields);
});
