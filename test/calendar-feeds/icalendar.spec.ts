import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { iCalendar, type FeedMeeting } from '../../src/calendar-feeds/icalendar.js';
import { parseICalendar, textOf, valueOf } from './parse-icalendar.js';

const meeting = (over: Partial<FeedMeeting> = {}): FeedMeeting => ({
  meeting_id: 'm-1',
  status: 'accepted',
  organizer: 'ann',
  subject: 'Talk',
  description: '',
  start: Date.parse('2026-03-29T00:30:00Z'),
  end: Date.parse('2026-03-29T01:30:00Z'),
  created: '2026-01-01T09:00:00.000Z',
  updated: '2026-01-01T09:00:00.000Z',
  people: [{ user: 'ann', status: 'accepted', profile: {} }],
  ...over,
});

const only = async (one: FeedMeeting) => parseICalendar(await iCalendar('demo', [one])).events[0] ?? [];

// oxlint-disable-next-line no-control-regex -- these cannot be said in iCalendar
const unsayable = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;
const said = (text: string): string => text.replaceAll(unsayable, '').replaceAll(/\r\n?/g, '\n');

describe('a meeting in iCalendar', () => {
  it('has its id, its times in UTC and its people with what they answered', async () => {
    const people = [
      { user: 'ann', status: 'accepted', profile: { display_name: 'Ännchen von Lee' } },
      { user: 'b/o b', status: 'received', profile: { firstName: 'Bob "B,\r\n;:" \\', lastName: 'X' } },
      { user: 'cid', status: 'declined', profile: {} },
    ] as const;
    const event = await only(meeting({ people }));
    expect(event).toEqual([
      { name: 'UID', params: {}, value: 'm-1' },
      { name: 'SEQUENCE', params: {}, value: '0' },
      { name: 'DTSTAMP', params: {}, value: '20260101T090000Z' },
      { name: 'DTSTART', params: {}, value: '20260329T003000Z' },
      { name: 'DTEND', params: {}, value: '20260329T013000Z' },
      { name: 'SUMMARY', params: {}, value: 'Talk' },
      { name: 'ORGANIZER', params: { CN: 'Ännchen von Lee' }, value: 'mailto:ann@demo.invalid' },
      {
        name: 'ATTENDEE',
        params: { ROLE: 'CHAIR', PARTSTAT: 'ACCEPTED', CN: 'Ännchen von Lee' },
        value: 'MAILTO:ann@demo.invalid',
      },
      {
        name: 'ATTENDEE',
        params: { ROLE: 'REQ-PARTICIPANT', PARTSTAT: 'NEEDS-ACTION', CN: "Bob 'B, ;:'   X" },
        value: 'MAILTO:b%2Fo%20b@demo.invalid',
      },
      {
        name: 'ATTENDEE',
        params: { ROLE: 'REQ-PARTICIPANT', PARTSTAT: 'DECLINED', CN: 'cid' },
        value: 'MAILTO:cid@demo.invalid',
      },
      { name: 'STATUS', params: {}, value: 'CONFIRMED' },
      { name: 'CREATED', params: {}, value: '20260101T090000Z' },
      { name: 'LAST-MODIFIED', params: {}, value: '20260101T090000Z' },
    ]);
  });

  it('is tentative until it is accepted', async () => {
    expect(valueOf(await only(meeting({ status: 'received' })), 'STATUS')).toBe('TENTATIVE');
  });

  it('has a sequence and a time of change that grow', async () => {
    const times = ['00.000', '00.001', '01.500', '59.000'].map((seconds) => `2026-01-01T09:00:${seconds}Z`);
    const events = await Promise.all(times.map((updated) => only(meeting({ updated }))));
    const seen = events.map((event) => [Number(valueOf(event, 'SEQUENCE')), valueOf(event, 'LAST-MODIFIED')]);
    expect(seen).toEqual([
      [0, '20260101T090000Z'],
      [1, '20260101T090000Z'],
      [2, '20260101T090001Z'],
      [59, '20260101T090059Z'],
    ]);
    const late = await only(meeting({ updated: '2090-01-01T00:00:00.000Z' }));
    expect(Number(valueOf(late, 'SEQUENCE'))).toBeLessThan(2 ** 31);
  });

  it('says whatever it is about, and nothing of it becomes a property (property)', async () => {
    const pieces = fc.constantFrom(
      ',',
      ';',
      '\\',
      '\n',
      '\r\n',
      '\r',
      ':',
      '"',
      'ü',
      '🎉',
      ' ',
      'BEGIN:VEVENT',
      '\u0000',
    );
    const any = fc.array(fc.oneof(pieces, fc.string({ maxLength: 60, unit: 'binary' })), { maxLength: 12 });
    const text = any.map((all) => all.join(''));
    await fc.assert(
      fc.asyncProperty(text, text, text, async (subject, description, name) => {
        const people = [{ user: 'ann', status: 'accepted', profile: { display_name: name } }] as const;
        const event = await only(meeting({ subject, description, people }));
        expect(textOf(valueOf(event, 'SUMMARY') ?? '')).toBe(said(subject));
        expect(textOf(valueOf(event, 'DESCRIPTION') ?? '')).toBe(said(description));
        expect(event.filter((one) => one.name === 'UID')).toHaveLength(1);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a calendar', () => {
  it('without meetings is one all the same', async () => {
    const { calendar, events } = parseICalendar(await iCalendar('demo', []));
    expect(events).toEqual([]);
    expect(calendar.map(({ name }) => name)).toEqual(expect.arrayContaining(['VERSION', 'PRODID', 'REFRESH-INTERVAL']));
  });
});
