import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseSchedule, ScheduleInvalid } from '../../src/cli/import/schedule.js';

/** A schedule file as parsed JSON that tests may change at will. */
export type File = { schedule: { conference: Record<string, unknown> & { rooms?: Room[]; days: Day[] } } };
export type Room = Record<string, unknown> & { name: string };
export type Day = Record<string, unknown> & { rooms: Record<string, Talk[]> };
export type Talk = Record<string, unknown>;

export const bundledPath = resolve('examples/schedule.json');

export const bundled = (): File => JSON.parse(readFileSync(bundledPath, 'utf8')) as File;

/** A real conference's file; not part of the repository, so tests that need it are skipped where it is absent. */
export const realPath = resolve('../shared/data/pyconfr-2025.schedule.json');
export const hasReal = existsSync(realPath);

/** Two rooms and two sessions; every field an exporter may write appears once. */
export function small(): File {
  return {
    schedule: {
      conference: {
        acronym: 'tiny-2030',
        title: 'Tiny Conf',
        start: '2030-03-01',
        end: '2030-03-02',
        time_zone_name: 'Europe/Paris',
        rooms: [
          { name: 'Main', slug: 'main', guid: 'guid-main', description: 'The big one', capacity: 100 },
          { name: 'Side', slug: 'side' },
        ],
        tracks: [{ name: 'Web', color: '#ffffff' }],
        days: [
          {
            index: 1,
            date: '2030-03-01',
            rooms: {
              Main: [talk(1, '2030-03-01T10:00:00+01:00', 'Main')],
              Side: [talk(2, '2030-03-01T23:30:00+01:00', 'Side')],
            },
          },
          { index: 2, date: '2030-03-02', rooms: {} },
        ],
      },
    },
  };
}

export function talk(id: number, date: string, room: string): Talk {
  return {
    id,
    guid: `guid-${id}`,
    code: `CODE${id}`,
    date,
    start: date.slice(11, 16),
    duration: '01:30',
    room,
    title: `Talk ${id}`,
    subtitle: '',
    language: 'fr',
    type: { en: 'Talk', fr: 'Conférence' },
    track: 'Web',
    abstract: 'Short.',
    description: 'Long.',
    logo: null,
    do_not_record: false,
    persons: [{ code: 'P1', public_name: 'Ann', biography: 'Many things.' }],
    links: [{ title: 'Slides', url: 'https://example.org/slides' }],
    attachments: [],
    answers: [{ question: 1 }],
    url: 'https://example.org/talk',
  };
}

/** Why the text is refused; nothing when it is not. */
export function problemsOf(text: string): readonly string[] {
  try {
    parseSchedule(text);
  } catch (error) {
    if (error instanceof ScheduleInvalid) return error.problems;
    throw error;
  }
  return [];
}
