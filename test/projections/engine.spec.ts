import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startProjections } from '../../projections/engine/engine.js';
import type { Projections, ProjectionsOptions } from '../../projections/engine/engine.js';
import { NotCaughtUp, UnknownReadModel } from '../../projections/engine/errors.js';
import { ProjectionReader } from '../../projections/engine/reader.js';
import type { Log } from '../../projections/engine/session.js';
import { StoreUnavailable } from '../../src/event-store/event-store.js';
import { openStores } from './stores.js';
import type { Stores } from './stores.js';
import { repair, tally } from './tally.js';
import type { TallyEvent } from './tally.js';

const note = (text: string, ...boxes: string[]): TallyEvent => ({ type: 'Noted', data: { boxes, note: text } });
const spoilt = (text: string, ...boxes: string[]): TallyEvent => ({ type: 'Spoilt', data: { boxes, note: text } });
const ignored: TallyEvent = { type: 'Ignored', data: { note: 'x' } };
const model = tally();

async function notes(reader: ProjectionReader, box: string): Promise<readonly string[] | undefined> {
  return (await (await reader.collection(model)).findOne({ _id: box }))?.notes;
}

describe('projections', () => {
  let stores: Stores;
  let running: Projections[];

  beforeEach(async () => {
    stores = await openStores();
    running = [];
  });

  afterEach(async () => {
    await Promise.all(running.map((projections) => projections.stop()));
    await stores.close();
  });

  function start(options: Partial<ProjectionsOptions> = {}): Projections {
    const retryMs = { first: 5, longest: 20 };
    const projections = startProjections({
      store: stores.store,
      db: stores.read.db,
      models: [model],
      retryMs,
      ...options,
    });
    running.push(projections);
    return projections;
  }

  const elsewhere = () =>
    new ProjectionReader({ db: stores.read.db, log: stores.store, models: [model], pointerMs: 0 });

  it('shows a write to whoever waits for its position, in this process and in another', async () => {
    const projections = start();
    const reader = elsewhere();
    for (let count = 1; count <= 20; count += 1) {
      const position = await stores.append('tally-1', note(`n${count}`, 'a', 'b'));
      const asked = count % 2 === 0 ? projections : reader;
      await asked.wait('tally', position, 5000);
      expect(await notes(asked, 'b')).toHaveLength(count);
    }
  });

  it('stores the key, the position as twenty digits and the row', async () => {
    const projections = start();
    const position = await stores.append('tally-1', note('n', 'a'));
    await projections.wait(model, position, 5000);
    const stored = await stores.read.db.collection('tally_v1').findOne();
    expect(stored).toEqual({ _id: 'a', position: String(position).padStart(20, '0'), notes: ['n'] });
    expect(Object.keys(await stores.read.db.collection('tally_v1').indexInformation())).toContain('label_1');
  });

  it('reaches positions of events that it does not fold', async () => {
    const projections = start();
    await projections.wait(model, await stores.append('tally-1', ignored), 5000);
    await elsewhere().wait(model, await stores.append('tally-1', ignored), 5000);
    await projections.caughtUp(5000);
    const head = await stores.store.head();
    expect(await projections.lag()).toEqual([
      { model: 'tally', build: 'tally_v1', position: head, head, caughtUp: true, parked: 0 },
    ]);
  });

  it('says so when a position is not reached in time', async () => {
    const projections = start();
    const head = await stores.store.head();
    await expect(projections.wait(model, head + 1n, 20)).rejects.toThrow(NotCaughtUp);
    await expect(elsewhere().wait(model, head + 1n, 20)).rejects.toThrow(NotCaughtUp);
    await expect(projections.wait('unheard_of', 0n, 20)).rejects.toThrow(UnknownReadModel);
  });

  it('goes on at its checkpoint after a restart', async () => {
    const position = await stores.append('tally-1', note('n1', 'a'), note('n2', 'a'));
    const first = start();
    await first.wait(model, position, 5000);
    await first.stop();
    const starts: (bigint | undefined)[] = [];
    const second = start({
      store: watched((options) => {
        starts.push(options?.after);
        return stores.store.subscribeToAll(options);
      }),
    });
    await second.wait(model, await stores.append('tally-1', note('n3', 'a')), 5000);
    expect(starts).toEqual([position]);
    expect(await notes(second, 'a')).toEqual(['n1', 'n2', 'n3']);
  });

  it('tries again when the log fails, and goes on where it was', async () => {
    let failures = 0;
    const store = watched(async function* (options) {
      for await (const message of stores.store.subscribeToAll(options)) {
        yield message;
        if (failures < 3) {
          failures += 1;
          throw new StoreUnavailable('gone');
        }
      }
    });
    const position = await stores.append('tally-1', note('n1', 'a'), note('n2', 'a'));
    const projections = start({ store });
    await projections.wait(model, position, 5000);
    await projections.wait(model, await stores.append('tally-1', note('n3', 'a')), 5000);
    expect(failures).toBe(3);
    expect(await notes(projections, 'a')).toEqual(['n1', 'n2', 'n3']);
  });

  it('parks a stream it cannot fold, lets the others go on, and folds it in its place after a repair', async () => {
    const first = start();
    await stores.append('tally-1', note('n1', 'a'), spoilt('secret', 'a', 'b'));
    await stores.append('tally-2', note('n2', 'a'));
    const last = await stores.append('tally-1', note('n3', 'b'));
    await first.wait(model, last, 5000);
    expect(await notes(first, 'a')).toEqual(['n1', 'n2']);
    expect(await notes(first, 'b')).toBeUndefined();
    const [parked] = await elsewhere().parked();
    expect(parked).toMatchObject({ model: 'tally', stream: 'tally-1', revision: 1n, eventType: 'Spoilt', heldBack: 1 });
    expect(parked?.error).toBe('Error: cannot be folded');
    expect(JSON.stringify(await stores.read.db.collection('projection_parked').find().toArray())).not.toContain(
      'secret',
    );
    expect(await first.lag()).toMatchObject([{ parked: 1 }]);

    expect(await first.retry('tally', 'tally-1')).toMatchObject({ revision: 1n, heldBack: 1 });
    expect(await notes(first, 'a')).toEqual(['n1', 'n2']);
    await first.stop();

    const second = start({ upcast: repair(new Set(['tally-1'])) });
    await second.wait(model, last, 5000);
    await second.caughtUp(5000);
    expect(await notes(second, 'b')).toBeUndefined();
    expect(await retryWhenLeading(second)).toBeUndefined();
    expect(await notes(second, 'a')).toEqual(['n1', 'secret', 'n2']);
    expect(await notes(second, 'b')).toEqual(['secret', 'n3']);
    expect(await second.parked()).toEqual([]);
    await second.wait(model, await stores.append('tally-1', note('n4', 'b')), 5000);
    expect(await notes(second, 'b')).toEqual(['secret', 'n3', 'n4']);
  });

  async function retryWhenLeading(projections: Projections) {
    await projections.wait(model, await stores.append('tally-9', note('n', 'z')), 5000);
    return projections.retry('tally', 'tally-1');
  }

  function watched(subscribeToAll: Log['subscribeToAll']): Log {
    const { store } = stores;
    return {
      epoch: store.epoch,
      head: () => store.head(),
      readAll: (options) => store.readAll(options),
      readStream: (stream, options) => store.readStream(stream, options),
      subscribeToAll,
    };
  }
});
