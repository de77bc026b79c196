import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { parseSchedule, type Schedule } from '../../src/cli/import/schedule.js';
import { bundledPath, hasReal, problemsOf, realPath, small, talk, type File } from './schedules.js';

const parse = (file: unknown): Schedule => parseSchedule(JSON.stringify(file));

const sessionCount = ({ rooms }: Schedule): number => rooms.flatMap(({ sessions }) => sessions).length;

describe('a schedule file', () => {
  it('becomes rooms with their sessions', () => {
    expect(parse(small())).toEqual({
      conference: { acronym: 'tiny-2030', title: 'Tiny Conf', time_zone: 'Europe/Paris' },
      rooms: [
        {
          key: 'guid-main',
          name: 'Main',
          description: 'The big one',
          capacity: 100,
          sessions: [
            {
              id: '1',
              code: 'CODE1',
              title: 'Talk 1',
              start: '2030-03-01T10:00:00+01:00',
              end: '2030-03-01T11:30:00+01:00',
              duration: 90,
              language: 'fr',
              type: 'Talk',
              track: 'Web',
              abstract: 'Short.',
              url: 'https://example.org/talk',
              do_not_record: false,
              persons: [{ name: 'Ann', code: 'P1' }],
              links: [{ title: 'Slides', url: 'https://example.org/slides' }],
            },
          ],
        },
        {
          key: 'side',
          name: 'Side',
          sessions: [expect.objectContaining({ id: '2', end: '2030-03-02T01:00:00+01:00' })],
        },
      ],
    });
  });

  it('may be the bundled one', () => {
    const schedule = parseSchedule(readFileSync(bundledPath, 'utf8'));
    expect([schedule.rooms.length, sessionCount(schedule)]).toEqual([5, 16]);
  });

  (hasReal ? describe : describe.skip)('of a real conference', () => {
    it('has 13 rooms and 93 sessions', () => {
      const schedule = parseSchedule(readFileSync(realPath, 'utf8'));
      expect([schedule.rooms.length, sessionCount(schedule)]).toEqual([13, 93]);
    });
  });

  it('may be an older one without a list of rooms', () => {
    const file = small();
    delete file.schedule.conference.rooms;
    expect(parse(file).rooms.map(({ key, name }) => [key, name])).toEqual([
      ['main', 'Main'],
      ['side', 'Side'],
    ]);
  });

  it('may have a day without rooms as an empty list', () => {
    const file = small();
    Object.assign(file.schedule.conference.days[1] ?? {}, { rooms: [] });
    expect(sessionCount(parse(file))).toBe(2);
  });

  it('may begin with a byte order mark, and what begins after midnight belongs to the day before', () => {
    const file = small();
    file.schedule.conference.days[0]?.rooms.Side?.push(talk(3, '2030-03-02T00:30:00+01:00', 'Side'));
    expect(sessionCount(parseSchedule(`\ufeff${JSON.stringify(file)}`))).toBe(3);
  });

  const room = 'schedule.conference.days[0].rooms.Main';
  const session = `${room}[0]`;
  const bad: readonly [string, (file: File, first: Record<string, unknown>) => void, readonly string[]][] = [
    ['no schedule', (file) => Reflect.deleteProperty(file, 'schedule'), ['schedule: an object']],
    [
      'no conference',
      (file) => Reflect.deleteProperty(file.schedule, 'conference'),
      ['schedule.conference: an object'],
    ],
    [
      'no acronym',
      ({ schedule }) => delete schedule.conference.acronym,
      ['schedule.conference.acronym: a text of 1 to 90'],
    ],
    [
      'a blank title',
      ({ schedule }) => (schedule.conference.title = ' '),
      ['schedule.conference.title: a text of 1 to 300'],
    ],
    [
      'an unknown zone',
      ({ schedule }) => (schedule.conference.time_zone_name = 'Mars/X'),
      ['schedule.conference.time_zone_name: an IANA'],
    ],
    [
      'an end before the start',
      ({ schedule }) => (schedule.conference.end = '2030-02-28'),
      ['schedule.conference.end: a day not before'],
    ],
    [
      'a day that does not exist',
      ({ schedule }) => (schedule.conference.start = '2030-02-30'),
      ['schedule.conference.start: a day'],
    ],
    [
      'no days',
      (file) => Reflect.deleteProperty(file.schedule.conference, 'days'),
      ['schedule.conference.days: a list'],
    ],
    [
      'a day without a date',
      ({ schedule }) => delete schedule.conference.days[1]?.date,
      ['schedule.conference.days[1].date: a day'],
    ],
    [
      'rooms that are no object',
      ({ schedule }) => Object.assign(schedule.conference.days[1] ?? {}, { rooms: 5 }),
      ['schedule.conference.days[1].rooms: an object'],
    ],
    [
      'sessions that are no list',
      ({ schedule }) => Object.assign(schedule.conference.days[0]?.rooms ?? {}, { Main: {} }),
      [`${room}: a list`],
    ],
    [
      'a room the conference does not have',
      ({ schedule }) => Object.assign(schedule.conference.days[0]?.rooms ?? {}, { 'B 003': [] }),
      ['schedule.conference.days[0].rooms["B 003"]: a room that is among'],
    ],
    [
      'no rooms',
      ({ schedule }) => Object.assign(schedule.conference, { rooms: [], days: [] }),
      ['schedule.conference: at least one room'],
    ],
    [
      'two rooms of one name',
      ({ schedule }) => schedule.conference.rooms?.push({ name: ' mAIN', slug: 'x' }),
      ['schedule.conference.rooms[2].name: a name of its own'],
    ],
    [
      'two rooms of one slug',
      ({ schedule }) => schedule.conference.rooms?.push({ name: 'Third', slug: 'side' }),
      ['schedule.conference.rooms[2].slug: an id of its own'],
    ],
    [
      'a room name of 301 characters',
      ({ schedule }) => schedule.conference.rooms?.push({ name: 'x'.repeat(301) }),
      ['schedule.conference.rooms[2].name: a text of 1 to 300'],
    ],
    [
      'half a seat',
      ({ schedule }) => schedule.conference.rooms?.push({ name: 'Third', capacity: 1.5 }),
      ['schedule.conference.rooms[2].capacity: a whole number'],
    ],
    [
      'a long description',
      ({ schedule }) => schedule.conference.rooms?.push({ name: 'Third', description: 'x'.repeat(10_001) }),
      ['schedule.conference.rooms[2].description: a text of 1 to 10000'],
    ],
    ['no duration', (_file, first) => delete first.duration, [`${session}.duration: a duration such as 01:30`]],
    ['a duration in minutes', (_file, first) => (first.duration = 90), [`${session}.duration: a duration`]],
    [
      'a duration of 90 minutes past',
      (_file, first) => (first.duration = '00:90'),
      [`${session}.duration: a duration`],
    ],
    ['a duration of nothing', (_file, first) => (first.duration = '00:00'), [`${session}.duration: a duration`]],
    [
      'a date without offset',
      (_file, first) => (first.date = '2030-03-01T10:00:00'),
      [`${session}.date: a date and time with offset`],
    ],
    [
      'a date that does not exist',
      (_file, first) => (first.date = '2030-02-30T10:00:00+01:00'),
      [`${session}.date: a date and time`],
    ],
    [
      'a date on another day',
      (_file, first) => (first.date = '2030-03-05T10:00:00+01:00'),
      [`${session}.date: a time on the day`],
    ],
    [
      'a start that is not the date’s',
      (_file, first) => (first.start = '11:00'),
      [`${session}.start: the time of its date, 10:00`],
    ],
    ['a start that is no time', (_file, first) => (first.start = '25:00'), [`${session}.start: a time of day`]],
    ['another room', (_file, first) => (first.room = 'Side'), [`${session}.room: the room it is listed under, "Main"`]],
    [
      'an id of another',
      (_file, first) => (first.id = 2),
      ['schedule.conference.days[0].rooms.Side[0].id: an id of its own'],
    ],
    [
      'no id',
      (_file, first) => Object.assign(first, { id: undefined, guid: undefined }),
      [`${session}.id: a number or a text`],
    ],
    ['no title', (_file, first) => (first.title = null), [`${session}.title: a text`]],
    ['half a character', (_file, first) => (first.title = 'a\ud800'), [`${session}.title: a text`]],
    [
      'a person without a name',
      (_file, first) => (first.persons = [{}, 5]),
      [`${session}.persons[0].name: a text`, `${session}.persons[1]: an object`],
    ],
    [
      'two mistakes',
      (_file, first) => Object.assign(first, { title: '', duration: '' }),
      [`${session}.title: a text`, `${session}.duration: a`],
    ],
  ];

  it.each(bad)('with %s is refused by its path', (_what, spoil, expected) => {
    const file = small();
    spoil(file, file.schedule.conference.days[0]?.rooms.Main?.[0] ?? {});
    const problems = problemsOf(JSON.stringify(file));
    expect(problems.map((problem, n) => problem.slice(0, expected[n]?.length))).toEqual(expected);
  });

  it('that is not JSON is refused by line and column', () => {
    expect(problemsOf('{\n "a": [1, 2,\n  x]\n}')).toEqual(['line 3, column 3: not JSON, expected a value']);
    expect(problemsOf('{"a": 1,}')).toEqual(['line 1, column 9: not JSON, expected a key in double quotes']);
    expect(problemsOf('{"a": "b\nc"}')).toEqual(['line 1, column 7: not JSON, expected a value']);
    expect(problemsOf('{} {}')).toEqual(['line 1, column 4: not JSON, expected the end of the text']);
    expect(problemsOf('')).toEqual(['line 1, column 1: not JSON, expected a value']);
  });
});
