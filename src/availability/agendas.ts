import type { RecordedEvent } from '../eventsourcing/events.js';
import { Lru } from '../eventsourcing/lru.js';
import type { Agenda, Range } from '../time/intervals.js';
import { agendaOf, type StoredPeople } from './stored-people.js';

/** Where the process is in the log. */
export interface Live {
  readonly position: bigint;
  reached(position: bigint): Promise<void> | undefined;
  onEvents(listener: (events: readonly RecordedEvent[]) => void): void;
}

/** Of people who never signed in there is none. */
type Loaded = ReadonlyMap<string, Agenda | undefined>;
type Months = Lru<number, Agenda | Promise<Loaded>>;

const categories = ['calendar-', 'availability-', 'user-'];
const cachedPeople = 4_000;
const cachedMonths = 14;

/**
 * People's agendas as integers, by month of UTC: read once, dropped when an event of the person comes. A request is then
 * left with merging lists of numbers.
 */
export class Agendas {
  private readonly people = new Lru<string, Months>(cachedPeople);

  constructor(
    private readonly stored: Pick<StoredPeople, 'read'>,
    private readonly live: Live,
  ) {
    live.onEvents((events) => {
      for (const { stream } of events) {
        const category = categories.find((one) => stream.startsWith(one));
        // What is being read meanwhile goes with the person: it ends up in months that nobody finds any more.
        if (category !== undefined) this.people.delete(stream.slice(category.length));
      }
    });
  }

  /**
   * The agendas of those of the people who are known, month by month for the whole range: not older than `after`, nor than
   * what this process knew when it was asked.
   */
  async read(
    world: string,
    users: readonly string[],
    range: Range,
    after: bigint,
  ): Promise<readonly { readonly part: Range; readonly agendas: readonly Agenda[] }[]> {
    await this.live.reached(after);
    const parts = monthsOf(range).map((month) => ({ month, found: this.inMonth(world, users, month) }));
    return Promise.all(
      parts.map(async ({ month, found }) => {
        const agendas: Agenda[] = [];
        for (const { user, agenda } of found) {
          const known = agenda instanceof Promise ? (await agenda).get(user) : agenda;
          if (known) agendas.push(known);
        }
        const { from, until } = rangeOf(month);
        return { part: { from: Math.max(from, range.from), until: Math.min(until, range.until) }, agendas };
      }),
    );
  }

  /** What is there, or will be: those who are not are read at once. */
  private inMonth(world: string, users: readonly string[], month: number) {
    const missing = new Map<string, Months>();
    const found = users.map((user) => {
      const key = `${world}/${user}`;
      let months = this.people.get(key);
      if (!months) this.people.set(key, (months = new Lru(cachedMonths)));
      const agenda = months.get(month);
      if (!agenda) missing.set(user, months);
      return { user, agenda };
    });
    if (missing.size === 0) return found;
    const loading = this.load(world, missing, month);
    // Whoever waits for it is told of a failure.
    loading.catch(() => undefined);
    for (const months of missing.values()) months.set(month, loading);
    return found.map(({ user, agenda = loading }) => ({ user, agenda }));
  }

  private async load(world: string, missing: ReadonlyMap<string, Months>, month: number): Promise<Loaded> {
    const range = rangeOf(month);
    let loaded: Loaded = new Map();
    try {
      const people = await this.stored.read(world, [...missing.keys()], range, { after: this.live.position });
      loaded = new Map([...people].map(([user, person]) => [user, person.known ? agendaOf(person, range) : undefined]));
      return loaded;
    } finally {
      for (const [user, months] of missing) {
        const agenda = loaded.get(user);
        if (agenda) months.set(month, agenda);
        else months.delete(month);
      }
    }
  }
}

/** The months of UTC that the range touches, counted from January 1970. */
function monthsOf({ from, until }: Range): number[] {
  if (from >= until) return [];
  const first = monthAt(from);
  return Array.from({ length: monthAt(until - 1) - first + 1 }, (_none, index) => first + index);
}

function monthAt(instant: number): number {
  const date = new Date(instant);
  return (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth();
}

const rangeOf = (month: number): Range => ({ from: Date.UTC(1970, month), until: Date.UTC(1970, month + 1) });
