import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CommandLoop } from '../../src/eventsourcing/handle.js';
import { Bookings } from '../../src/meetings/bookings.js';
import { calendarOf, calendars } from '../../src/meetings/calendar.js';
import { black } from '../../src/meetings/meeting-fields.js';
import { meetingPolicies } from '../../src/meetings/meetings.policy.js';
import { meetings } from '../../src/meetings/meetings.js';
import { registry } from '../meetings/whole.js';
import {
  begun,
  by,
  closeStage,
  hour,
  Killed,
  newWorld,
  openStage,
  recovered,
  requireWhole,
  serverKilledBefore,
  step,
  store,
  take,
  type Person,
  type Step,
} from './bookings-stage.js';

beforeAll(openStage);
afterAll(closeStage);

describe('a crash between any two appends', () => {
  it('of a booking leaves, after recovery, the whole meeting or none', async () => {
    for (let appends = 0; appends <= 2; appends++) {
      const world = await newWorld();
      const ids: string[] = [];
      await take({ who: 'alice', what: 'create', meeting: 0, start: 9 }, world, ids, serverKilledBefore(appends).loop);
      expect(ids).toHaveLength(appends === 2 ? 1 : 0);
      const loop = await recovered(world);
      await requireWhole(world);
      const { byId } = await loop.stateOf(calendars, calendarOf(world, 'alice'));
      expect(Object.values(byId).flat()).toHaveLength(appends === 0 ? 0 : 1);
    }
  });

  it('of any history leaves every meeting whole', async () => {
    const history = fc.array(fc.tuple(step, fc.option(fc.nat(5))), { minLength: 3, maxLength: 14 });
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const world = await newWorld();
        const ids: string[] = [];
        for (const [one, killedBefore] of steps) {
          const { loop } = serverKilledBefore(killedBefore ?? 1_000);
          await take(one, world, ids, loop);
          // Sometimes the next step comes before what was cut off is finished.
          if (killedBefore !== null && killedBefore % 2 === 0) await recovered(world);
        }
        await recovered(world);
        await expect(requireWhole(world)).resolves.toBeUndefined();
      }),
      { numRuns: 60 },
    );
  });

  it('is finished by whoever sends the same command again', async () => {
    const world = await newWorld();
    const times = { startDate: 9 * hour, endDate: 10 * hour };
    const plan = {
      sourceType: 'group',
      sourceIds: ['g'],
      subject: 's',
      description: '',
      color: black,
      ...times,
    } as const;
    const made = { plan, invitedUserIds: ['bob'], bufferBefore: 0, bufferAfter: 15 };
    const execution = by(world, 'alice', 'create');
    await expect(new Bookings(serverKilledBefore(1).loop, 'reject').create(made, execution)).rejects.toThrow(Killed);
    const loop = new CommandLoop(store, registry);
    const { meeting } = await new Bookings(loop, 'reject').create(made, execution);
    expect(meeting).toMatchObject({ status: 'planned', organizerId: 'alice', users: ['alice', 'bob'] });
    await requireWhole(world);
  });
});

describe('a meeting that moves', () => {
  const statusOf = async (id: string | undefined, loop: CommandLoop): Promise<unknown> => {
    const meeting = await loop.stateOf(meetings, id ?? '');
    return meeting.status === 'none' ? undefined : meeting.invited.map(({ userId, status }) => [userId, status]);
  };
  const at = (who: Person, what: Step['what'], start: number, meeting = 0): Step => ({ who, what, start, meeting });

  it('loses, as soon as it is told, those whose time is taken there, and keeps the others', async () => {
    const world = await newWorld();
    const loop = new CommandLoop(store, registry);
    const ids: string[] = [];
    await take(at('alice', 'create', 9), world, ids, loop);
    await take(at('bob', 'create', 14), world, ids, loop);
    await take(at('bob', 'accept', 0), world, ids, loop);
    await take(at('carol', 'accept', 0), world, ids, loop);
    await take(at('alice', 'move', 13), world, ids, loop);
    expect(await statusOf(ids[0], loop)).toEqual([
      ['bob', 'received'],
      ['carol', 'accepted'],
    ]);
    await requireWhole(world);
    // Two of them at once, by one and the same change.
    await take(at('carol', 'create', 20), world, ids, loop);
    await take(at('bob', 'accept', 0, 2), world, ids, loop);
    await take(at('alice', 'move', 17), world, ids, loop);
    await take(at('bob', 'accept', 0), world, ids, loop);
    expect(await statusOf(ids[0], loop)).toEqual([
      ['bob', 'accepted'],
      ['carol', 'accepted'],
    ]);
    await take(at('alice', 'move', 20), world, ids, loop);
    expect(await statusOf(ids[0], loop)).toEqual([
      ['bob', 'received'],
      ['carol', 'received'],
    ]);
    await recovered(world);
    await requireWhole(world);
  });

  it('while someone accepts it takes them along, whichever comes first', async () => {
    const world = await newWorld();
    const [here, there] = [new CommandLoop(store, registry), new CommandLoop(store, registry)];
    const ids: string[] = [];
    await take(at('alice', 'create', 9), world, ids, here);
    // The answer is on bob's calendar, and not yet known to the meeting, when the meeting moves.
    await take(at('bob', 'accept', 0), world, ids, serverKilledBefore(1).loop);
    await take(at('alice', 'move', 12), world, ids, there);
    // The one policy is done with the move before the other comes to the answer.
    const [ofCalendars] = meetingPolicies('reject');
    for await (const event of store.readAll({ after: begun.get(world) ?? -1n })) {
      if (event.type === 'InvitationAccepted') await ofCalendars?.react(registry.read(event), there);
    }
    await requireWhole(world);
    expect(await statusOf(ids[0], here)).toEqual([
      ['bob', 'accepted'],
      ['carol', 'received'],
    ]);
  });
});

describe('several servers at once', () => {
  it('book one slot for one of many, and leave every meeting whole', async () => {
    const world = await newWorld();
    const loops = [new CommandLoop(store, registry), new CommandLoop(store, registry)];
    const ids: string[] = [];
    const all = (steps: readonly Step[]) =>
      Promise.all(
        steps.map((one, index) => take(one, world, ids, loops[index % 2] ?? new CommandLoop(store, registry))),
      );
    const create = { who: 'alice', what: 'create', meeting: 0, start: 9 } as const;
    await all(Array.from({ length: 20 }, () => create));
    expect(ids).toHaveLength(1);
    const random = fc.sample(step, { numRuns: 120, seed: 7 });
    await all(random);
    await all(random.toReversed());
    await recovered(world);
    await requireWhole(world);
  });
});
