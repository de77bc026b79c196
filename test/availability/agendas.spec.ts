import { describe, expect, it } from '@jest/globals';
import { Agendas } from '../../src/availability/agendas.js';
import { alwaysAvailable } from '../../src/availability/rules.js';
import type { StoredPerson } from '../../src/availability/stored-people.js';
import type { RecordedEvent } from '../../src/eventsourcing/events.js';
import type { Fresh } from '../../src/read-store/caught-up.js';
import type { Range } from '../../src/time/intervals.js';
import { recorded } from '../spec/decider-spec.js';

interface Reading {
  readonly users: readonly string[];
  readonly range: Range;
  readonly position: bigint;
  answer(busy?: readonly (readonly [number, number])[]): void;
  fail(error: Error): void;
}

const unknown = 'nobody';
const may = { from: Date.UTC(2031, 4, 1), until: Date.UTC(2031, 5, 1) };

/** A log at a position, and read models that answer when they are told to. */
function given() {
  const readings: Reading[] = [];
  const listeners: ((events: readonly RecordedEvent[]) => void)[] = [];
  const reached: { position: bigint; resolve: () => void }[] = [];
  const live = {
    position: 5n,
    reached(position: bigint): Promise<void> | undefined {
      if (position <= live.position) return undefined;
      return new Promise((resolve) => reached.push({ position, resolve }));
    },
    onEvents: (listener: (events: readonly RecordedEvent[]) => void): void => void listeners.push(listener),
    happens(stream: string): void {
      const position = live.position + 1n;
      const event = recorded({ type: 'Any', data: {} }, { stream, position });
      for (const listener of listeners) listener([event]);
      live.position = position;
      for (const waiting of reached) if (waiting.position <= position) waiting.resolve();
    },
  };
  const stored = {
    read: (_world: string, users: readonly string[], range: Range, { after: position }: Fresh) =>
      new Promise<ReadonlyMap<string, StoredPerson>>((resolve, reject) => {
        const answer = (busy: readonly (readonly [number, number])[] = []): void => {
          const times = busy.map(([from, until], index) => ({ meeting: `m${index}`, from, until }));
          const one = { zone: 'UTC', weekly: alwaysAvailable, days: new Map(), busy: times };
          resolve(new Map(users.map((user) => [user, { ...one, known: user !== unknown }])));
        };
        readings.push({ users, range, position, answer, fail: reject });
      }),
  };
  const agendas = new Agendas(stored, live);
  const read = (users: readonly string[], { range = may, after = 0n } = {}) =>
    agendas.read('demo', users, range, after);
  return { readings, live, read };
}

/** Lets what was begun go on as far as it can. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('agendas', () => {
  it('are read once, for all who ask', async () => {
    const { readings, read } = given();
    const [one, other] = [read(['ann', 'bob']), read(['bob', 'cem'])];
    await settled();
    expect(readings.map(({ users, position }) => [users, position])).toEqual([
      [['ann', 'bob'], 5n],
      [['cem'], 5n],
    ]);
    for (const reading of readings) reading.answer();
    expect((await one)[0]?.agendas).toEqual((await other)[0]?.agendas);
    await read(['cem', 'ann', 'bob']);
    expect(readings).toHaveLength(2);
  });

  it('are read month by month, and cut to the range', async () => {
    const { readings, read } = given();
    const range = { from: Date.UTC(2031, 4, 31, 22), until: Date.UTC(2031, 6, 1, 3) };
    const reading = read(['ann'], { range });
    await settled();
    expect(readings.map((one) => new Date(one.range.from).toISOString().slice(0, 7))).toEqual([
      '2031-05',
      '2031-06',
      '2031-07',
    ]);
    for (const one of readings) one.answer();
    expect((await reading).map(({ part }) => part)).toEqual([
      { from: range.from, until: Date.UTC(2031, 5, 1) },
      { from: Date.UTC(2031, 5, 1), until: Date.UTC(2031, 6, 1) },
      { from: Date.UTC(2031, 6, 1), until: range.until },
    ]);
    expect(await read(['ann'], { range: { from: 5, until: 5 } })).toEqual([]);
  });

  it.each(['calendar-demo/ann', 'availability-demo/ann', 'user-demo/ann'])(
    'are read anew after an event of %s, of that person only',
    async (stream) => {
      const { readings, live, read } = given();
      const first = read(['ann', 'bob']);
      await settled();
      readings[0]?.answer();
      await first;
      live.happens(stream);
      const second = read(['ann', 'bob']);
      await settled();
      expect(readings.slice(1).map(({ users, position }) => [users, position])).toEqual([[['ann'], 6n]]);
      readings[1]?.answer([[may.from, may.from + 60_000]]);
      expect((await second)[0]?.agendas.map(({ busy }) => busy.length)).toEqual([2, 0]);
    },
  );

  it('that change while they are read are not kept', async () => {
    const { readings, live, read } = given();
    const first = read(['ann']);
    await settled();
    live.happens('calendar-demo/ann');
    // Whoever saw the change asks anew, and gets what was read after it, whichever answer comes first.
    const second = read(['ann'], { after: 6n });
    await settled();
    expect(readings.map(({ position }) => position)).toEqual([5n, 6n]);
    readings[1]?.answer([[may.from, may.from + 60_000]]);
    await second;
    readings[0]?.answer();
    await first;
    expect((await read(['ann'], { after: 6n }))[0]?.agendas[0]?.busy).toHaveLength(2);
    expect(readings).toHaveLength(2);
  });

  it('are not older than what the caller wrote', async () => {
    const { readings, live, read } = given();
    const first = read(['ann']);
    await settled();
    readings[0]?.answer();
    await first;
    const second = read(['ann'], { after: 6n });
    await settled();
    expect(readings).toHaveLength(1);
    live.happens('calendar-demo/ann');
    await settled();
    expect(readings[1]?.position).toBe(6n);
    readings[1]?.answer([[may.from, may.from + 60_000]]);
    expect((await second)[0]?.agendas[0]?.busy).toHaveLength(2);
  });

  it('of people nobody knows are none, and looked for each time', async () => {
    const { readings, read } = given();
    for (const round of [0, 1]) {
      const reading = read([unknown]);
      await settled();
      readings[round]?.answer();
      expect((await reading)[0]?.agendas).toEqual([]);
    }
  });

  it('that could not be read are read again', async () => {
    const { readings, read } = given();
    const both = [read(['ann']), read(['ann'])].map((one) => one.catch((error: Error) => error.message));
    await settled();
    readings[0]?.fail(new Error('the store is down'));
    expect(await Promise.all(both)).toEqual(['the store is down', 'the store is down']);
    const again = read(['ann']);
    await settled();
    readings[1]?.answer();
    expect((await again)[0]?.agendas).toHaveLength(1);
  });
});
