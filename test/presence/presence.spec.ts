import { describe, expect, it } from '@jest/globals';
import { fullness, presence } from '../../src/presence/presence.js';
import { golden } from '../spec/decider-spec.js';

const entered = { roomId: 'r1', userId: 'ann', node: 'n1', profile: { display_name: 'Ann' } };
const left = { roomId: 'r1', userId: 'ann', node: 'n1', reason: 'left' } as const;

describe('events of presence', () => {
  golden(presence, {
    ViewerEntered: [{ schema: 1, stored: { ...entered, anonymous: true } }],
    ViewerLeft: [{ schema: 1, stored: { ...left, anonymous: true } }],
  });
});

describe('the state of a presence stream', () => {
  it('is who is in the room on that node', () => {
    const after = presence.evolve(presence.initial, { type: 'ViewerEntered', data: entered });
    expect([...after.people]).toEqual([['ann', { userId: 'ann', profile: { display_name: 'Ann' }, anonymous: false }]]);
    expect(presence.evolve(after, { type: 'ViewerLeft', data: left }).people.size).toBe(0);
  });
});

it('a room is told to be as full as the contract says', () => {
  expect([0, 1, 10, 11, 5_000].map(fullness)).toEqual(['none', 'few', 'few', 'many', 'many']);
});
