import { join } from 'node:path';
import type { WebSocket } from 'ws';
import { availableIn } from '../src/availability/available.js';
import { alwaysAvailable, withPattern } from '../src/availability/rules.js';
import { openEmbeddedEventStore } from '../src/event-store/embedded/embedded-event-store.js';
import type { DomainEvent } from '../src/eventsourcing/events.js';
import { meetingPolicies } from '../src/meetings/meetings.policy.js';
import { Checkpoints } from '../src/read-store/checkpoints.js';
import { connectReadStore } from '../src/read-store/connect.js';
import { freeIntervals, type Agenda, type Flat, type Range } from '../src/time/intervals.js';
import { dayMs } from '../src/time/zones.js';
import { StreamWriter } from './events.js';
import { inTurns, type Sample } from './measure.js';
import { row, type Part } from './report.js';
import { answers, Server } from './server.js';

const hour = 3_600_000;
const zones = ['Europe/Paris', 'Europe/Berlin', 'Europe/Lisbon'];
const people = 100;
const stored = 1_000;
const offset = '+01:00';

/** The first of a month that lies wholly ahead. */
function monthAhead(): Range & { readonly localDate: string } {
  const now = new Date();
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth() + 3];
  const from = Date.UTC(year, month) - hour;
  const localDate = `${new Date(Date.UTC(year, month)).toISOString().slice(0, 10)}T00:00:00${offset}`;
  return { from, until: Date.UTC(year, month + 1) - hour, localDate };
}

/** Work in the morning and in the afternoon, and a meeting a day. */
const hoursOf = (n: number) => [[480 + (n % 7) * 5, 720] as const, [780, 1_140] as const];
const meetingStart = (n: number, day: number): number => day * dayMs + (9 + ((n + day) % 4)) * hour;

function agenda(n: number, range: Range): Agenda {
  const weekly = withPattern(alwaysAvailable, 127, { status: 'Available', intervals: hoursOf(n) });
  const available = availableIn({ zone: zones[n % 3] ?? 'UTC', weekly, days: new Map() }, range);
  const first = Math.floor(range.from / dayMs);
  const busy = Array.from({ length: 32 }, (_none, day) => meetingStart(n, first + day)).flatMap((at) => [
    at,
    at + hour / 2,
  ]);
  return { available, busy };
}

/** What most calendars keep, and what the same merging costs on it: a date for every end of an interval. */
interface Span {
  readonly start: Date;
  readonly end: Date;
}

const spans = (intervals: Flat): Span[] =>
  Array.from({ length: intervals.length / 2 }, (_none, index) => {
    return { start: new Date(intervals[2 * index] ?? 0), end: new Date(intervals[2 * index + 1] ?? 0) };
  });
const later = (one: Date, other: Date): Date => (one > other ? one : other);
const earlier = (one: Date, other: Date): Date => (one < other ? one : other);

function freeSpans(
  all: readonly { readonly available: readonly Span[]; readonly busy: readonly Span[] }[],
  range: Span,
): Span[] {
  let free: Span[] = [range];
  for (const { available, busy } of all) {
    const kept: Span[] = [];
    let taken = 0;
    for (let index = 0, open = 0; index < free.length && open < available.length;) {
      const [one, other] = [free[index] as Span, available[open] as Span];
      const end = earlier(one.end, other.end);
      let start = later(one.start, other.start);
      while (start < end) {
        while (taken < busy.length && (busy[taken] as Span).end <= start) taken++;
        const next = busy[taken];
        if (!next || next.start > start) kept.push({ start, end: next ? earlier(next.start, end) : end });
        if (!next || next.start >= end) break;
        start = next.end;
      }
      if (one.end <= other.end) index++;
      else open++;
    }
    free = kept;
  }
  return free;
}

/** Microseconds of one call, as the median of many small batches: what else the machine does should not count. */
function microseconds(work: () => unknown, calls: number): Sample {
  const batches = Array.from({ length: 50 }, () => {
    const begin = performance.now();
    for (let call = 0; call < calls; call++) work();
    return ((performance.now() - begin) * 1_000) / calls;
  });
  return { value: batches.toSorted((a, b) => a - b)[25] ?? Number.NaN, generatorCores: 1, serverCores: undefined };
}

async function computation(rounds: number) {
  const range = monthAhead();
  const agendas = Array.from({ length: people }, (_none, n) => agenda(n, range));
  const dated = agendas.map(({ available, busy }) => ({ available: spans(available), busy: spans(busy) }));
  const span = { start: new Date(range.from), end: new Date(range.until) };
  const found = freeSpans(dated, span).flatMap(({ start, end }) => [start.getTime(), end.getTime()]);
  if (String(found) !== String(freeIntervals(agendas, range))) throw new Error('the two searches do not agree');
  if (found.length === 0) throw new Error('nothing is free');
  return inTurns(
    {
      ours: () => Promise.resolve(microseconds(() => freeIntervals(agendas, range), 40)),
      dates: () => Promise.resolve(microseconds(() => freeSpans(dated, span), 2)),
    },
    rounds,
  );
}

const details = {
  sourceType: 'group',
  sourceIds: ['team'],
  subject: 'Daily',
  description: '',
  color: { r: 0, g: 0, b: 0, a: 1 },
};

/** What the streams of a person hold who has a meeting a day for a year. */
async function fill(dir: string): Promise<void> {
  const store = await openEmbeddedEventStore({ dir: join(dir, 'log') });
  const first = Math.floor(Date.now() / dayMs);
  const writer = new StreamWriter('world-demo');
  await writer.append(store, [
    { type: 'WorldOpened', data: { title: 'demo', trait_grants: { viewer: [], admin: ['admin'] } } },
  ]);
  for (let n = 0; n < stored; n++) {
    const userId = `user-${n}`;
    const zone = zones[n % 3] ?? 'UTC';
    const rule = { userId, zone, status: 'Available', weekdays: 127, intervals: hoursOf(n) };
    const booked = Array.from({ length: 365 }, (_none, day): DomainEvent => {
      const startDate = meetingStart(n, first + day);
      const endDate = startDate + hour / 2;
      const time = { startDate, endDate, busyFrom: startDate, busyUntil: endDate, zone };
      return { type: 'MeetingBooked', data: { userId, meetingId: `${n}-${day}`, time, details, invitedUserIds: [] } };
    });
    await Promise.all([
      new StreamWriter(`user-demo/${userId}`).append(store, [
        { type: 'UserProfileRecorded', data: { userId, profile: {}, zoneinfo: zone } },
      ]),
      new StreamWriter(`availability-demo/${userId}`).append(store, [{ type: 'AvailabilityPatternSet', data: rule }]),
      new StreamWriter(`calendar-demo/${userId}`).append(store, booked),
    ]);
  }
  // The meetings' own streams are not looked at here: nothing follows what was written.
  const { db, close } = await connectReadStore({ dir: join(dir, 'read-store'), port: 0 });
  const checkpoints = new Checkpoints(db, store.epoch);
  for (const { name } of meetingPolicies('reject')) await checkpoints.save(name, await store.head());
  await close();
  await store.close();
}

/** Milliseconds of one request for the month's slots of so many people. */
async function request(
  ws: WebSocket,
  users: readonly { readonly roomful: string }[],
  localDate: string,
): Promise<number> {
  const begin = performance.now();
  const answer = answers(ws, 1);
  ws.send(JSON.stringify(['meeting:getMeetingTimeSlotsForMonth', 1, { users, localDate }]));
  const [text = ''] = await answer;
  const ms = performance.now() - begin;
  if (!text.startsWith('["success"') || text.length < 1_000) throw new Error(`not answered: ${text.slice(0, 200)}`);
  return ms;
}

const share = (numbers: readonly number[], part: number): number =>
  numbers.toSorted((a, b) => a - b)[Math.ceil(numbers.length * part) - 1] ?? Number.NaN;
const sampleOf = (value: number): Sample => ({ value, generatorCores: 0, serverCores: undefined });

const named = (from: number, step: number) =>
  Array.from({ length: people }, (_none, n) => ({ roomful: `user-${(from + n * step) % stored}` }));

async function requests(dir: string, rounds: number, count: number) {
  const server = await Server.start(dir);
  await server.ready(600_000);
  const ws = await server.connect('caller');
  const { localDate } = monthAhead();
  const cold: number[] = [];
  for (let from = 0; from < stored; from += people) cold.push(await request(ws, named(from, 1), localDate));
  const tails: Sample[] = [];
  const middles: Sample[] = [];
  for (let round = 0; round < rounds; round++) {
    const times: number[] = [];
    for (let n = 0; n < count; n++) times.push(await request(ws, named(n * 37, 7), localDate));
    tails.push(sampleOf(share(times, 0.99)));
    middles.push(sampleOf(share(times, 0.5)));
  }
  ws.terminate();
  await server.child.stop();
  return { cold: cold.map(sampleOf), tails, middles };
}

/** Looking for slots: the merging itself, beside the same on date objects, and whole requests over a socket. */
export const slots: Part = async ({ folder, quick }) => {
  const [rounds, count] = quick ? [2, 300] : [5, 1_000];
  const merging = await computation(rounds);
  const dir = await folder();
  await fill(dir);
  const { cold, tails, middles } = await requests(dir, rounds, count);
  const compared = { unit: 'µs', ours: merging.ours };
  return [
    row({ ...compared, figure: `slots of ${people} people over a month, merged`, valueAtMost: 200 }),
    row({
      figure: 'the same on date objects, over ours',
      unit: 'µs',
      ours: merging.dates,
      peer: 'µs on integers',
      theirs: merging.ours,
      atLeast: 50,
    }),
    row({
      figure: `request of ${people} people's month, ${stored.toLocaleString('en')} with a year of meetings: p99`,
      unit: 'ms',
      ours: tails,
      valueAtMost: 10,
    }),
    row({ figure: 'the same: median', unit: 'ms', ours: middles }),
    row({ figure: `the same, of ${people} people asked for the first time`, unit: 'ms', ours: cold }),
  ];
};
