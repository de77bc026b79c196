import { describe, expect, it } from '@jest/globals';
import { planImport, type ExistingRoom, type Plan } from '../../src/cli/import/plan.js';
import { parseSchedule, type Schedule } from '../../src/cli/import/schedule.js';
import type { JsonObject } from '../../src/eventsourcing/events.js';
import { defaultLimits } from '../../src/gateway/limits.js';
import { small, talk, type File } from './schedules.js';

function schedule(change: (conference: File['schedule']['conference']) => void = () => undefined): Schedule {
  const file = small();
  change(file.schedule.conference);
  return parseSchedule(JSON.stringify(file));
}

/** What a server that carries out the plan has then. */
function after(rooms: readonly ExistingRoom[], { steps }: Plan): ExistingRoom[] {
  const world = new Map(rooms.map((room) => [room.id, room]));
  for (const { payload } of steps) {
    const { command_id: id, room, ...fields } = payload as JsonObject & { command_id: string; room?: string };
    const before = world.get(room ?? '') ?? { id, name: '', description: '', module_config: [], import_id: null };
    world.set(before.id, { ...before, ...(fields as Partial<ExistingRoom>) });
  }
  return [...world.values()];
}

const idsOf = ({ steps }: Plan): string[] => steps.map(({ payload }) => payload.command_id);
const titled =
  (title: string) =>
  ({ days }: File['schedule']['conference']): void => {
    Object.assign(days[0]?.rooms.Main?.[0] ?? {}, { title });
  };

describe('the plan of an import', () => {
  it('creates every room once, with the same ids each time', () => {
    const plan = planImport(schedule(), []);
    expect(plan.steps.map(({ kind, room }) => [kind, room])).toEqual([
      ['created', 'Main'],
      ['created', 'Side'],
    ]);
    expect(idsOf(planImport(schedule(), []))).toEqual(idsOf(plan));
    // Whatever the file says of a room, it is the same room.
    expect(idsOf(planImport(schedule(titled('Else')), []))).toEqual(idsOf(plan));
    const again = planImport(schedule(), after([], plan));
    expect([again.steps, again.unchanged]).toEqual([[], ['Main', 'Side']]);
  });

  it('changes only what changed, back and forth, with an id of its own each time', () => {
    let world = after([], planImport(schedule(), []));
    const ids: string[] = [];
    for (const title of ['A', 'B', 'A', 'B', 'A']) {
      const plan = planImport(schedule(titled(title)), world);
      expect([plan.steps.length, plan.unchanged]).toEqual([1, ['Side']]);
      expect(idsOf(planImport(schedule(titled(title)), world))).toEqual(idsOf(plan));
      ids.push(...idsOf(plan));
      world = after(world, plan);
    }
    expect(new Set(ids).size).toBe(5);
  });

  it('leaves alone what it does not know: other modules, a description where the file has none, other fields', () => {
    const livestream = { type: 'livestream', config: { url: 'https://example.org' } };
    const world = after([], planImport(schedule(), [])).map((room) => ({
      ...room,
      module_config: [livestream, ...room.module_config],
      ...(room.name === 'Side' && { description: 'Written by hand' }),
    }));
    expect(planImport(schedule(), world).steps).toEqual([]);
    const [step] = planImport(schedule(titled('New')), world).steps;
    expect(step?.payload.module_config).toEqual([livestream, expect.objectContaining({ type: 'schedule' })]);
    expect(Object.keys(step?.payload ?? {}).toSorted()).toEqual([
      'command_id',
      'description',
      'module_config',
      'name',
      'room',
    ]);
  });

  it('names rooms that are no longer in the file, and leaves them', () => {
    const world = after([], planImport(schedule(), []));
    const plan = planImport(
      schedule(({ rooms, days }) => {
        rooms?.pop();
        delete days[0]?.rooms.Side;
      }),
      world,
    );
    expect([plan.steps, plan.left]).toEqual([[], ['Side']]);
  });

  it('refuses names that other rooms have, naming the room', () => {
    const foreign = { id: 'r1', name: ' MAIN', description: '', module_config: [], import_id: null };
    const { problems } = planImport(schedule(), [foreign]);
    expect(problems).toEqual(['room "Main": the name is taken by room r1 (not made by an import)']);
  });

  it('renames in an order that works, and refuses to swap two names', () => {
    const world = after([], planImport(schedule(), []));
    const rename =
      (first: string, second: string) =>
      ({ rooms, days }: File['schedule']['conference']): void => {
        Object.assign(rooms?.[0] ?? {}, { name: first });
        Object.assign(rooms?.[1] ?? {}, { name: second });
        Object.assign(days[0] ?? {}, { rooms: {} });
      };
    const { steps, problems } = planImport(schedule(rename('Side', 'Third')), world);
    expect([steps.map(({ room }) => room), problems]).toEqual([['Third', 'Side'], []]);
    expect(planImport(schedule(rename('Side', 'Main')), world).problems).toHaveLength(2);
  });

  it('leaves out the longest abstracts of a room that does not fit a frame, and says so', () => {
    const many = schedule(({ days }) => {
      const talks = Array.from({ length: 60 }, (_, n) => ({
        ...talk(100 + n, '2030-03-01T10:00:00+01:00', 'Main'),
        abstract: 'é'.repeat(500 + n * 10),
      }));
      Object.assign(days[0]?.rooms ?? {}, { Main: talks });
    });
    const { steps, warnings, problems } = planImport(many, []);
    expect(problems).toEqual([]);
    expect(warnings[0]).toBe('room "Main": left out the abstract of session 159 (Talk 159)');
    for (const { action, payload } of steps) {
      const frame = JSON.stringify([action, Number.MAX_SAFE_INTEGER, payload]);
      expect(Buffer.byteLength(frame)).toBeLessThanOrEqual(defaultLimits.maxFrameBytes);
    }
    expect(planImport(many, after([], { steps } as Plan)).steps).toEqual([]);
  });

  it('refuses a room that cannot fit a frame', () => {
    const huge = schedule(({ days }) => {
      const talks = Array.from({ length: 100 }, (_, n) => ({
        ...talk(100 + n, '2030-03-01T10:00:00+01:00', 'Main'),
        title: 'x'.repeat(1_000),
      }));
      Object.assign(days[0]?.rooms ?? {}, { Main: talks });
    });
    const { problems } = planImport(huge, []);
    expect(problems).toEqual([expect.stringMatching(/^room "Main": its 100 sessions are \d+ bytes too large/)]);
  });
});
