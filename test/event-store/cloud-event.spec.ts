import { describe, expect, it } from '@jest/globals';
import { CloudEvent as Standard } from 'cloudevents';
import { toCloudEvent } from '../../src/event-store/cloud-event.js';
import { formatPosition, parsePosition } from '../../src/event-store/position.js';
import { someEvent } from '../contract/event-store-helpers.js';

describe('an event as CloudEvents JSON', () => {
  const event = { ...someEvent('RoomCreated', { name: 'Foyer' }), stream: 'room-1', revision: 3n, position: 17n };

  it('is accepted by the standard’s own library, and says who, why, when and where', () => {
    const made = toCloudEvent(event, 'epoch-1');
    expect(new Standard({ ...made }, true).toJSON()).toEqual({ ...made });
    expect(made).toMatchObject({
      type: 'RoomCreated',
      source: '/worlds/world',
      subject: 'room-1',
      position: 'epoch-1.17',
      revision: '3',
      actorid: 'actor',
    });
  });
});

describe('a position in the open', () => {
  it('comes back as it was given out', () => {
    expect(parsePosition('a-b', formatPosition('a-b', 12n))).toBe(12n);
  });

  it('is told apart from one of another log', () => {
    expect(parsePosition('new', formatPosition('old', 12n))).toBe('another_log');
  });

  it.each(['', '12', 'a.', 'a.-1', 'a.01', 'a.1x', 'a b.1', `a.${'9'.repeat(20)}`])('is not %p', (text) => {
    expect(parsePosition('a', text)).toBeUndefined();
  });
});
