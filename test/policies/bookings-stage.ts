import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import {
  openEmbeddedEventStore,
  type EmbeddedEventStore,
} from '../../src/event-store/embedded/embedded-event-store.js';
import type { EventStore } from '../../src/event-store/event-store.js';
import type { Execution } from '../../src/eventsourcing/execution.js';
import { CommandLoop } from '../../src/eventsourcing/handle.js';
import { Refused } from '../../src/eventsourcing/refused.js';
import { Bookings } from '../../src/meetings/bookings.js';
import { black } from '../../src/meetings/meeting-fields.js';
import { meetingPolicies } from '../../src/meetings/meetings.policy.js';
import { expectWhole, registry } from '../meetings/whole.js';

export const people = ['alice', 'bob', 'carol'] as const;
export type Person = (typeof people)[number];
export const hour = 3_600_000;

let dir: string;
export let store: EmbeddedEventStore;
let worlds = 0;
/** Where in the log each world begins. */
export const begun = new Map<string, bigint>();
let commands = 0;

export async function openStage(): Promise<void> {
  dir = await mkdtemp(join(tmpdir(), 'convoke-bookings-'));
  store = await openEmbeddedEventStore({ dir });
}

export async function closeStage(): Promise<void> {
  await store.close();
  await rm(dir, { recursive: true, force: true });
}

export async function newWorld(): Promise<string> {
  const world = `w-${++worlds}`;
  begun.set(world, await store.head());
  return world;
}

export class Killed extends Error {
  override readonly name = 'Killed';
}

/** A server on the log that is killed right before one of its appends; nothing of it goes on then. */
export function serverKilledBefore(append: number): { readonly store: EventStore; readonly loop: CommandLoop } {
  let appends = 0;
  const mortal: EventStore = Object.create(store, {
    append: {
      value: async (...given: Parameters<EventStore['append']>) => {
        if (appends++ >= append) throw new Killed();
        return store.append(...given);
      },
    },
  });
  return { store: mortal, loop: new CommandLoop(mortal, registry) };
}

/** A server after a restart: every policy over the whole log, until nothing comes any more. */
export async function recovered(world: string): Promise<CommandLoop> {
  const loop = new CommandLoop(store, registry);
  for (let after = begun.get(world) ?? -1n; ;) {
    const events = [];
    for await (const event of store.readAll({ after })) events.push(event);
    const last = events.at(-1);
    if (!last) return loop;
    for (const event of events.filter(({ metadata }) => metadata.world === world)) {
      for (const { types, react } of meetingPolicies('reject')) {
        // oxlint-disable-next-line no-await-in-loop -- as the runner does
        if (types.includes(event.type)) await react(registry.read(event), loop);
      }
    }
    after = last.position;
  }
}

export function by(world: string, actorId: Person, action: string): Execution {
  const commandId = `c-${++commands}`;
  const now = new Date().toISOString();
  return {
    context: { commandId, action, correlationId: commandId, causationId: commandId, actorId, world, now },
    onlyResend: false,
  };
}

export interface Step {
  readonly who: Person;
  readonly what: 'create' | 'move' | 'delete' | 'accept' | 'decline';
  readonly meeting: number;
  readonly start: number;
}

/** One step; what a killed server or a rule says no to is left as it is. The id of a meeting it made. */
export async function take(
  { who, what, meeting, start }: Step,
  world: string,
  ids: string[],
  loop: CommandLoop,
): Promise<void> {
  const bookings = new Bookings(loop, 'reject');
  const execution = by(world, who, what);
  const id = ids[meeting % Math.max(1, ids.length)] ?? 'none';
  const times = { startDate: start * hour, endDate: (start + 2) * hour };
  const plan = {
    sourceType: 'group',
    sourceIds: ['g'],
    subject: 's',
    description: '',
    color: black,
    ...times,
  } as const;
  try {
    if (what === 'create') {
      const invitedUserIds = people.filter((one) => one !== who);
      const made = await bookings.create({ plan, invitedUserIds, bufferBefore: 0, bufferAfter: 15 }, execution);
      ids.push(made.meeting.meetingId);
    } else if (what === 'move') await bookings.update(id, () => times, execution);
    else await bookings[what](id, execution);
  } catch (error) {
    if (!(error instanceof Refused || error instanceof Killed)) throw error;
  }
}

export const requireWhole = async (world: string): Promise<void> => {
  await expectWhole(store, world, begun.get(world));
};

export const step: fc.Arbitrary<Step> = fc.record({
  who: fc.constantFrom(...people),
  what: fc.constantFrom('create', 'create', 'move', 'delete', 'accept', 'accept', 'decline'),
  meeting: fc.nat(5),
  start: fc.nat(12),
});
