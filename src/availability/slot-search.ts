import type { Reader } from '../eventsourcing/execution.js';
import { freeIntervals, merge, type Range } from '../time/intervals.js';
import { localDateOf, type Timestamp } from '../time/timestamps.js';
import type { Zone } from '../time/zones.js';
import type { Agendas, Live } from './agendas.js';
import { explained, type Gap } from './gaps.js';
import { dayNamed, type NamedDay } from './own-availability.js';
import { buffersOf, horizon, requireFewSlots, slotsOf, spansOf, type SlotOptions, type TimeSlot } from './slots.js';
import type { StoredPeople } from './stored-people.js';

/** A person by id, by e-mail address or, where both are given, both people. Texts may be empty. */
export interface UserRef {
  readonly roomful?: string;
  readonly email?: string;
}

export interface Search {
  readonly users: readonly UserRef[];
  readonly range: Range;
  /** Whose wall clock single slots begin on. */
  readonly zone: Zone;
  readonly options: SlotOptions;
}

/** When people can meet: by their rules, their meetings and what the request asks for. Source: wire contract, section 5. */
export class SlotSearch {
  constructor(
    private readonly stored: StoredPeople,
    private readonly agendas: Agendas,
    private readonly live: Live,
  ) {}

  /** Of people nobody knows nothing is offered. @throws Refused protocol.invalid, server.unavailable */
  async find(caller: Reader, { users, range, zone, options }: Search): Promise<TimeSlot[]> {
    requireFewSlots(range, options);
    const people = [...(await this.namesOf(caller, users)).keys()];
    const { bookable } = horizon(Date.now(), options);
    const ahead = { from: Math.max(range.from, bookable), until: range.until };
    const months = await this.agendas.read(caller.world, people, ahead, caller.after);
    const free = months.flatMap(({ part, agendas }) =>
      agendas.length > 0 ? freeIntervals(agendas, part, buffersOf(options)) : [],
    );
    return spansOf(slotsOf(merge(free), zone, options));
  }

  /** The same, with what stands against all other times of the range. @throws Refused protocol.invalid, server.unavailable */
  async explain(
    caller: Reader,
    { users, range, zone, options }: Search,
  ): Promise<{ readonly slots: readonly TimeSlot[]; readonly gaps: readonly Gap[] }> {
    requireFewSlots(range, options);
    const { world, userId } = caller;
    const names = await this.namesOf(caller, users);
    const stored = await this.stored.read(world, [...names.keys()], range, caller);
    const people = [...stored].filter(([, { known }]) => known);
    if (people.length === 0) return { slots: [], gaps: [] };
    const meetings = people.flatMap(([, { busy }]) => busy.map(({ meeting }) => meeting));
    const own = await this.stored.ownMeetings(world, userId, [...new Set(meetings)], caller);
    const buffers = buffersOf(options);
    const isSeen = (meeting: string): boolean => own.has(meeting);
    const named = people.map(([id, person]) => [names.get(id) ?? id, person] as const);
    const { free, gaps } = explained(named, { range, ...horizon(Date.now(), options), buffers, isSeen });
    return { slots: spansOf(slotsOf(free, zone, options)), gaps };
  }

  /** The day of the caller that a request names. */
  async dayNamed(caller: Reader, localDate: Timestamp): Promise<NamedDay> {
    const { offset, instant } = localDateOf(localDate);
    if (caller.zoneinfo ?? offset) return dayNamed(caller, localDate, 'UTC');
    const at = { from: instant, until: instant };
    const people = await this.stored.read(caller.world, [caller.userId], at, caller);
    return dayNamed(caller, localDate, people.get(caller.userId)?.zone ?? 'UTC');
  }

  /**
   * Everyone by id once, also those nobody knows, each with what the caller called them: an e-mail address does not tell
   * an id. What this process knows of is known here.
   */
  private async namesOf(
    { world, after, newest = after }: Reader,
    users: readonly UserRef[],
  ): Promise<ReadonlyMap<string, string>> {
    await this.live.reached(newest > after ? newest : after);
    const ids = users.flatMap(({ roomful }) => (roomful ? [roomful] : []));
    const emails = users.flatMap(({ email }) => (email ? [email] : []));
    const byEmail = await this.stored.byEmail(world, emails, { after, newest: this.live.position });
    return new Map([...byEmail, ...ids.map((id) => [id, id] as const)]);
  }
}
